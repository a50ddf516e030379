"""Records that a round's report shows; what was not measured is `None` or empty."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from omentum.errors import ConfigError
from omentum.evaluate.reader_agreement import PairAgreement
from omentum.evaluate.summary import Summary
from omentum.measures.surface import SURFACE_TOLERANCE_MM
from omentum.records import Revision, Task
from omentum.records.audit_log import LogAnchor
from omentum.records.promotions import Promotion

__all__ = ["PreviewPicture", "RoundFigures", "RoundReport", "Tuning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundFigures:
    """The numbers of one round; `RoundReport` puts them side by side."""

    number: int
    network: str
    """Used to predict in this round."""
    summary: Summary | None = None
    """Agreement of its predictions with original and revised masks."""
    minutes: float | None = None
    """Readers' time."""
    attention_ml: float | None = None
    """Volume that needed attention, over all cases and organs."""
    n_tasks: int | None = None
    n_revised: int | None = None
    added_ml: float | None = None
    removed_ml: float | None = None
    n_cases_read: int = 0
    """Cases with a revision of this round."""
    audit_share: float | None = None
    """Bound of this round's audit: greatest share of the organs that may need a major revision."""

    @property
    def minutes_a_case(self) -> float | None:
        """Readers' time for one of the cases that they read; `None` where it is not known."""
        return None if self.minutes is None or not self.n_cases_read else self.minutes / self.n_cases_read


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewPicture:
    """A picture of a case."""

    case_id: str
    caption: str
    path: Path
    """A PNG; one that is not there is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How the network of this round was tuned."""

    network: str
    """Its name after tuning."""
    parent: str | None
    organs: tuple[str, ...]
    """Organs whose heads learned; all others are unchanged."""
    facts: tuple[tuple[str, str], ...] = ()
    """Other facts as name and value, in order."""
    reason: str = ""
    """Why it is in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundReport:
    """All that the page of one round shows.

    Raises:
        ConfigError: There is no round, or the rounds do not rise.
    """

    project: str
    made: datetime
    rounds: tuple[RoundFigures, ...]
    """Every round so far by rising number; the last is the one reported."""
    n_cases: int
    tolerance_mm: float = SURFACE_TOLERANCE_MM
    """At which surface Dice was measured."""
    compared_with: str = "held-out cases with an original or revised mask"
    """What the predictions were compared with, as the end of a sentence."""
    queue: tuple[Task, ...] = ()
    """Its first tasks."""
    previews: tuple[PreviewPicture, ...] = ()
    revisions: tuple[Revision, ...] = ()
    """Of this round."""
    tuning: Tuning | None = None
    verdict: Promotion | None = None
    """On the network that the round ends with."""
    reliability: tuple[tuple[float, float], ...] = ()
    """Predicted probability of an error, and share that was revised, by rising probability."""
    audit: str = ""
    """The bound of the audit in a sentence; empty where nothing was drawn."""
    readers: tuple[PairAgreement, ...] = ()
    """How far readers agree who read the same tasks without knowing of each other."""
    forecast: str = ""
    """How far more hours are expected to lower that bound, in a sentence; empty where nothing is known."""
    log: LogAnchor | None = None
    """Length and hash of the project's audit log."""

    def __post_init__(self) -> None:
        """Refuse a report of nothing, or rounds out of order."""
        numbers = [one.number for one in self.rounds]
        if not numbers or numbers != sorted(set(numbers)):
            raise ConfigError("rounds", numbers, "a report needs at least one round, by rising number")

    @property
    def current(self) -> RoundFigures:
        """The round reported."""
        return self.rounds[-1]
