"""The JSON that routes take."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

__all__ = [
    "AnswerIn",
    "ConfirmIn",
    "NextIn",
    "NoteIn",
    "RestoreIn",
    "SessionIn",
    "SkipIn",
]

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Text = Annotated[str, Field(max_length=10_000)]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]


class _In(BaseModel, extra="forbid"):
    """What a page sends; keys that are not known are refused."""


class SessionIn(_In):
    """Who reads now."""

    reader: Annotated[str, Field(pattern="^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")]


class NextIn(_In):
    """Which task is wanted next."""

    organ: Annotated[str, Field(max_length=100)] | None = None
    case: Annotated[str, Field(max_length=100)] | None = None
    without: Annotated[list[Number], Field(max_length=1000)] = []
    warm: bool = True


class AnswerIn(_In):
    """That the mask which a task shows is right, or that its organ is not there."""

    base: Sha256 | None = None
    comment: Text = ""


class SkipIn(_In):
    """Why a task is left out."""

    why: Annotated[str, Field(min_length=1, max_length=10_000)]


class NoteIn(_In):
    """A comment or a flag about a case."""

    kind: Literal["comment", "poor_scan", "wrong_phase", "incidental_finding"]
    text: Text = ""


class RestoreIn(_In):
    """Which mask is to stand again."""

    to: Number | Literal["original", "predicted"]
    why: Text = ""


class ConfirmIn(_In):
    """Which finding is no error."""

    rule: Annotated[str, Field(min_length=1, max_length=100)]
    organs: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=100)] = []
    why: Text = ""
