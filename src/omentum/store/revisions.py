"""Keep the masks that readers hand in; append-only."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from sqlalchemy import func, select, update

from omentum.records import MaskFinding, Revision
from omentum.records.audit_log import LogAction
from omentum.store.cases import require_cases
from omentum.store.catch_trials import next_revision_number
from omentum.store.convert import json_value
from omentum.store.logged_records import about_record
from omentum.store.record_table import ListedTable, has_findings
from omentum.store.review_tables import RevisionRow
from omentum.store.rounds import require_round

__all__ = ["Revisions"]


class Revisions(ListedTable[Revision]):
    """The revisions of a project, in the order of submission. None is removed unless its case is erased."""

    record_type, row_type, order = Revision, RevisionRow, ("number",)

    def add(self, revision: Revision) -> Revision:
        """Add a revision, and give it with its number.

        Raises:
            UnknownCaseError: There is no such case.
            ProjectError: There is no such round.
        """
        with self._database.writing() as session:
            require_cases(session, [revision.case_id])
            require_round(session, revision.round_number)
            values = self._values(revision, number=next_revision_number(session))
            row = RevisionRow(**values)
            session.add(row)
            session.flush()
            about = about_record(self._database, LogAction.REVISION, row.number, values)
            self._log(session, revision.reader, LogAction.REVISION, about, case_id=revision.case_id)
            return replace(revision, number=row.number)

    def get(self, number: int) -> Revision | None:
        """Find a revision; `None` where there is none of that number."""
        return self._get(number)

    def of_case(self, case_id: str) -> list[Revision]:
        """Give the revisions of a case."""
        return self._equal(case_id=case_id)

    def of_cases(self, case_ids: Collection[str]) -> list[Revision]:
        """Give the revisions of some cases."""
        return self._of_cases(case_ids)

    def of_round_in(self, round_number: int, case_ids: Collection[str]) -> list[Revision]:
        """Give the revisions of a round in some cases."""
        return self._of_cases(case_ids, RevisionRow.round_number == round_number)

    def in_conflict(self) -> list[Revision]:
        """Give the revisions that contradict another one, whether a person has decided since or not."""
        return self._select(RevisionRow.conflicts_with.is_not(None))

    def cases_with_findings(self) -> set[str]:
        """Give the cases of which the rules say something about a revision."""
        asked = select(RevisionRow.case_id).where(has_findings(RevisionRow.findings)).distinct()
        with self._database.reading() as session:
            return set(session.scalars(asked))

    def hashes(self) -> set[tuple[str, str, str]]:
        """Give case, organ and hash of every mask that a reader submitted."""
        asked = select(RevisionRow.case_id, RevisionRow.organ, RevisionRow.sha256)
        with self._database.reading() as session:
            return {(case_id, organ, sha256) for case_id, organ, sha256 in session.execute(asked)}

    def totals(self, round_number: int) -> tuple[int, float]:
        """Count the revisions of a round, and sum up their minutes."""
        asked = select(func.count(), func.sum(RevisionRow.minutes))
        with self._database.reading() as session:
            n, minutes = session.execute(asked.where(RevisionRow.round_number == round_number)).one()
            return n, float(minutes or 0.0)

    def of_organ(self, case_id: str, organ: str) -> list[Revision]:
        """Give the revisions of an organ of a case."""
        return self._equal(case_id=case_id, organ=organ)

    def of_task(self, task_number: int) -> list[Revision]:
        """Give the revisions that were submitted for a task."""
        return self._equal(task_number=task_number)

    def of_tasks(self, task_numbers: Collection[int]) -> dict[int, list[Revision]]:
        """Give the revisions that were submitted for each of some tasks, by number."""
        found: dict[int, list[Revision]] = {number: [] for number in task_numbers}
        for one in self._select(RevisionRow.task_number.in_(task_numbers)) if task_numbers else []:
            found[one.task_number or 0].append(one)
        return found

    def of_round(self, round_number: int) -> list[Revision]:
        """Give the revisions of a round."""
        return self._equal(round_number=round_number)

    def organs_by_case(self) -> dict[str, tuple[str, ...]]:
        """Give the organs that readers revised in each case, sorted, by case."""
        return self._grouped(RevisionRow.case_id, RevisionRow.organ)

    def readers_by_case(self) -> dict[str, tuple[str, ...]]:
        """Give who revised something in each case, sorted, by case."""
        return self._grouped(RevisionRow.case_id, RevisionRow.reader)

    def organs_of_reader(self, reader: str) -> set[tuple[str, str]]:
        """Give the organs that a reader revised, by case and organ."""
        return set(self._pairs(RevisionRow.case_id, RevisionRow.organ, RevisionRow.reader == reader))

    def tasks_of_reader(self, reader: str) -> set[int]:
        """Give the numbers of the tasks that a reader handed in a mask for."""
        asked = select(RevisionRow.task_number).where(RevisionRow.reader == reader).distinct()
        with self._database.reading() as session:
            return {number for number in session.scalars(asked) if number is not None}

    def readers_by_organ(self) -> dict[tuple[str, str], set[str]]:
        """Give who revised each organ of each case, by case and organ."""
        found: dict[tuple[str, str], set[str]] = {}
        asked = select(RevisionRow.case_id, RevisionRow.organ, RevisionRow.reader).distinct()
        with self._database.reading() as session:
            for case_id, organ, reader in session.execute(asked):
                found.setdefault((case_id, organ), set()).add(reader)
        return found

    def keep_findings(self, number: int, findings: Iterable[MaskFinding]) -> None:
        """Keep the findings of the plausibility rules for a revision."""
        self._change(RevisionRow.number == number, findings=json_value(list(findings)))

    def keep_comment(self, number: int, comment: str, *, by: str) -> None:
        """Keep a comment on a revision, in place of the one before; `by` is who wrote it."""
        with self._database.writing() as session:
            session.execute(update(RevisionRow).where(RevisionRow.number == number).values(comment=comment))
            text = self._database.aliases.of_text(comment)
            about = {"of": LogAction.REVISION, "number": number, "text": text}
            self._log(session, by, LogAction.REWORDED, about)
