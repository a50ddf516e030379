"""Records of plausibility: what a rule says of a mask or a CT, and what a person confirmed."""

from dataclasses import dataclass
from datetime import datetime

__all__ = ["WHOLE_CT", "Confirmation", "MaskFinding"]

WHOLE_CT = "whole_ct"
"""Stands where an organ's name would, for a finding or a task that is about the whole CT."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskFinding:
    """What a plausibility rule says of one organ's mask, or of the whole CT."""

    organ: str
    """The organ, or `WHOLE_CT`."""
    rule: str
    """Name of the rule; empty where an older version of the program did not keep it."""
    said: str
    """A few words for people, shown after the organ's name."""
    severity: float
    """How sure the rule is, in (0, 1]."""
    holds: bool = False
    """Whether the mask is held back until a person confirms it."""
    error_ml: float = 0.0
    """Volume that is expected to be wrong, in mL."""
    mask_sha256: str = ""
    """Hash of the mask that it is about; empty for the whole CT."""

    @property
    def is_of_ct(self) -> bool:
        """Whether it is about the whole CT."""
        return self.organ == WHOLE_CT

    def __str__(self) -> str:
        """Give the line for people.

        Example:
            >>> str(MaskFinding(organ=WHOLE_CT, rule="orientation", said="upside down", severity=1.0))
            'whole CT: upside down'
        """
        return f"{'whole CT' if self.is_of_ct else self.organ}: {self.said}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A person's word that a finding is no error; append-only."""

    case_id: str
    organ: str
    """The organ, or `WHOLE_CT`."""
    rule: str
    mask_sha256: str
    """Hash of the mask that was confirmed; empty for the whole CT."""
    by: str
    """Pseudonym."""
    why: str
    time: datetime

    @property
    def key(self) -> tuple[str, str, str]:
        """Organ, rule and mask: what a finding must have in common with it."""
        return self.organ, self.rule, self.mask_sha256
