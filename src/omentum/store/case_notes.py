"""Keep what readers note about cases."""

from dataclasses import replace

from omentum.records.case_notes import CaseNote
from omentum.store.cases import require_cases
from omentum.store.record_table import ListedTable
from omentum.store.review_tables import CaseNoteRow

__all__ = ["CaseNotes"]


class CaseNotes(ListedTable[CaseNote]):
    """The notes of a project, in the order in which they were made."""

    record_type, row_type, order = CaseNote, CaseNoteRow, ("number",)

    def add(self, note: CaseNote) -> CaseNote:
        """Add a note, and give it with its number; there being no such case raises `UnknownCaseError`."""
        with self._database.writing() as session:
            require_cases(session, [note.case_id])
            row = CaseNoteRow(**self._values(note, number=None))
            session.add(row)
            session.flush()
            return replace(note, number=row.number)

    def get(self, number: int) -> CaseNote | None:
        """Find a note; `None` where there is none of that number."""
        return self._get(number)

    def of_case(self, case_id: str) -> list[CaseNote]:
        """Give the notes about a case."""
        return self._select(CaseNoteRow.case_id == case_id)

    def withdraw(self, number: int, by: str) -> None:
        """Note that a note does not count any more."""
        self._change(CaseNoteRow.number == number, withdrawn_by=by)
