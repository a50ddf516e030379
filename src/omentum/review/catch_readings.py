"""Keep what a reader hands in for a catch trial: answered like any other, and no mask changes by it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.errors import GridMismatchError
from omentum.measures.found_errors import is_found, left_share
from omentum.measures.overlap import changed_ml, dice
from omentum.project.catch_files import catch_files
from omentum.project.project import Project
from omentum.project.standing import CaseFacts, facts_of_case
from omentum.records import ReaderAnswer, Task, TaskState
from omentum.records.catch_trials import CatchReading, CatchTrial
from omentum.review.catch_view import ShownTrial, as_shown, revision_of
from omentum.review.check_revisions import findings_of_new
from omentum.review.handed_in import HandIn, HandInResult
from omentum.review.history import why_not_standing
from omentum.review.tasks import required_task
from omentum.store.tasks import pool_of
from omentum.volumes.labels import organ
from omentum.volumes.mask_hash import mask_sha256
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume

__all__ = ["read_trial", "trial_read_by"]

Mask = npt.NDArray[np.bool_]


def trial_read_by(project: Project, one: HandIn) -> CatchTrial | None:
    """Give the trial that a mask answers; `None` where it is a revision.

    Besides what is handed in for a trial's task that is any mask that was drawn from a trial's: a mask with a
    planted error in it never becomes a revision.
    """
    name = organ(one.organ).name
    for trial in project.store.catch_trials.of_case(one.case_id):
        is_its_base = one.base_sha256 == trial.planted_sha256
        if trial.organ == name and (trial.task_number == one.task_number or is_its_base):
            return trial
    return None


def read_trial(project: Project, trial: CatchTrial, one: HandIn) -> HandInResult:
    """Keep a reading, and answer as if it were a revision of a predicted mask.

    Raises:
        GridMismatchError: The mask has another shape than the CT.
        ImageError: The files of the trial are gone or damaged.
    """
    task, facts = required_task(project, trial.task_number), facts_of_case(project, trial.case_id)
    if one.mask.shape != facts.case.geometry.shape:
        seen = f"its shape is {one.mask.shape}, the CT's {facts.case.geometry.shape}"
        raise GridMismatchError(f"mask of {trial.organ} in {trial.case_id}", seen, "draw it on the CT's grid")
    before = [
        reading
        for reading in project.store.catch_readings.of_trials([trial.number or 0])
        if reading.reader == one.reader
    ]
    sha256 = mask_sha256(one.mask, facts.case.geometry)
    if before and before[-1].sha256 == sha256:
        return _result(task, trial, before, facts, is_known=True)
    reading = _measured(project, trial, one, facts, time=datetime.now(UTC), sha256=sha256)
    shown = as_shown(facts, [_shown(task, trial, before)])
    found = findings_of_new(shown, {trial.organ: one.mask}, {trial.organ: sha256})
    reading = replace(reading, findings=found.get(trial.organ, ()))
    with project.store.together():
        before.append(project.store.catch_readings.add(reading))
        result = _result(task, trial, before, facts)
        project.store.leases.end(pool_of(task.round_number), str(task.number), one.holder or one.reader)
        state = TaskState.SUBMITTED if result.why_not else TaskState.DONE
        project.store.tasks.set_state([trial.task_number], state)
    return result


def _measured(
    project: Project, trial: CatchTrial, one: HandIn, facts: CaseFacts, *, time: datetime, sha256: str
) -> CatchReading:
    """Compare an answer with what was shown and with the truth, and put its file in place."""
    files, geometry = catch_files(trial), facts.case.geometry
    shown, true = _mask(files.shown), _mask(files.true)
    added_ml, removed_ml = changed_ml(shown, one.mask, geometry.voxel_ml)
    is_accepted = sha256 == trial.planted_sha256 and bool(one.mask.any())
    says = ReaderAnswer.REVISED if one.mask.any() else ReaderAnswer.ABSENT
    path = files.answer(sha256)
    if not path.exists():
        write_nifti(path, Volume(one.mask, geometry))
        path.chmod(0o444)
    return CatchReading(
        trial_number=trial.number or 0,
        case_id=trial.case_id,
        reader=one.reader,
        says=ReaderAnswer.ACCEPTED if is_accepted else says,
        path=path,
        sha256=sha256,
        is_found=is_found(shown, true, one.mask, organ(trial.organ).major_below_dice),
        left_ml=left_share(shown, true, one.mask) * trial.error_ml,
        minutes=_minutes(project, trial, one, until=time),
        added_ml=added_ml,
        removed_ml=removed_ml,
        dice_to_base=dice(shown, one.mask),
        comment=one.comment,
        time=time,
    )


def _minutes(project: Project, trial: CatchTrial, one: HandIn, *, until: datetime) -> float | None:
    """Give the time that was said, else what was measured since the reader's last answer."""
    if one.minutes is not None:
        return one.minutes
    readings = project.store.catch_readings.of_trials([trial.number or 0])
    since = max((reading.time for reading in readings if reading.reader == one.reader), default=None)
    seconds = project.store.activities.seconds(trial.task_number, one.reader, since=since, until=until)
    return seconds / 60.0 or None


def _result(
    task: Task, trial: CatchTrial, readings: list[CatchReading], facts: CaseFacts, *, is_known: bool = False
) -> HandInResult:
    """Say what became of the last reading, as its reader is told."""
    shown = _shown(task, trial, readings)
    revision = revision_of(shown, readings[-1], task.network)
    why_not = why_not_standing(as_shown(facts, [shown]), revision)
    return HandInResult(revision=revision, why_not=why_not, is_known=is_known)


def _shown(task: Task, trial: CatchTrial, readings: list[CatchReading]) -> ShownTrial:
    return ShownTrial(trial=trial, round_number=task.round_number, readings=tuple(readings))


def _mask(path: Path) -> Mask:
    return np.asarray(read_nifti(path).voxels > 0)
