"""The JSON of adjudication: what its routes give and take."""

from typing import Annotated

from pydantic import BaseModel, Field

from omentum.app.server.models import DetailOut

__all__ = [
    "AdjudicationOut",
    "AdjudicationRow",
    "AdjudicationsOut",
    "DecideIn",
    "DecidedOut",
    "ReadingOut",
]


class AdjudicationRow(BaseModel):
    """A task whose readings disagree."""

    task: int
    round: int
    case: str
    organ: str
    name: str
    n_readings: int
    differ_ml: float
    """The largest volume in which two of the readings differ."""
    dice: float | None
    """The lowest Dice of two of the readings."""


class AdjudicationsOut(BaseModel):
    """The tasks whose readings disagree, the largest difference first."""

    tasks: list[AdjudicationRow]


class ReadingOut(BaseModel):
    """One reader's answer; a letter stands for the reader."""

    label: str
    revision: int
    says: str
    volume_ml: float


class AdjudicationOut(DetailOut):
    """A task with its readings; its hot spots are where they differ."""

    readings: list[ReadingOut]
    common_ml: float
    sources: list[str]
    """Masks that can stand: each reading, and what is made of all of them."""
    bases: dict[str, str]
    """Hash of each source's mask, with which an edit may begin."""


class DecideIn(BaseModel, extra="forbid"):
    """Which mask stands."""

    stands: Annotated[str, Field(pattern="^(revision:[1-9][0-9]{0,9}|common|majority|staple)$")]
    why: Annotated[str, Field(max_length=10_000)] = ""


class DecidedOut(BaseModel):
    """The decision, and the revision that stands by it."""

    decision: int
    revision: int
