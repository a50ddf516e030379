"""Store a CT as a new case, or recognise it as a known one whose source has moved.

Out: records for the database, stored with the ledger entry in one transaction.
"""

import hashlib
import shutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from omentum.errors import CaseClashError
from omentum.exchange.add import ImportedCase, import_case, read_source
from omentum.exchange.fingerprint import fingerprint
from omentum.exchange.import_options import ImportOptions
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import Source
from omentum.exchange.known_cases import KnownCases
from omentum.exchange.patients import Patients
from omentum.records import Arrival, Case, LabelVersion, Tombstone
from omentum.store.ledger import StageLedger
from omentum.store.store import Store
from omentum.volumes.library_errors import reading

__all__ = ["HeldOutDraw", "Intake", "IntakeLedger", "IntakeResult", "NewCt", "brought_in", "is_held_out"]

_FIRST_PATIENTS = 4
"""The first patients are never held out, as a small project trains on all of its CTs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCt:
    """A CT to import: its source, folder, patient (if no header says) and label."""

    source: Source
    case_dir: Path
    patient_id: str | None
    label: OriginalLabel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeResult:
    """Records of a CT.

    Attributes:
        case_id: Its case.
        recorded: Its source, as the database keeps it.
        case: The case, if it is new.
        arrival: The fingerprint and findings of a new case.
        label: The first version of a new case's label, if it has one.
        was_at: Former source of a known case.
        notes: What was mended as a new CT was read, for people.
    """

    case_id: str
    recorded: str
    case: Case | None = None
    arrival: Arrival | None = None
    label: LabelVersion | None = None
    was_at: str = ""
    notes: tuple[str, ...] = ()


class IntakeLedger:
    """Stores the records of a CT and its ledger entry in one transaction.

    Args:
        store: The project's.
        stage: The ledger's stage.
        known: Names of CTs that are cases already.
        erased: Tombstones of cases that may come in again.
    """

    def __init__(
        self, store: Store, stage: StageLedger, known: Collection[str], erased: Iterable[Tombstone] = ()
    ) -> None:
        self.taken: dict[str, IntakeResult] = {}
        """Results, by the name of the CT."""
        self._store = store
        self._stage = stage
        self._known = known
        self._erased = tuple(erased)
        self._nameless: set[str] = set()

    def done(self, key: str) -> bool:
        """Return whether a CT is a case already."""
        return key in self._known

    def mark_done(self, key: str, result: IntakeResult) -> None:
        """Store a new case, or the present source of a known one."""
        store = self._store
        with store.together():
            if result.case is None or result.arrival is None:
                store.cases.move_source(result.case_id, result.recorded)
            else:
                store.cases.add(result.case)
                store.arrivals.keep(result.arrival)
                if result.label is not None:
                    store.labels.add(result.label)
                for one in self._erased:
                    if one.voxels == result.arrival.voxels:
                        store.tombstones.forget(one.pseudonym)
            self._stage.mark_done(result.case_id, None)
            if key != result.case_id:
                self._stage.ledger.forget(self._stage.stage, key)
        self.taken[key] = result

    def keep_nothing_of(self, key: str) -> None:
        """Let no trace of a CT be kept where it fails, as it was erased and its name may be a patient's."""
        self._nameless.add(key)

    def mark_failed(self, key: str, reason: str) -> None:
        """Note why a CT could not be used."""
        if key in self._nameless:
            self._stage.ledger.forget(self._stage.stage, key)
        else:
            self._stage.mark_failed(key, reason)


class HeldOutDraw:
    """Draws the patients that are held out for evaluation; known patients stay where they are.

    Args:
        cases: All cases of the project.
        secret: The project's.
        share: Share of patients to hold out, in [0, 1].
    """

    def __init__(self, cases: Iterable[Case], secret: bytes, share: float) -> None:
        self._split = {case.patient_id: case.held_out for case in cases}
        self._secret, self._share = secret, share

    def side_of(self, patient_id: str) -> bool | None:
        """Return whether a patient is held out; `None` if no case of it has come in."""
        return self._split.get(patient_id)

    def with_split(self, case: Case, said: bool | None = None) -> Case:
        """Set whether a case is held out: as its patient is, else as a release says, else as is drawn."""
        is_drawn = len(self._split) >= _FIRST_PATIENTS and is_held_out(case, self._secret, self._share)
        held_out = self._split.setdefault(case.patient_id, is_drawn if said is None else said)
        return replace(case, held_out=held_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Takes one CT after another into a project.

    Attributes:
        known: The cases of the project.
        patients: Their patients.
        held_out: Draws patients for evaluation.
        recorded: Gives a CT's source as the database keeps it.
        options: How CTs come in.
        imported: Imports the files of a CT with a new name.
    """

    known: KnownCases
    patients: Patients
    held_out: HeldOutDraw
    recorded: Callable[[Source], str]
    options: ImportOptions
    imported: Callable[[Source], ImportedCase]

    def __call__(self, source: Source) -> IntakeResult:
        """Take a CT.

        Raises:
            CaseClashError: It has the name of a case and other voxels.
            ImageError: It cannot be used.
        """
        case = self.known.case_of(source)
        if case is None:
            return self._taken(source, self.imported(source))
        with reading(source.path):
            seen = fingerprint(read_source(source, self.options)[0])
        if not self.known.is_same_ct(case, seen):
            raise CaseClashError(source.case_id, source.path, case.source)
        if source.released is not None:  # another project's copy; ours stays where it came from
            return IntakeResult(case_id=case.case_id, recorded=case.source)
        return IntakeResult(case_id=case.case_id, recorded=self.recorded(source), was_at=case.source)

    def _taken(self, source: Source, imported: ImportedCase) -> IntakeResult:
        recorded = self.recorded(source)
        moved = self.known.moved(source, imported.seen)
        if moved is not None:
            shutil.rmtree(imported.case.ct_path.parent)
            if source.released is not None:
                return IntakeResult(case_id=moved.case_id, recorded=moved.source)
            was_at = "" if moved.source == recorded else moved.source
            return IntakeResult(case_id=moved.case_id, recorded=recorded, was_at=was_at)
        settled = self.patients.settle(imported.case, imported.seen, imported.identity)
        arrival = Arrival(
            case_id=imported.case.case_id,
            ct_sha256=imported.ct_sha256,
            voxels=imported.seen.voxels,
            thumbnail=imported.seen.thumbnail,
            slices=imported.seen.slices,
            identity=imported.identity,
            links=settled.links,
            same_voxels_as=settled.same_voxels,
            likely_patient_of=settled.alike,
            patient_in_source=settled.own_patient,
            patients_conflict=settled.conflict,
            findings=imported.ct_findings,
            time=datetime.now(UTC),
        )
        said = None if source.released is None else source.released.held_out
        case = self.held_out.with_split(settled.case, said)
        self.known.remember(case, imported.seen)
        return IntakeResult(
            case_id=case.case_id,
            recorded=recorded,
            case=case,
            arrival=arrival,
            label=imported.label,
            notes=imported.notes,
        )


def brought_in(arriving: NewCt, *, secret: bytes, options: ImportOptions) -> ImportedCase:
    """Import the files of a CT with a new name; see `import_case`.

    Raises:
        ImageError: As there; also in place of any other exception, as foreign files can raise anything.
    """
    with reading(arriving.source.path):
        return import_case(
            arriving.source,
            arriving.case_dir,
            secret=secret,
            patient_id=arriving.patient_id,
            label=arriving.label,
            options=options,
        )


def is_held_out(case: Case, secret: bytes, share: float) -> bool:
    """Draw a case's patient for evaluation by a keyed hash: the same for all CTs of the patient, for good."""
    digest = hashlib.blake2b(case.patient_id.encode(), key=secret, digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64
