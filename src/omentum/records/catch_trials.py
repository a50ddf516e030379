"""Records of catch trials: tasks whose mask carries a planted error, and what readers answered to them."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from omentum.records.findings import MaskFinding
from omentum.records.review import ReaderAnswer

__all__ = ["CatchReading", "CatchTrial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchTrial:
    """A task that shows a mask which a person had vouched for, with one error planted in it."""

    task_number: int
    case_id: str
    organ: str
    path: Path
    """The mask that is shown; the true one lies beside it."""
    planted_sha256: str
    """Hash of the mask that is shown."""
    true_sha256: str
    """Hash of the mask that it was made from."""
    kind: str
    """What was planted, one of `PLANTED_KINDS`."""
    error_ml: float
    """Volume by which the shown mask differs from the true one."""
    is_major: bool
    """Whether the shown mask needs a major revision, by the organ's `major_below_dice`."""
    centre_mm: tuple[float, float, float]
    """Middle of the planted error, RAS+."""
    seed: int
    """Of its random draws."""
    time: datetime
    number: int | None = None
    """Given by the database."""

    @property
    def key(self) -> tuple[str, str]:
        """Case and organ."""
        return self.case_id, self.organ


@dataclass(frozen=True, slots=True, kw_only=True)
class CatchReading:
    """What a reader answered to a catch trial; it is no revision, and changes no mask of the project."""

    trial_number: int
    case_id: str
    reader: str
    """Pseudonym."""
    says: ReaderAnswer
    path: Path
    sha256: str
    is_found: bool
    """Whether the reader found the planted error; the rule is in `measures/planted_errors.py`."""
    left_ml: float
    """Volume of the planted error that the answer leaves."""
    minutes: float | None = None
    """Time it took; `None` if not said."""
    added_ml: float
    """Volume added to the mask that was shown."""
    removed_ml: float
    dice_to_base: float | None
    """Agreement with the mask that was shown; `None` where both are empty."""
    findings: tuple[MaskFinding, ...] = ()
    """What the plausibility rules say of the answer."""
    comment: str = ""
    """The reader's own words."""
    time: datetime
    number: int | None = None
    """Given by the database, in one sequence with the numbers of revisions."""
