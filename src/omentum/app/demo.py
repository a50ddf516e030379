"""Run the whole loop for three rounds at a synthetic site, with a simulated reader."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import typer

from omentum import loop
from omentum.app.console import bars, say_table
from omentum.app.say_verdict import said_of
from omentum.errors import ConfigError
from omentum.evaluate.agreement import compare_case
from omentum.evaluate.report_data import RoundReport
from omentum.evaluate.summary import summarised
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import Source
from omentum.measures.error_regions import DEEPER_THAN_MM
from omentum.phantoms.cohort import write_cohort
from omentum.project.project import Project, begin_project, opened
from omentum.project.settings import Settings
from omentum.records import Release, Task
from omentum.records.promotions import GateOutcome, Promotion
from omentum.review.simulated import SimulatedReader
from omentum.runners.runner import Progress
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet, NamedPart
from omentum.volumes.nifti import read_nifti

__all__ = ["run_demo"]

ROUNDS = 3
N_HELD_OUT = 8
"""Patients whose masks the site brings with it; the gate judges networks by them."""
_MARK = "omentum-demo"
_SITE = "dev-site-1"
"""Scans and draws as the starter never saw."""
_SPACING_MM = (3.0, 3.0, 3.0)
_ORGANS = ("kidney_right", "kidney_left", "aorta", "postcava")
"""The site draws them by conventions of its own."""
_MINUTES_A_CASE = 32.0
_FIRST_HELD_OUT = 1000


def run_demo(folder: Path, n_cases: int) -> None:
    """Run rounds at a synthetic site, each with new patients, and say where the report is.

    Args:
        folder: Made anew; an older demonstration there is replaced.
        n_cases: Synthetic patients that are read, over all rounds.

    Raises:
        ConfigError: The folder holds something else.
    """
    from omentum.networks.catalogue import default_networks  # loads what networks need; slow to import

    _clear(folder)
    batches = [tuple(range(first, n_cases, ROUNDS)) for first in range(ROUNDS)]
    held_out = tuple(range(_FIRST_HELD_OUT, _FIRST_HELD_OUT + N_HELD_OUT))
    with bars() as progress:
        root = folder / "project"
        minutes = len(batches[0]) * _MINUTES_A_CASE
        begin_project(
            root,
            Settings(organs=_ORGANS, networks=default_networks(), held_out_share=0.0, budget_minutes=minutes),
        )
        with opened(root) as project:
            _add_held_out(project, _made(folder / "held-out", held_out, progress))
            rows = []
            for seeds in batches:
                _add(project, _made(folder / "cohort", seeds, progress))
                rows.append(_round(project, folder, progress))
                if project.store.rounds.current().number == len(rows):  # its audit found too little to go on
                    break
            loop.predict(project, progress=progress)
            loop.score(project, progress=progress)
            report, path = loop.evaluate(project)
    _say(report, rows)
    typer.echo(f"the report is {path.resolve()}")


def _made(folder: Path, seeds: Sequence[int], progress: Progress) -> list[Path]:
    """Make patients of the site: CT, and the masks that its people would draw."""
    made = []
    for n, seed in enumerate(seeds, start=1):
        made += write_cohort(folder, [seed], style=_SITE, spacing_mm=_SPACING_MM)
        progress("make patients", n, len(seeds), "")
    return made


def _clear(folder: Path) -> None:
    if folder.exists() and not (folder / _MARK).is_file() and any(folder.iterdir()):
        raise ConfigError("--out", str(folder), "it holds something else; name a new folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / _MARK).touch()


def _add(project: Project, cases: Sequence[Path]) -> None:
    """Add the CTs alone: their true labels are for the simulated reader."""
    loop.add_cases(project, cases, labels=lambda _: None)


def _add_held_out(project: Project, cases: Sequence[Path]) -> None:
    """Add the patients whose masks the site has; no network learns from them."""

    def labelled(source: Source) -> OriginalLabel:
        path = source.path.parent / "labels.nii.gz"
        return OriginalLabel(path=path, ids="omentum", organs=tuple(project.settings.organs))

    loop.add_cases(project, cases, labels=labelled)
    project.store.cases.hold_out([case.patient_id for case in project.store.cases.all()])


def _round(project: Project, folder: Path, progress: Progress) -> tuple[float, int, float | None]:
    """Run one round; give the reader's minutes, the masks revised, and the Dice of the release."""
    number = project.store.rounds.current().number
    tasks_dir = folder / "tasks" / str(number)
    half = loop.first_half(project, tasks_dir, progress=progress)
    minutes_of = _revise(half.tasks, project, folder, tasks_dir)
    done = loop.second_half(project, tasks_dir, f"V{number}", minutes_of=minutes_of, progress=progress)
    _accept(project, done.verdict)
    dice = _release_dice(done.release, folder / "cohort")
    return sum(minutes_of.values()), len(done.revisions), dice


def _accept(project: Project, verdict: Promotion | None) -> None:
    """Accept what the gate cannot judge, as a person would do, and say so."""
    if verdict is None:
        return
    typer.echo(said_of(verdict))
    if verdict.outcome is GateOutcome.UNDECIDED:
        loop.decide(project, accept=True, by="demonstration", why="there are too few patients to judge it")
        typer.echo("the demonstration accepts it unseen; in a project, a person decides")


def _revise(
    tasks: tuple[Task, ...], project: Project, folder: Path, tasks_dir: Path
) -> dict[tuple[str, str], float]:
    def truth(case_id: str, organ_name: str) -> npt.NDArray[np.bool_]:
        labels = read_nifti(_drawn(folder, case_id)).voxels
        return np.asarray(labels == organ(organ_name).index)

    minutes = project.settings.budget_minutes
    reader = SimulatedReader(truth=truth, budget_minutes=minutes, leaves_mm=DEEPER_THAN_MM)
    return reader.revise(sorted(tasks, key=lambda task: task.rank), tasks_dir)


def _drawn(folder: Path, case_id: str) -> Path:
    """Find the masks that the site's people would draw."""
    places = [folder / part / case_id / "labels.nii.gz" for part in ("cohort", "held-out")]
    return next(path for path in places if path.is_file())


def _release_dice(release: Release, cohort: Path) -> float | None:
    """Compare the masks of the patients who were read with what the site's people would draw."""
    agreements = []
    for case in sorted(cohort.iterdir()):
        labels = read_nifti(case / "labels.nii.gz")
        files = sorted((release.folder / case.name / "segmentations").glob("*.nii.gz"))
        names = [file.name.removesuffix(".nii.gz") for file in files]
        released = MaskSet.build(labels.geometry, names, _parts(files, names))
        truth = MaskSet.from_labels(labels.voxels, labels.geometry, names)
        agreements += compare_case(case.name, released, truth)
    return summarised(agreements).dice


def _parts(files: list[Path], names: list[str]) -> Iterator[NamedPart]:
    for file, name in zip(files, names, strict=True):
        yield name, read_nifti(file).voxels > 0


def _say(report: RoundReport, rounds: list[tuple[float, int, float | None]]) -> None:
    rows = []
    for figures, (minutes, n_revised, release_dice) in zip(
        report.rounds, [*rounds, (None, None, None)], strict=False
    ):
        summary = figures.summary
        dice = (None, None) if summary is None else (summary.dice, summary.surface_dice)
        spent = None if minutes is None else round(minutes, 1)
        rows.append((figures.number, figures.network, *dice, spent, n_revised, release_dice))
    columns = (
        "round",
        "network",
        "Dice, held out",
        "surface Dice",
        "minutes",
        "masks revised",
        "Dice of release",
    )
    say_table("three rounds at one site", columns, rows)
