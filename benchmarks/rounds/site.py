"""Which patients does a project have? Those of one site, with the first predictions.

In:  a site: a style of omentum.phantoms, with a range of seeds.
Out: a folder with the patients, and a project in which both shipped networks have predicted all of them.
     Every strategy begins from a copy of it. Features that tuning makes lie beside it and are shared, too.
"""

import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path

from omentum import loop
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import Source
from omentum.phantoms.cohort import write_cohort
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings

__all__ = ["COHORT", "PROJECT", "Plan", "begin_site"]

NETWORKS = ("starter", "starter-second")
COHORT, PROJECT = "cohort", "project"
FIRST_SEED = 80_000
MOST_PATIENTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is fixed beforehand; kept with the results."""

    sites: tuple[str, ...] = ("site-1", "site-2")
    strategies: tuple[str, ...] = ("expected-error", "published", "foreground-random", "class-stratified")
    n_learned: int = 12
    """Patients of a site whose masks are revised and learned from."""
    n_held_out: int = 8
    """Others, with true labels, by which the gate judges and Dice is measured."""
    n_rounds: int = 3
    minutes: float = 60.0
    """The reader's, in each round."""
    steps: int | None = None
    """Of tuning; `None` is what the product does by default."""
    spacing_mm: tuple[float, float, float] = (3.0, 3.0, 3.0)


def begin_site(folder: Path, site: str, plan: Plan) -> Path:
    """Make the patients of a site and the project that all strategies begin from, or find them."""
    kept, part = folder / "begun", folder / "begun.part"
    if not kept.is_dir():
        shutil.rmtree(part, ignore_errors=True)
        first = FIRST_SEED + zlib.crc32(site.encode()) % 100 * MOST_PATIENTS
        seeds = range(first, first + plan.n_learned + plan.n_held_out)
        cases = write_cohort(folder / COHORT, seeds, style=site, spacing_mm=plan.spacing_mm)
        _begin_project(part / PROJECT, cases, plan)
        (folder / "features").mkdir(exist_ok=True)
        part.rename(kept)
    return kept


def _begin_project(root: Path, cases: list[Path], plan: Plan) -> None:
    """Begin without random draws by the product: the truth says what is left, and judges networks."""
    settings = Settings(
        networks=NETWORKS,
        budget_minutes=plan.minutes,
        held_out_share=0.0,
        audit_share=0.0,
        audit_bound=0.0,
        gate_share=0.0,
    )
    root.parent.mkdir(parents=True)
    begin_project(root, settings)
    learned, held_out = cases[: plan.n_learned], cases[plan.n_learned :]
    with opened(root) as project:
        loop.add_cases(project, learned, labels=lambda _: None)
        loop.add_cases(project, held_out, labels=_true_label)
        project.store.cases.hold_out([one.name for one in held_out])
        loop.predict(project)
        cache = project.folder.cache_dir
    cache.mkdir(parents=True, exist_ok=True)
    (cache / "features").symlink_to(root.parents[1].resolve() / "features", target_is_directory=True)


def _true_label(source: Source) -> OriginalLabel:
    """Give the true labels of the project's organs; of others, absent ones would be findings."""
    return OriginalLabel(path=source.path.parent / "labels.nii.gz", ids="omentum", organs=Settings().organs)
