"""Add many CTs to a project; one that cannot be used fails alone.

Out: cases on disk and in the database; patients for evaluation are drawn as they come in. A CT that is a case
     already is recognised, even if its source has moved.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from omentum.errors import CaseClashError, ConfigError, ErasedCaseError
from omentum.exchange.add import ImportedCase
from omentum.exchange.import_options import DEFAULT_OPTIONS, ImportOptions, recorded_path
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import FoundSources, Source
from omentum.exchange.intake import (
    HeldOutDraw,
    Intake,
    IntakeLedger,
    IntakeResult,
    NewCt,
    brought_in,
)
from omentum.exchange.known_cases import KnownCases
from omentum.exchange.patients import Patients
from omentum.names import checked_new_case_id, pseudonym
from omentum.project.paths import read_secret
from omentum.project.project import ADD_STAGE, Project
from omentum.records import Batch, Failure, Tombstone
from omentum.runners.in_process import InProcessRunner
from omentum.runners.processes import WorkAhead
from omentum.runners.runner import Progress

__all__ = ["AddedCases", "Labels", "add_found"]

_SMALL_BYTES = 1 << 20
Labels = Callable[[Source], OriginalLabel | None]
"""Finds the original label of a CT, if it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedCases(Batch):
    """CTs that were added: new cases are `done`, known ones `skipped`."""

    sources: tuple[Source, ...] = ()
    """CTs that are cases now, under the names of their cases."""
    moved: Mapping[str, str] = field(default_factory=dict)
    """Former source of a known case, by case."""
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What was mended as a new CT was read, by case."""


def add_found(
    project: Project,
    found: FoundSources,
    *,
    case_id: str | None = None,
    labels: Labels | None = None,
    options: ImportOptions = DEFAULT_OPTIONS,
    progress: Progress | None = None,
) -> AddedCases:
    """Add CTs that were found; CTs with one patient's name, or of alike voxels, count as one patient.

    A CT with the name of a case and other voxels fails, as does one that was erased.

    Args:
        project: The project.
        found: What was found.
        case_id: A name for the one CT there is, instead of one from its path.
        labels: Finds a CT's original label, instead of the one of its layout.
        options: How they come in.
        progress: Told of each case.

    Raises:
        ConfigError: `case_id` is given for more than one CT, or cannot be a folder's name.
    """
    store, secret = project.store, read_secret(project.folder)
    cases, arrivals, erased = store.cases.every(), store.arrivals.all(), store.tombstones.all()
    if not options.readmit:
        options = replace(options, refused={one.voxels: _why_erased(one) for one in erased if one.voxels})

    def recorded(source: Source) -> str:
        return recorded_path(source.path, secret, options)

    known = KnownCases(cases, arrivals, store.former_names.all(), recorded)
    named = _named(_nameless(found.sources, secret, options), case_id)
    sources, clashes = _each_once(
        named if case_id is not None else [known.named(one) for one in named], known.is_known
    )
    new = {
        source.case_id: NewCt(
            source=source,
            case_dir=project.folder.case_dir(source.case_id),
            patient_id=_patient_of(source, secret),
            label=source.label if labels is None else labels(source),
        )
        for source in sources
        if known.case_of(source) is None
    }
    are_known = {source.case_id for source in sources if known.is_known(source)}
    ledger = IntakeLedger(store, store.ledger.of(ADD_STAGE), are_known, erased if options.readmit else ())

    def imported(source: Source) -> ImportedCase:
        try:
            return ahead.take(new[source.case_id])
        except ErasedCaseError:
            ledger.keep_nothing_of(source.case_id)
            raise

    held_out = HeldOutDraw(cases, secret, project.settings.held_out_share)
    intake = Intake(
        known=known,
        patients=Patients(cases, arrivals, held_out.side_of),
        held_out=held_out,
        recorded=recorded,
        options=options,
        imported=imported,
    )
    bring_in = partial(brought_in, secret=secret, options=options)
    with WorkAhead(list(new.values()), bring_in, is_small=_is_small) as ahead:
        # Here, as the work writes to the open database.
        batch = InProcessRunner().run(
            sources, intake, key=lambda source: source.case_id, ledger=ledger, step="add", progress=progress
        )
    failed = (*found.unusable, *clashes, *batch.failed)
    return _summed_up(sources, replace(batch, failed=failed), ledger.taken)


def _patient_of(source: Source, secret: bytes) -> str | None:
    """Give the pseudonym of a CT's patient, as a release gave it; `None` if only a DICOM header says."""
    if source.released is not None:
        return source.released.patient_id
    return None if source.patient is None else pseudonym(secret, source.patient)


def _summed_up(sources: Iterable[Source], batch: Batch, taken: Mapping[str, IntakeResult]) -> AddedCases:
    """Separate new CTs from known ones, by the names of their cases."""
    ended = {*batch.done, *batch.skipped}
    names = {key: taken[key].case_id if key in taken else key for key in ended}
    known = [key for key in ended if key not in taken or taken[key].case is None]
    are_cases = [source for source in sources if source.case_id in ended]
    return AddedCases(
        done=tuple(key for key in batch.done if taken[key].case is not None),
        skipped=tuple(
            dict.fromkeys(names[source.case_id] for source in are_cases if source.case_id in known)
        ),
        failed=batch.failed,
        sources=tuple(replace(source, case_id=names[source.case_id]) for source in are_cases),
        moved={one.case_id: one.was_at for one in taken.values() if one.was_at},
        notes={one.case_id: one.notes for one in taken.values() if one.notes},
    )


def _why_erased(tombstone: Tombstone) -> str:
    return f"was erased on {tombstone.time:%Y-%m-%d} ({tombstone.why})"


def _is_small(arriving: NewCt) -> bool:
    path = arriving.source.path
    return path.is_file() and path.stat().st_size < _SMALL_BYTES


def _nameless(sources: Sequence[Source], secret: bytes, options: ImportOptions) -> list[Source]:
    """Rename DICOM series of de-identified projects, as a folder's name may be a patient's."""
    if not options.deidentify:
        return list(sources)
    return [
        replace(one, case_id=f"ct-{pseudonym(secret, f'{one.path} {one.case_id}').removeprefix('p-')}")
        if one.path.is_dir()
        else one
        for one in sources
    ]


def _named(sources: list[Source], case_id: str | None) -> list[Source]:
    if case_id is None:
        return sources
    if len(sources) != 1:
        raise ConfigError(
            "--id", case_id, f"it names one CT, and {len(sources)} were found; add them one by one"
        )
    return [replace(sources[0], case_id=checked_new_case_id("--id", case_id))]


def _each_once(
    sources: Sequence[Source], is_known: Callable[[Source], bool]
) -> tuple[list[Source], list[Failure]]:
    """Keep each case's own CT, else the first of its name; others of that name fail."""
    first: dict[str, Source] = {}
    clashes = []
    for source in sorted(sources, key=lambda one: not is_known(one)):
        one = first.setdefault(source.case_id, source)
        if one is not source and (one.path, one.files) != (source.path, source.files):
            clash = CaseClashError(source.case_id, source.path, one.path)
            clashes.append(Failure(key=str(source.path), reason=str(clash)))
    return [one for one in sources if first[one.case_id] is one], clashes
