"""Run one round of Omentum: two halves, with the work of people between them.

    first half    predict ── every CT, with the networks in use
                  score ──── find where predictions are probably wrong; make the queue
                  export ─── tasks for the readers, as folders that any viewer opens
        people    revise in these folders, and save `<organ>_revised.nii.gz`
    second half   import ─── their masks, kept for good
                  assemble ─ the masks that stand, into a release with its lineage
                  stop? ──── the audit bounds what is still wrong: this round may be the last
                  tune ───── the heads of revised organs, on a frozen trunk with a little replay
                  gate ───── compare with the parent network on held-out patients
                  evaluate ─ all rounds side by side; the report, with the verdict

The next round begins with the tuned network or with its parent; none begins while the verdict waits for a
person, or by `stop_rule`. Each step does only what is not done yet, so that a round that was killed anywhere
continues when it is called again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from omentum.assemble.current_release import release_named
from omentum.assemble.released import read_release
from omentum.assemble.stage import assemble_round
from omentum.errors import ReviewError
from omentum.evaluate.audit import StopRule, stop_rule
from omentum.evaluate.gate_stage import judge_round, start_next_round
from omentum.evaluate.promotion_decisions import decide, roll_back
from omentum.evaluate.report_data import RoundReport
from omentum.evaluate.stage import evaluate_round
from omentum.evaluate.stop_forecast import prepare_forecast
from omentum.exchange.exporters.exporter import Export
from omentum.incoming import add_address, add_cases, add_found
from omentum.project.kept_hashes import keep_missing_hashes
from omentum.project.kept_probabilities import drop_scored
from omentum.project.project import Project
from omentum.records import Batch, Failure, LabelledCase, NetworkRecord, Release, Revision, Task
from omentum.records.promotions import Promotion
from omentum.review.folder_export import export_round
from omentum.review.folder_import import import_round
from omentum.review.tasks import TaskFilter
from omentum.runners.runner import Progress
from omentum.score.stage import score_round
from omentum.tune.config import ContinualConfig, FullConfig

if TYPE_CHECKING:
    from omentum.phantoms.anatomy_map import AnatomyMap

__all__ = [
    "FirstHalf",
    "SecondHalf",
    "StopRule",
    "add_address",
    "add_cases",
    "add_found",
    "assemble",
    "decide",
    "evaluate",
    "export",
    "export_round",
    "first_half",
    "gate",
    "import_round",
    "predict",
    "roll_back",
    "score",
    "second_half",
    "stop_rule",
    "tune",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstHalf:
    """What waits for people."""

    batches: tuple[Batch, ...]
    tasks: tuple[Task, ...]
    left_out: tuple[Failure, ...] = ()
    """Cases whose tasks cannot be shown now, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondHalf:
    """What became of the revisions."""

    revisions: tuple[Revision, ...]
    release: Release
    stop: StopRule
    """Decided before tuning, as it is about the masks in the release."""
    network: NetworkRecord | None
    """Tuned in this round; `None` where the round is the last."""
    verdict: Promotion | None
    """Whether that network is used from now on; `None` where none was tuned."""
    report_path: Path
    set_aside: tuple[Failure, ...] = ()
    """Files of the readers that were not taken, with the reason."""


def first_half(
    project: Project,
    tasks_dir: Path,
    *,
    top: int | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> FirstHalf:
    """Predict, score, and write the first tasks of the queue for the experts.

    Args:
        project: The project.
        tasks_dir: Gets a folder for each case to revise.
        top: Most tasks; the whole queue where not said.
        device: Where networks run.
        progress: Receives the progress of each step.
    """
    start_next_round(project)  # if a kill came between a verdict and the next round
    predicted = predict(project, device=device, progress=progress)
    scored = score(project, progress=progress)
    exported = export_round(project, tasks_dir, top=top, only=TaskFilter(goes_on=True))
    return FirstHalf(batches=(*predicted, scored), tasks=exported.tasks, left_out=exported.left_out)


def second_half(
    project: Project,
    tasks_dir: Path,
    version: str,
    *,
    minutes_of: Mapping[tuple[str, str], float] | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> SecondHalf:
    """Take what people saved, assemble it, tune the network on it, judge that, and write the round's report.

    Where `stop_rule` is met once their masks are in, the release is the last: nothing is tuned, and no round
    begins; call `tune` and `gate` for another one. Where the verdict is undecided, the round continues until
    `decide`; a call before that judges again, with the masks that came in since.

    Args:
        project: The project.
        tasks_dir: Where people saved their masks.
        version: Of the release that is assembled.
        minutes_of: Time that each case and organ took, where it is known.
        device: Where to tune.
        progress: Receives the progress of each step.
    """
    imported = import_round(project, tasks_dir, minutes_of=minutes_of)
    if not imported.revisions:
        raise ReviewError(f"{tasks_dir} holds no revised mask; save them there as <organ>_revised.nii.gz")
    release = _made_in_round(project, version) or assemble(project, version, progress=progress)
    stop = stop_rule(project)
    network = None if stop.is_met else tune(project, ContinualConfig(), device=device)
    verdict = None if network is None else _judge(project, device=device, progress=progress)
    _, report_path = evaluate(project)
    if verdict is not None:
        start_next_round(project)
    return SecondHalf(
        revisions=tuple(imported.revisions), release=release, stop=stop, network=network, verdict=verdict,
        report_path=report_path,
        set_aside=tuple(imported.set_aside),
    )  # fmt: skip


def predict(
    project: Project,
    *,
    networks: tuple[str, ...] = (),
    average: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
) -> list[Batch]:
    """Predict every case with the networks in use; see `predict.stage.predict_round`."""
    from omentum.predict.stage import predict_round

    return predict_round(project, networks=networks, average=average, device=device, progress=progress)


def score(
    project: Project,
    *,
    strategy: str | None = None,
    budget_minutes: float | None = None,
    progress: Progress | None = None,
) -> Batch:
    """Find where predictions are probably wrong, and make the queue; see `score.stage.score_round`.

    Then probabilities are dropped that the setting `keep` does not keep, and the scores are summed up for the
    forecast of the audit's bound.
    """
    batch = score_round(project, strategy=strategy, budget_minutes=budget_minutes, progress=progress)
    prepare_forecast(project)
    dropped = drop_scored(project)
    if dropped.n_cases and progress is not None:
        progress("probabilities", 0, 0, dropped.said)
    return batch


def assemble(
    project: Project,
    version: str,
    *,
    network: str | None = None,
    progress: Progress | None = None,
) -> Release:
    """Put the masks that stand into a release; see `assemble.stage.assemble_round`."""
    return assemble_round(project, version, network=network, progress=progress)


def export(
    project: Project,
    version: str,
    layout: str,
    asked: Export,
    *,
    address: str = "",
    progress: Progress | None = None,
) -> Batch:
    """Export a release in a layout; see `exchange.exporters.export.export_release`.

    `version` is that of the release, or `current`. An `address` is that of an object store, which gets the
    files in place of `asked.out`; see `exchange.exporters.remote_export`.
    """
    from omentum.exchange.exporters.export import export_release, exporter_named
    from omentum.exchange.exporters.remote_export import export_to_address

    release = release_named(project, version)
    known = {case.case_id: case for case in project.store.cases.every()}
    cases = read_release(release.folder, known if exporter_named(layout).needs_inputs else None)
    named = replace(asked, version=release.version)
    if address:
        under_way = replace(named, out=project.folder.cache_dir / "exports")
        return export_to_address(cases, layout, under_way, address, project.runner, progress=progress)
    return export_release(cases, layout, named, project.runner, progress=progress)


def tune(
    project: Project,
    config: ContinualConfig | FullConfig,
    *,
    maps: "Sequence[AnatomyMap]" = (),
    device: str = "cpu",
    progress: Progress | None = None,
) -> NetworkRecord:
    """Tune the network on the revisions; see `tune.stage.tune_round`. Then the gate judges it."""
    from omentum.tune.stage import tune_round

    keep_missing_hashes(project, project.networks[0])
    labelled = _learnable(project)
    return tune_round(project, labelled, config, maps=maps, device=device, progress=progress)


def gate(project: Project, *, device: str = "cpu", progress: Progress | None = None) -> Promotion:
    """Judge the network of this round, and begin the next one unless a person has to decide.

    See `evaluate.gate_stage.judge_round`; a person may `decide` or `roll_back`.
    """
    verdict = _judge(project, device=device, progress=progress)
    start_next_round(project)
    return verdict


def _judge(project: Project, *, device: str, progress: Progress | None) -> Promotion:
    from omentum.predict.stage import predict_round

    def predict_held_out(networks: Sequence[str], case_ids: Collection[str]) -> None:
        predict_round(project, networks=networks, case_ids=case_ids, device=device, progress=progress)

    return judge_round(project, project.standing(), predict_held_out)


def evaluate(project: Project, *, truth: Path | None = None) -> tuple[RoundReport, Path]:
    """Compare all rounds with reference masks; see `evaluate.stage.evaluate_round`."""
    return evaluate_round(project, project.standing(), truth=truth)


def _learnable(project: Project) -> list[LabelledCase]:
    """Exclude audited organs from training, so that the audit stays unbiased."""
    audit = project.store.audits.of_round(project.store.rounds.current().number)
    drawn = set() if audit is None else set(audit.drawn)
    return [
        replace(one, masks=tuple(mask for mask in one.masks if (one.case.case_id, mask.organ) not in drawn))
        for one in project.standing()
    ]


def _made_in_round(project: Project, version: str) -> Release | None:
    """Find a release of all revisions that this round made before it was killed."""
    current = project.store.rounds.current()
    revised = [one.time for one in project.store.revisions.all() if one.round_number == current.number]
    begun = max([current.started, *revised])
    made = (one for one in project.store.releases.all() if one.version == version and one.time >= begun)
    return next(made, None)
