"""Add a data set to a project, with predictions and revisions that came with it.

Each step does only what is not done yet, so that a killed run continues when it is called again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from omentum.exchange import batch
from omentum.exchange.batch import AddedCases, Labels
from omentum.exchange.import_options import DEFAULT_OPTIONS, ImportOptions, recorded_path
from omentum.exchange.importers.find_sources import find_sources
from omentum.exchange.importers.source import FoundSources, Source
from omentum.exchange.label_updates import LabelUpdates, update_labels
from omentum.project.paths import read_secret
from omentum.project.project import Project
from omentum.records import Batch, Failure
from omentum.review.import_tree_revisions import TreeRevision, take_tree_revisions
from omentum.runners.runner import Progress

__all__ = ["ImportResult", "add_cases", "add_found"]

_NOTHING = Batch(done=(), skipped=(), failed=())


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportResult:
    """What was added.

    Attributes:
        cases: By name.
        labels: Labels of known cases.
        predictions: By `<case_id>/<network>`; an organ's file that cannot be used is among the failed.
        revisions: By `<case_id>/<organ>`.
        left_alone: Predictions and revisions that were not imported, with the reason.
    """

    cases: AddedCases
    labels: LabelUpdates = field(default_factory=LabelUpdates)
    predictions: Batch = _NOTHING
    revisions: Batch = _NOTHING
    left_alone: tuple[Failure, ...] = ()


def add_cases(
    project: Project,
    paths: Sequence[Path],
    *,
    case_id: str | None = None,
    labels: Labels | None = None,
    options: ImportOptions = DEFAULT_OPTIONS,
    progress: Progress | None = None,
) -> ImportResult:
    """Add every CT found in files and folders; see `add_found`.

    Args:
        project: The project.
        paths: CTs, DICOM folders, lists, folders of them.
        case_id: A name for the one CT there is, instead of one from its path.
        labels: Finds a CT's original label, instead of the one of its layout.
        options: How they come in.
        progress: Told of the progress.

    Raises:
        ConfigError: `case_id` is given for more than one CT, or cannot be a folder's name.
        ImageError: A path is no CT and no folder of any.
    """
    looked = find_sources(paths)
    return add_found(project, looked, case_id=case_id, labels=labels, options=options, progress=progress)


def add_found(
    project: Project,
    looked: FoundSources,
    *,
    case_id: str | None = None,
    labels: Labels | None = None,
    options: ImportOptions = DEFAULT_OPTIONS,
    progress: Progress | None = None,
) -> ImportResult:
    """Add CTs that were found, then their labels, predictions and revisions.

    A mask that cannot be used fails alone, and its CT stays. Predictions come before revisions, which are
    compared with the masks that their readers likely began with.

    Args, errors: As of `add_cases`.
    """
    cases = batch.add_found(
        project, looked, case_id=case_id, labels=labels, options=options, progress=progress
    )
    known = [one for one in cases.sources if one.case_id in cases.skipped]
    given = [(one, one.label if labels is None else labels(one)) for one in known]
    seen = update_labels(
        project,
        [(one, label) for one, label in given if label is not None],
        options=options,
        progress=progress,
    )
    predictions, not_predicted = _predictions(project, cases.sources, options, progress)
    drawn = [
        TreeRevision(
            case_id=one.case_id,
            organ=mask.organ,
            path=mask.path,
            shown=mask.shown,
            network=mask.network or "",
        )
        for one in cases.sources
        for mask in one.revisions
    ]
    revisions, not_drawn = take_tree_revisions(project, drawn, progress=progress)
    return ImportResult(
        cases=cases,
        labels=seen,
        predictions=predictions,
        revisions=revisions,
        left_alone=(*not_predicted, *not_drawn),
    )


def _predictions(
    project: Project,
    sources: Sequence[Source],
    options: ImportOptions,
    progress: Progress | None,
) -> tuple[Batch, tuple[Failure, ...]]:
    found = [(one, folder) for one in sources for folder in one.network_folders]
    if not found:
        return _NOTHING, ()
    from omentum.predict.imported_predictions import ImportedFiles, import_predictions

    secret = read_secret(project.folder)
    left = [
        ImportedFiles(
            case_id=one.case_id,
            network=folder.name,
            folder=folder,
            origin=f"{recorded_path(one.path, secret, options)}, backbones/{folder.name}",
        )
        for one, folder in found
    ]
    return import_predictions(project, left, progress=progress)
