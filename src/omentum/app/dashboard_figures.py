"""The figures of the dashboard, as records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

__all__ = [
    "Cell",
    "CtFinding",
    "Dashboard",
    "DashboardTable",
    "Due",
    "ErrorLeft",
    "OrganProgress",
    "QueueProgress",
    "ReaderMinutes",
    "RoundLine",
    "TableColumn",
]

Cell = str | int | float | tuple[float, float] | None
"""One value of a table; an interval is its two ends, `None` is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One thing that is due."""

    who: str
    """`you` (the person who runs the project) or `readers`."""
    what: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganProgress:
    """How far one organ is, over the cases that take part."""

    organ: str
    name: str
    """For people."""
    colour: tuple[int, int, int]
    n_original: int
    """Cases in which an original label stands."""
    n_revised: int
    """Cases in which a reader's mask stands."""
    n_predicted: int
    """Cases in which a network's mask stands."""
    n_held: int
    """Cases in which a mask is held back until a person confirms it."""
    n_unknown: int
    """Cases without a mask of it."""
    n_open: int
    """Tasks of this round that wait for a reader."""
    n_done: int
    """Tasks of this round that are done."""
    error_ml: float | None
    """Expected error of the predicted masks that stand; `None` if the scoring does not estimate it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueProgress:
    """The queue of this round, and what its budget leaves out."""

    counts: Mapping[str, int]
    """Tasks by state."""
    minutes_open: float | None
    """Expected for the tasks that wait for a reader; `None` if the scoring does not estimate it."""
    n_left_out: int
    """Organs worth a look that the budget does not pay for."""
    minutes_left_out: float
    budget_minutes: float | None
    """`None` if the scoring does not estimate minutes, or nothing is scored yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CtFinding:
    """What a plausibility rule says of a whole CT, and no person has confirmed."""

    case: str
    rule: str
    said: str
    severity: float
    command: str
    """By which a person says that it is right as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorLeft:
    """The errors that are left in predicted masks: what is expected, and what the audit bounds."""

    expected_ml: float | None
    """Expected error of the predicted masks that stand; `None` if the scoring does not estimate it."""
    share: float | None
    """Greatest share of organs without a revision that may need a major one; `None` if none is stated."""
    said: str
    """The bound in a sentence, or why there is none, and what follows for this round."""
    is_last_round: bool
    """Whether the bound lets this round be the last."""
    n_drawn: int
    n_back: int
    """Drawn organs whose mask has come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundLine:
    """The figures of one round."""

    number: int
    network: str
    dice: float | None
    """Mean over organs, as `omentum evaluate` measured it last; `None` where it did not."""
    surface_dice: float | None
    n_compared: int
    minutes: float | None
    attention_ml: float | None
    n_tasks: int | None
    n_revised: int | None
    added_ml: float | None
    removed_ml: float | None
    verdict: str | None
    """What became of the network that was tuned in it: `promoted`, `kept out` or `undecided`."""
    verdict_network: str | None
    verdict_why: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderMinutes:
    """What one reader did."""

    reader: str
    n_revisions: int
    minutes: float
    """Of all revisions, stated or measured."""
    minutes_in_round: float
    minutes_at_work: float
    """Measured in the review page, also what has not been handed in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column of a table, and how its cells are shown."""

    name: str
    kind: Literal["text", "number", "share", "interval"]
    """A share is from 0 to 1; an interval is of shares."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DashboardTable:
    """A table that the page shows without knowing what it is about."""

    id: str
    title: str
    said: str
    """What it shows, in a sentence or two."""
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """All that the dashboard shows."""

    project: str
    made: datetime
    round: int
    network: str
    n_cases: int
    """That take part."""
    n_excluded: int
    n_predicted: int
    n_held: int
    """Masks that are held back."""
    n_mask_findings: int
    """Open findings of masks, held back or not."""
    n_conflicts: int
    due: tuple[Due, ...]
    organs: tuple[OrganProgress, ...]
    """By rising index: those that the project annotates, and those of which there is a mask."""
    queue: QueueProgress
    n_ct_findings: int
    ct_findings: tuple[CtFinding, ...]
    """The severest, by falling severity."""
    error_left: ErrorLeft
    rounds: tuple[RoundLine, ...]
    compared_with: str
    """What the Dice of rounds compares with, as the end of a sentence; empty where nothing was measured."""
    readers: tuple[ReaderMinutes, ...]
    """By name."""
    tables: tuple[DashboardTable, ...] = ()
    """Others, by `dashboard_tables.TABLES`."""
