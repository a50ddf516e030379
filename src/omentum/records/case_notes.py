"""The record of what readers note about a case: a comment, or a flag."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["CaseNote", "NoteKind"]


class NoteKind(StrEnum):
    """What a note is."""

    COMMENT = "comment"
    POOR_SCAN = "poor_scan"
    """Motion, metal, noise, or a field of view that is too small."""
    WRONG_PHASE = "wrong_phase"
    """Another contrast phase than the data set says."""
    INCIDENTAL_FINDING = "incidental_finding"
    """Something that the patient's physicians may have to know."""

    @property
    def is_flag(self) -> bool:
        """Whether it says something without a text."""
        return self is not NoteKind.COMMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseNote:
    """What a reader noted about a case; withdrawn notes stay in the record."""

    case_id: str
    kind: NoteKind
    text: str = ""
    by: str
    """Pseudonym."""
    time: datetime
    withdrawn_by: str = ""
    """Who took it back; empty while it counts."""
    number: int | None = None
    """Given by the database."""
