"""Add a data set, or a release of another project, with predictions and revisions that came with it.

Each step does only what is not done yet, so that a killed run continues when it is called again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from omentum.exchange import batch
from omentum.exchange.batch import AddedCases, Labels
from omentum.exchange.import_options import DEFAULT_OPTIONS, ImportOptions, recorded_path
from omentum.exchange.importers.find_sources import find_sources
from omentum.exchange.importers.source import FoundSources, Source
from omentum.exchange.label_updates import LabelUpdates, update_labels
from omentum.exchange.remote_sources import PORTION_BYTES, entries_of, fetched, portions
from omentum.project.paths import read_secret
from omentum.project.project import Project
from omentum.project.standing import facts_of_case, standing_case
from omentum.records import Batch, Failure, MaskSource
from omentum.review.import_tree_revisions import TreeRevision, take_tree_revisions
from omentum.review.released_revisions import ReleasedMaskOfCase, take_released
from omentum.runners.runner import Progress
from omentum.volumes.remote import list_remote

__all__ = ["ImportResult", "add_address", "add_cases", "add_found"]

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
        notices: What people should know of what was taken from a release.
    """

    cases: AddedCases
    labels: LabelUpdates = field(default_factory=LabelUpdates)
    predictions: Batch = _NOTHING
    revisions: Batch = _NOTHING
    left_alone: tuple[Failure, ...] = ()
    notices: tuple[Failure, ...] = ()


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
    predictions, renamed, not_predicted = _predictions(project, cases.sources, options, progress)
    revisions, not_drawn, waiting = _revisions(project, cases.sources, progress)
    return ImportResult(
        cases=cases,
        labels=seen,
        predictions=predictions,
        revisions=revisions,
        left_alone=(*not_predicted, *not_drawn),
        notices=(
            *renamed,
            *waiting,
            *_held_back(project, cases.sources),
            *_contradictions(project, cases.sources),
        ),
    )


def add_address(
    project: Project,
    url: str,
    *,
    labels: Labels | None = None,
    options: ImportOptions = DEFAULT_OPTIONS,
    portion_bytes: int = PORTION_BYTES,
    progress: Progress | None = None,
) -> Iterator[ImportResult]:
    """Add the CTs below an address of an object store, a portion at a time; nothing is written there.

    A portion is fetched into the project's cache, added, and removed; what is a case already is not fetched.

    Args:
        project: The project.
        url: Its entries are cases: files, or folders with all that belongs to a case.
        labels: Finds a CT's original label, instead of the one of its layout.
        options: How they come in.
        portion_bytes: Most bytes that are fetched at a time, unless one entry has more.
        progress: Told of the progress.

    Yields:
        What was added of each portion; entries that did not come are among the failed.

    Raises:
        DownloadError: The address cannot be listed.
    """
    url = url.rstrip("/")
    sources = {case.source for case in project.store.cases.every()}
    due = [one for one in entries_of(list_remote(url)) if not one.is_known(sources)]
    for portion in portions(due, portion_bytes):
        with fetched(url, portion, project.folder.cache_dir, progress) as here:
            looked = here.sources()
            mirrored = replace(options, mirror=(here.folder, url))
            added = add_found(project, looked, labels=labels, options=mirrored, progress=progress)
            failed = here.as_in_store(added.cases.failed)
            cases = replace(added.cases, failed=failed)
            left_out = here.as_in_store((*looked.left_out, *added.left_alone))
            yield replace(added, cases=cases, left_alone=left_out)


def _predictions(
    project: Project,
    sources: Sequence[Source],
    options: ImportOptions,
    progress: Progress | None,
) -> tuple[Batch, tuple[Failure, ...], tuple[Failure, ...]]:
    """Import predictions; give also networks that were renamed, and what was not imported."""
    found = [(one, folder) for one in sources for folder in one.network_folders]
    secret = read_secret(project.folder)
    released = [
        (one.case_id, one.released, f"{recorded_path(one.path, secret, options)}, a release")
        for one in sources
        if one.released is not None
    ]
    if not (found or released):
        return _NOTHING, (), ()
    from omentum.predict.imported_predictions import ImportedFiles, import_predictions
    from omentum.predict.released_predictions import released_predictions

    left = [
        ImportedFiles(
            case_id=one.case_id,
            network=folder.name,
            folder=folder,
            origin=f"{recorded_path(one.path, secret, options)}, backbones/{folder.name}",
        )
        for one, folder in found
    ]
    files, renamed = released_predictions(project, released)
    batch, refused = import_predictions(project, [*left, *files], progress=progress)
    return batch, renamed, refused


def _revisions(
    project: Project, sources: Sequence[Source], progress: Progress | None
) -> tuple[Batch, tuple[Failure, ...], tuple[Failure, ...]]:
    """Import revisions; give also what was not imported, and what was and does not stand."""
    drawn = [
        TreeRevision(
            case_id=one.case_id,
            organ=mask.organ,
            path=mask.path,
            shown=mask.shown,
            network=mask.network or "",
        )
        for one in sources
        for mask in one.revisions
    ]
    of_tree, left_alone = take_tree_revisions(project, drawn, progress=progress)
    released = [
        ReleasedMaskOfCase(case_id=one.case_id, mask=mask)
        for one in sources
        if one.released is not None
        for mask in one.released.masks
    ]
    of_release, waiting = take_released(project, released, progress=progress)
    both = Batch(
        done=(*of_tree.done, *of_release.done),
        skipped=(*of_tree.skipped, *of_release.skipped),
        failed=(*of_tree.failed, *of_release.failed),
    )
    return both, left_alone, waiting


def _held_back(project: Project, sources: Sequence[Source]) -> list[Failure]:
    """Tell which masks of a release are held back here until a person confirms them; revisions tell it."""
    told = []
    for one in sources:
        masks = () if one.released is None else one.released.masks
        made = [mask for mask in masks if mask.source is not MaskSource.REVISED]
        held = {network: _held(project, one.case_id, network) for network in {mask.network for mask in made}}
        for mask in made:
            if (mask.organ, mask.source) in held[mask.network]:
                said = held[mask.network][mask.organ, mask.source]
                why = f"taken, and held back until a person confirms it: {said}"
                told.append(Failure(key=str(mask.path), reason=why))
    return told


def _held(project: Project, case_id: str, network: str) -> dict[tuple[str, MaskSource], str]:
    """Give what was found of each mask of a case that is held back."""
    facts = facts_of_case(project, case_id, network=network or None)
    return {(one.organ, one.source): one.findings[0].said for one in standing_case(facts).held}


def _contradictions(project: Project, sources: Sequence[Source]) -> list[Failure]:
    """Tell of patients whom a release keeps for evaluation and this project does not, or the other way."""
    told = []
    for one in sources:
        if one.released is None:
            continue
        case = project.store.cases.get(one.case_id)
        if case.held_out != one.released.held_out:
            there, here = (
                ("kept for evaluation", "learned from")
                if one.released.held_out
                else ("learned from", "kept for evaluation")
            )
            why = f"its patient is {there} in the release and {here} in this project, which stays so"
            told.append(Failure(key=str(one.path), reason=why))
    return told
