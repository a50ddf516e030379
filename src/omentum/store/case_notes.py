"""Keep what readers note about cases."""

from dataclasses import replace

from sqlalchemy import update

from omentum.records.audit_log import LogAction
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
            text = self._database.aliases.of_text(note.text)
            about = {"number": row.number, "kind": note.kind, **({"text": text} if text else {})}
            self._log(session, note.by, LogAction.NOTE, about, case_id=note.case_id)
            return replace(note, number=row.number)

    def get(self, number: int) -> CaseNote | None:
        """Find a note; `None` where there is none of that number."""
        return self._get(number)

    def of_case(self, case_id: str) -> list[CaseNote]:
        """Give the notes about a case."""
        return self._equal(case_id=case_id)

    def withdraw(self, number: int, by: str) -> None:
        """Note that a note does not count any more."""
        with self._database.writing() as session:
            session.execute(update(CaseNoteRow).where(CaseNoteRow.number == number).values(withdrawn_by=by))
            self._log(session, by, LogAction.NOTE_WITHDRAWN, {"number": number})
