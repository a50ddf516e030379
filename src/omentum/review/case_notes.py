"""Note comments and flags about a case: a poor scan, a wrong phase, an incidental finding."""

from dataclasses import replace
from datetime import UTC, datetime

from omentum.errors import MissingError, ReviewError
from omentum.project.project import Project
from omentum.records.case_notes import CaseNote, NoteKind

__all__ = ["add_note", "withdraw_note"]

MOST_LETTERS = 10_000


def add_note(project: Project, case_id: str, kind: NoteKind, text: str, *, by: str) -> CaseNote:
    """Note something about a case; a flag that counts already is given as it is.

    Raises:
        UnknownCaseError: There is no such case.
        ReviewError: A comment has no text, or the text is too long.
    """
    text = text.strip()
    if not text and not kind.is_flag:
        raise ReviewError("a comment has no text; write what it is about, or set a flag")
    if len(text) > MOST_LETTERS:
        raise ReviewError(f"the text has {len(text)} letters, and {MOST_LETTERS} are the most; shorten it")
    case = project.store.cases.get(case_id)
    with project.store.together():
        for one in project.store.case_notes.of_case(case.case_id):
            if (one.kind, one.text, one.withdrawn_by) == (kind, text, ""):
                return one
        note = CaseNote(case_id=case.case_id, kind=kind, text=text, by=by, time=datetime.now(UTC))
        return project.store.case_notes.add(note)


def withdraw_note(project: Project, case_id: str, number: int, *, by: str) -> CaseNote:
    """Withdraw a note; it stays in the record.

    Raises:
        MissingError: The case has no such note.
    """
    with project.store.together():
        found = project.store.case_notes.get(number)
        if found is None or found.case_id != case_id:
            raise MissingError(f"{case_id} has no note {number}; its notes are listed with the case")
        if found.withdrawn_by:
            return found
        project.store.case_notes.withdraw(number, by)
    return replace(found, withdrawn_by=by)
