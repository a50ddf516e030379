"""Keep the rules by which tasks are dealt to readers."""

from dataclasses import replace
from typing import Any

from sqlalchemy import delete

from omentum.errors import MissingError
from omentum.records.assignments import Assignment
from omentum.records.audit_log import LogAction
from omentum.store.append_entry import append_entry
from omentum.store.reader_tables import AssignmentRow
from omentum.store.record_table import ListedTable

__all__ = ["Assignments"]


class Assignments(ListedTable[Assignment]):
    """The rules of a project, in the order in which they were made."""

    record_type, row_type, order = Assignment, AssignmentRow, ("number",)

    def add(self, rule: Assignment, by: str) -> Assignment:
        """Add a rule, and give it with its number."""
        with self._database.writing() as session:
            row = AssignmentRow(**self._values(rule, number=None))
            session.add(row)
            session.flush()
            added = replace(rule, number=row.number)
            append_entry(self._database, session, by, LogAction.ASSIGNED, _told(added))
            return added

    def of_reader(self, reader: str) -> list[Assignment]:
        """Give the rules of a reader."""
        return self._equal(reader=reader)

    def remove(self, number: int, by: str) -> Assignment:
        """Remove a rule, and give it; there being none raises `MissingError`."""
        with self._database.writing() as session:
            row = session.get(AssignmentRow, number)
            if row is None:
                raise MissingError(f"there is no rule {number}; `omentum review assignments` lists them")
            removed = self._record(row)
            session.execute(delete(AssignmentRow).where(AssignmentRow.number == number))
            append_entry(self._database, session, by, LogAction.UNASSIGNED, _told(removed))
            return removed


def _told(rule: Assignment) -> dict[str, Any]:
    return {"rule": rule.number, "reader": rule.reader, "organ": rule.organ, "share": rule.share}
