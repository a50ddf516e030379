"""Take back what readers saved in folders: each file is taken, known, or set aside with the reason."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from omentum.errors import OmentumError, ReviewError
from omentum.project.project import Project
from omentum.project.standing import CaseFacts, facts_of_case
from omentum.records import Revision
from omentum.review.candidates import NOT_A_MASK, Candidate, Found, look_through_place, named_organ
from omentum.review.file_names import is_system_file
from omentum.review.hand_in import HandIn, SubmitResult, submit
from omentum.review.places import Place, places_below
from omentum.review.task_file import TASK_NAME, ShownOrgan
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.read import is_volume

__all__ = ["Imported", "KnownFile", "SetAside", "Taken", "import_round"]

_READER = "reader-1"
"""Pseudonym of a reader without a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A mask that was handed in now."""

    file: str
    """Below the folder that was imported."""
    result: SubmitResult
    notes: tuple[str, ...] = ()
    """What was done to place it on the CT's grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A file from which there is nothing to take."""

    file: str
    why: str
    revision: Revision | None = None
    """What was handed in by it before, if anything was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A file that was not taken, or not all of it."""

    file: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Imported:
    """What became of every file of a folder."""

    taken: list[Taken] = field(default_factory=list)
    known: list[KnownFile] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)

    @property
    def revisions(self) -> list[Revision]:
        """What the folder's files stand for, taken now or before, by case and organ."""
        before = [one.revision for one in self.known if one.revision is not None]
        every = {one.number: one for one in [*(one.result.revision for one in self.taken), *before]}
        return sorted(every.values(), key=lambda one: one.key)

    @property
    def conflicts(self) -> list[Revision]:
        """What was taken now and contradicts what another reader drew."""
        revisions = [one.result.revision for one in self.taken]
        return [one for one in revisions if one.conflicts_with is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Import:
    """What is the same for all places of one import."""

    project: Project
    folder: Path
    reader: str | None
    decides: bool
    minutes: Mapping[Path, float]
    """Minutes of each file."""
    minutes_of: Mapping[tuple[str, str], float]
    """Minutes of each case and organ, where they are known."""
    imported: Imported = field(default_factory=Imported)

    def name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def import_round(
    project: Project,
    folder: Path,
    *,
    reader: str | None = None,
    minutes: float | None = None,
    minutes_of: Mapping[tuple[str, str], float] | None = None,
    adjudicate: bool = False,
) -> Imported:
    """Take the masks that readers saved in task folders; what was taken before is not taken twice.

    Args:
        project: The project.
        folder: Task folders, or one of them; or `<case_id>/<organ>_revised.nii.gz` without a `task.json`.
        reader: Pseudonym of who revised; where not said, who holds the tasks, else `reader-1`.
        minutes: Time for all masks of the folder together; shared out equally.
        minutes_of: Time for each case and organ, where it is known.
        adjudicate: Whether what is handed in is decided to stand, whatever other readers drew.

    Returns:
        What became of each file.

    Raises:
        ReviewError: There is no such folder, it is empty, or the minutes are negative.
    """
    if not folder.is_dir():
        raise ReviewError(f"{folder} is no folder; give the one that was exported")
    places = places_below(project, folder)
    files = [path for place in places for path in place.files]
    if not any(not is_system_file(path.name) for path in files):
        raise ReviewError(
            f"{folder} holds no file; save revised masks there as <case>/<organ>_revised.nii.gz"
        )
    if minutes is not None and not minutes >= 0.0:
        raise ReviewError(f"the minutes of an import are {minutes:g}; give a number from 0")
    run = _Import(
        project=project,
        folder=folder,
        reader=reader,
        decides=adjudicate,
        minutes=_shared(places, minutes),
        minutes_of=minutes_of or {},
    )
    for place in places:
        _import_place(run, place)
    return run.imported


def _import_place(run: _Import, place: Place) -> None:
    """Take what is in one case's folder; its trouble does not stop the others."""
    if place.case_id is None:
        for path in place.files:
            if is_system_file(path.name):
                run.imported.known.append(
                    KnownFile(file=run.name(path), why="a file of the operating system")
                )
            else:
                is_note = not is_volume(path) and not (place.folder / TASK_NAME).is_file()
                reason = NOT_A_MASK if is_note else place.problem
                run.imported.set_aside.append(SetAside(file=run.name(path), reason=reason))
        return
    facts = facts_of_case(run.project, place.case_id)
    found = look_through_place(run.project, facts, place.folder, place.task_file, place.files)
    reader = _reader(run, place)
    chosen = _chosen(run, facts, place, found, reader)
    run.imported.known += [KnownFile(file=run.name(path), why=why) for path, why in found.known]
    run.imported.set_aside += [SetAside(file=run.name(path), reason=why) for path, why in found.set_aside]
    shares: dict[Path, int] = defaultdict(int)
    for one in chosen:
        shares[one.path] += 1
    hand_ins = [_hand_in(run, place, one, reader, shares[one.path]) for one in chosen]
    try:
        results = submit(run.project, hand_ins)
    except OmentumError as error:
        run.imported.set_aside += [SetAside(file=run.name(one.path), reason=str(error)) for one in chosen]
        return
    for one, result in sorted(zip(chosen, results, strict=True), key=lambda pair: pair[1].revision.organ):
        if result.is_known:
            why = f"{result.revision.reader} handed it in before"
            run.imported.known.append(KnownFile(file=run.name(one.path), why=why, revision=result.revision))
        else:
            run.imported.taken.append(Taken(file=run.name(one.path), result=result, notes=one.notes))


def _reader(run: _Import, place: Place) -> str:
    holder = "" if place.task_file is None else place.task_file.holder
    is_reader = holder and not holder.startswith("folder:")
    return run.reader or (holder if is_reader else _READER)


def _chosen(run: _Import, facts: CaseFacts, place: Place, found: Found, reader: str) -> list[Candidate]:
    """Choose one candidate an organ; of several with different voxels none, and all of them are told."""
    by_organ: dict[str, list[Candidate]] = defaultdict(list)
    for one in found.candidates:
        by_organ[one.organ].append(one)
    chosen = []
    for name, candidates in sorted(by_organ.items()):
        task_number = _task_number(run, place, name)
        before = {
            one.sha256: one
            for one in facts.revisions_of(name)
            if one.reader == reader and one.task_number == task_number
        }
        distinct = {one.sha256: one for one in reversed(candidates)}
        new = [one for sha256, one in distinct.items() if sha256 not in before]
        the_one = _the_one(list(distinct.values()), new)
        if the_one is None and new:
            names = " and ".join(sorted({run.name(candidate.path) for candidate in candidates}))
            reason = f"{names} are both for {name} and differ; keep one of them"
            found.set_aside += [(candidate.path, reason) for candidate in candidates]
            continue
        chosen += [] if the_one is None else [the_one]
        for other in candidates:
            if other is not the_one:
                _note_other(run, other, the_one, before)
    return chosen


def _the_one(distinct: Sequence[Candidate], new: Sequence[Candidate]) -> Candidate | None:
    """Give the candidate to take; `None` where all were handed in before, or where new ones differ."""
    if len(distinct) == 1:
        return distinct[0]
    return new[0] if len(new) == 1 else None


def _note_other(
    run: _Import, other: Candidate, one: Candidate | None, before: Mapping[str, Revision]
) -> None:
    """Note a candidate that says what another one says, or what was handed in before."""
    revision = before.get(other.sha256)
    if one is not None and one.sha256 == other.sha256:
        why = f"the same mask as {run.name(one.path)}"
        run.imported.known.append(KnownFile(file=run.name(other.path), why=why))
    elif revision is not None:
        why = f"{revision.reader} handed it in before"
        run.imported.known.append(KnownFile(file=run.name(other.path), why=why, revision=revision))


def _shown(place: Place, name: str) -> ShownOrgan:
    told = {} if place.task_file is None else place.task_file.organs
    return told.get(name, ShownOrgan(organ=name))


def _task_number(run: _Import, place: Place, name: str) -> int | None:
    """Give the task that a mask is for; `None` where there is none, or it is no longer there."""
    number = _shown(place, name).task_number
    task = None if number is None else run.project.store.tasks.get(number)
    return number if task is not None and task.key == (place.case_id, name) else None


def _hand_in(run: _Import, place: Place, one: Candidate, reader: str, n_of_file: int) -> HandIn:
    """Say what a candidate is, as its `task.json` tells."""
    assert place.case_id is not None
    told, shown, case_id = place.task_file, _shown(place, one.organ), place.case_id
    of_file = run.minutes.get(one.path)
    minutes = run.minutes_of.get((case_id, one.organ), None if of_file is None else of_file / n_of_file)
    base = shown.base_sha256
    if base is None and told is not None:
        base = run.project.store.predictions.hashes_of(case_id, told.network).get(one.organ)
    return HandIn(
        case_id=case_id,
        organ=one.organ,
        mask=one.mask,
        reader=reader,
        task_number=_task_number(run, place, one.organ),
        base_sha256=base,
        network="" if told is None else told.network,
        round_number=None if told is None else told.round_number,
        holder="" if told is None else told.holder,
        decides=run.decides,
        minutes=minutes,
    )


def _shared(places: Sequence[Place], minutes: float | None) -> dict[Path, float]:
    """Share minutes out equally over the masks of a folder, whether they can be taken or not.

    Files that are for one organ of one case have one share together.
    """
    if minutes is None:
        return {}
    files: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for place in places:
        for path in place.files:
            if place.case_id is not None and _may_be_handed_in(place, path):
                files[place.case_id, named_organ(path).organ or path.name].append(path)
    return {path: minutes / len(files) for paths in files.values() for path in paths}


def _may_be_handed_in(place: Place, path: Path) -> bool:
    if not is_volume(path) or is_system_file(path.name):
        return False
    if named_organ(path).is_revised:
        return True
    kept = None if place.task_file is None else place.task_file.files.get(path.name)
    return kept is not None and path.name != "ct.nii.gz" and file_sha256(path) != kept
