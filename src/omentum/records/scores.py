"""Records of attention: how much each organ and case needs, and what the random draw chose."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = ["Audit", "AuditDraw", "CaseScore", "OrganScore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganScore:
    """How much attention one organ of one case needs."""

    organ: str
    attention_voxels: int
    attention_ml: float
    priority: float
    """By which organs of a case are ordered, falling. Scoring `expected-error`: expected error in hot spots,
    in mL; `published`: sum of the heat map."""
    predicted_ml: float = 0.0
    """Volume of the mask that is shown to people."""
    entropy_ml: float = 0.0
    """Two-sided entropy of the main network (in bits, at most 1 a voxel), summed over the volume, in mL."""
    error_ml: float | None = None
    """Expected volume of what an expert would change; `None` if the scoring does not estimate it."""
    dice_loss: float | None = None
    """Expected 1 - Dice of the mask that is shown; `None` if the scoring does not estimate it."""
    spots_ml: tuple[float, ...] = ()
    """Expected error volume of each hot spot, falling."""
    reasons: tuple[str, ...] = ()
    """Plausibility rules that the mask breaks, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseScore:
    """How much attention one case needs; the queue sorts by `score`, falling."""

    case_id: str
    score: float
    organs: tuple[OrganScore, ...]
    signature: str = ""
    """Thumbnail of the CT as hexadecimal digits; those of near-duplicates are alike. Empty if not taken."""
    made_from: Mapping[str, Any] = field(default_factory=dict)
    """Scoring, and weights and organs of each network: a score made from others is due again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditDraw:
    """What a round's random draw chose, and from how many; `Audit` has all that it was drawn from."""

    round_number: int
    network: str
    """Whose predictions are judged."""
    weights_sha256: str
    """Of that network: of others the audit says nothing."""
    n_cases: int
    """Cases that it was drawn from."""
    n_organs: int
    """Their organs."""
    most_organs: int
    """Most organs of one case."""
    n_cases_drawn: int
    """Of those cases; some may hold a blank and make no task."""
    drawn: tuple[tuple[str, str], ...]
    """Case and organ, in the order of the draw, at most one a case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The random draw of a round, from which the errors that are left are bounded."""

    round_number: int
    network: str
    """Whose predictions are judged."""
    weights_sha256: str
    """Of that network: of others the audit says nothing."""
    seed: int
    frame: Mapping[str, tuple[str, ...]]
    """What it was drawn from: organs by case, both sorted."""
    n_cases_drawn: int
    """Of those in the frame; some may hold a blank and make no task."""
    drawn: tuple[tuple[str, str], ...]
    """Case and organ, in the order of the draw, at most one a case."""
    time: datetime

    @property
    def n_cases(self) -> int:
        """Cases in the frame."""
        return len(self.frame)

    @property
    def n_organs(self) -> int:
        """Organs in the frame."""
        return sum(len(organs) for organs in self.frame.values())

    @property
    def most_organs(self) -> int:
        """Most organs of one case in the frame."""
        return max((len(organs) for organs in self.frame.values()), default=0)
