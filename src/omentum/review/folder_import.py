"""Take back what readers saved in folders: each file is taken, known, or set aside with the reason."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omentum.errors import OmentumError, ReviewError
from omentum.project.project import Project
from omentum.project.standing import CaseFacts, facts_of_case
from omentum.review.candidates import NOT_A_MASK, OF_THE_SYSTEM, Candidate, find_candidates
from omentum.review.case_folders import CaseFolder, case_folders_below
from omentum.review.file_names import organ_in_name
from omentum.review.hand_in import hand_in
from omentum.review.handed_in import HandIn
from omentum.review.import_report import ImportReport, TakenMask
from omentum.review.mitk_tasks import MITK_LABELS, MITK_TASKS
from omentum.review.task_file import TASK_NAME
from omentum.volumes.hidden_files import is_hidden
from omentum.volumes.read import is_volume

__all__ = ["import_round"]

_READER = "reader-1"
"""Pseudonym of a reader without a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Import:
    """What is the same for all folders of one import."""

    project: Project
    reader: str | None
    decides: bool
    minutes: Mapping[Path, float]
    """Minutes of each file."""
    minutes_of: Mapping[tuple[str, str], float]
    """Minutes of each case and organ, where they are known."""
    imported: ImportReport


def import_round(
    project: Project,
    folder: Path,
    *,
    reader: str | None = None,
    minutes: float | None = None,
    minutes_of: Mapping[tuple[str, str], float] | None = None,
    adjudicate: bool = False,
) -> ImportReport:
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
    case_folders = case_folders_below(project, folder)
    if all(is_hidden(path, folder) for case_folder in case_folders for path in case_folder.files):
        raise ReviewError(
            f"{folder} holds no file; save revised masks there as <case>/<organ>_revised.nii.gz"
        )
    if minutes is not None and not minutes >= 0.0:
        raise ReviewError(f"the minutes of an import are {minutes:g}; give a number from 0")
    run = _Import(
        project=project,
        reader=reader,
        decides=adjudicate,
        minutes=_shared(case_folders, minutes),
        minutes_of=minutes_of or {},
        imported=ImportReport(folder=folder),
    )
    for case_folder in case_folders:
        if case_folder.case_id is None:
            _leave(run.imported, case_folder)
        else:
            _import_case_folder(run, case_folder, facts_of_case(project, case_folder.case_id))
    return run.imported


def _leave(imported: ImportReport, case_folder: CaseFolder) -> None:
    """Set the files aside that are of no case of the project."""
    for path in case_folder.files:
        if is_hidden(path, case_folder.folder):
            imported.keep_known(path, OF_THE_SYSTEM)
        elif path.name in (MITK_TASKS, MITK_LABELS):
            imported.keep_known(path, "as exported: the list of tasks for MITK")
        else:
            is_note = not is_volume(path) and not (case_folder.folder / TASK_NAME).is_file()
            imported.leave(path, NOT_A_MASK if is_note else case_folder.problem)


def _import_case_folder(run: _Import, case_folder: CaseFolder, facts: CaseFacts) -> None:
    """Take what is in one case's folder; its trouble does not stop the others."""
    imported, reader = run.imported, _reader(run, case_folder)
    candidates = find_candidates(run.project, facts, case_folder, imported)
    chosen = _chosen(imported, facts, candidates, reader)
    n_of_file = Counter(one.path for one in chosen)
    hand_ins = [_hand_in(run, case_folder, one, reader, n_of_file[one.path]) for one in chosen]
    try:
        results = hand_in(run.project, hand_ins)
    except OmentumError as error:
        for one in chosen:
            imported.leave(one.path, str(error))
        return
    for one, result in zip(chosen, results, strict=True):
        if result.is_known:
            imported.keep_known(one.path, f"{reader} handed it in before", result.revision)
        else:
            imported.taken.append(TakenMask(file=imported.name(one.path), result=result, notes=one.notes))


def _reader(run: _Import, case_folder: CaseFolder) -> str:
    holder = "" if case_folder.task_file is None else case_folder.task_file.holder
    is_reader = holder and not holder.startswith("folder:")
    return run.reader or (holder if is_reader else _READER)


def _chosen(
    imported: ImportReport, facts: CaseFacts, candidates: Sequence[Candidate], reader: str
) -> list[Candidate]:
    """Choose one candidate an organ; of several with different voxels none, and all of them are set aside."""
    by_organ: dict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
        by_organ[one.organ].append(one)
    chosen = [_the_one(imported, facts, of_organ, reader) for _, of_organ in sorted(by_organ.items())]
    return [one for one in chosen if one is not None]


def _the_one(
    imported: ImportReport, facts: CaseFacts, candidates: Sequence[Candidate], reader: str
) -> Candidate | None:
    """Choose among candidates for one organ: the only mask, or the only one that was not handed in before."""
    name, number = candidates[0].organ, candidates[0].shown.task_number
    own = (one for one in facts.revisions_of(name) if (one.reader, one.task_number) == (reader, number))
    before = {one.sha256: one for one in own}
    distinct = {one.sha256: one for one in reversed(candidates)}
    new = [one for sha256, one in distinct.items() if sha256 not in before]
    if len(distinct) > 1 and len(new) > 1:
        names = " and ".join(sorted({imported.name(one.path) for one in candidates}))
        for one in candidates:
            imported.leave(one.path, f"{names} are both for {name} and differ; keep one of them")
        return None
    chosen = next(iter(distinct.values())) if len(distinct) == 1 else next(iter(new), None)
    for other in candidates:
        if chosen is not None and other is not chosen and other.sha256 == chosen.sha256:
            imported.keep_known(other.path, f"the same mask as {imported.name(chosen.path)}")
        elif other is not chosen:
            imported.keep_known(other.path, f"{reader} handed it in before", before[other.sha256])
    return chosen


def _hand_in(run: _Import, case_folder: CaseFolder, one: Candidate, reader: str, n_of_file: int) -> HandIn:
    """Say what a candidate is, as its `task.json` tells."""
    assert case_folder.case_id is not None
    told, of_file = case_folder.task_file, run.minutes.get(one.path)
    minutes = run.minutes_of.get(
        (case_folder.case_id, one.organ), None if of_file is None else of_file / n_of_file
    )
    return HandIn(
        case_id=case_folder.case_id,
        organ=one.organ,
        mask=one.mask,
        reader=reader,
        task_number=one.shown.task_number,
        base_sha256=one.shown.base_sha256,
        network="" if told is None else told.network,
        round_number=None if told is None else told.round_number,
        holder="" if told is None else told.holder,
        decides=run.decides,
        minutes=minutes,
    )


def _shared(case_folders: Sequence[CaseFolder], minutes: float | None) -> dict[Path, float]:
    """Share minutes out equally over the masks of a folder, whether they can be taken or not.

    Files that are for one organ of one case have one share together.
    """
    if minutes is None:
        return {}
    files: dict[tuple[str, str], list[Path]] = defaultdict(list)
    for case_folder in case_folders:
        for path in case_folder.files:
            if case_folder.case_id is not None and _may_be_handed_in(case_folder, path):
                files[case_folder.case_id, organ_in_name(path.name).organ or path.name].append(path)
    return {path: minutes / len(files) for paths in files.values() for path in paths}


def _may_be_handed_in(case_folder: CaseFolder, path: Path) -> bool:
    if not is_volume(path) or is_hidden(path, case_folder.folder):
        return False
    return organ_in_name(path.name).is_revised or (path.name != "ct.nii.gz" and case_folder.is_changed(path))
