"""Keep catch trials, and what readers answered to them.

Readings have their numbers in one sequence with revisions, so that a reader who is told a number cannot tell
the one from the other.
"""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from omentum.records.audit_log import PROGRAM, LogAction
from omentum.records.catch_trials import CatchReading, CatchTrial
from omentum.store.cases import require_cases
from omentum.store.reader_tables import CatchReadingRow, CatchTrialRow
from omentum.store.record_table import ListedTable
from omentum.store.review_tables import RevisionRow, TaskRow

__all__ = ["CatchReadings", "CatchTrials", "next_revision_number"]


def next_revision_number(session: Session) -> int:
    """Give the number of the next revision or reading; those who write follow one another."""
    last = (session.scalar(select(func.max(row.number))) for row in (RevisionRow, CatchReadingRow))
    return 1 + max(number or 0 for number in last)


class CatchTrials(ListedTable[CatchTrial]):
    """The catch trials of a project."""

    record_type, row_type, order = CatchTrial, CatchTrialRow, ("number",)

    def add(self, trial: CatchTrial) -> CatchTrial:
        """Add the trial of a task, and give it with its number.

        Raises:
            UnknownCaseError: There is no such case.
        """
        with self._database.writing() as session:
            require_cases(session, [trial.case_id])
            row = CatchTrialRow(**self._values(trial, number=None))
            session.add(row)
            session.flush()
            about = {"task": trial.task_number, "organ": trial.organ, "is_major": trial.is_major}
            told = {**about, "planted_sha256": trial.planted_sha256, "true_sha256": trial.true_sha256}
            self._log(session, PROGRAM, LogAction.CATCH_PLANTED, told, case_id=trial.case_id)
            return replace(trial, number=row.number)

    def remove(self, numbers: Collection[int]) -> None:
        """Remove trials that no reader has begun; the next queue leaves their tasks out."""
        self._delete(CatchTrialRow.number.in_(numbers))

    def of_case(self, case_id: str) -> list[CatchTrial]:
        """Give the trials in a case."""
        return self._equal(case_id=case_id)

    def of_task(self, task_number: int) -> CatchTrial | None:
        """Give the trial of a task; `None` where the task is none."""
        return next(iter(self._equal(task_number=task_number)), None)

    def of_round(self, round_number: int) -> list[CatchTrial]:
        """Give the trials of a round."""
        numbers = select(TaskRow.number).where(TaskRow.round_number == round_number)
        return self._select(CatchTrialRow.task_number.in_(numbers))

    def numbers_before(self, round_number: int) -> set[int]:
        """Give the numbers of the trials of earlier rounds."""
        numbers = select(TaskRow.number).where(TaskRow.round_number < round_number)
        return {one.number or 0 for one in self._select(CatchTrialRow.task_number.in_(numbers))}


class CatchReadings(ListedTable[CatchReading]):
    """The readings of catch trials, in the order of submission. None is removed unless its case is erased."""

    record_type, row_type, order = CatchReading, CatchReadingRow, ("number",)

    def add(self, reading: CatchReading) -> CatchReading:
        """Add a reading, and give it with its number."""
        with self._database.writing() as session:
            number = next_revision_number(session)
            session.add(CatchReadingRow(**self._values(reading, number=number)))
            session.flush()
            told = {"reading": number, "trial": reading.trial_number, "sha256": reading.sha256}
            told |= {"says": reading.says, "is_found": reading.is_found}
            self._log(session, reading.reader, LogAction.CATCH_READ, told, case_id=reading.case_id)
            return replace(reading, number=number)

    def of_trials(self, numbers: Collection[int]) -> list[CatchReading]:
        """Give the readings of some trials."""
        return self._select(CatchReadingRow.trial_number.in_(numbers))
