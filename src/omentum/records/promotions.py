"""Records of the gate: which network is used from now on, who decided, and what was measured."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["LEAST_PATIENTS", "GateOutcome", "OrganGain", "Promotion"]

LEAST_PATIENTS = 8
"""With reference masks of an organ from fewer held-out patients, a person decides about a network."""


class GateOutcome(StrEnum):
    """What became of a network, or of one organ of it."""

    PROMOTED = "promoted"
    """It is used from the next round on."""
    KEPT_OUT = "kept out"
    """Its parent stays in use."""
    UNDECIDED = "undecided"
    """There are too few held-out masks to tell; a person has to."""
    ROLLED_BACK = "rolled back"
    """An earlier network is used again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganGain:
    """What a new network changes in one organ, on held-out masks."""

    organ: str
    differences: tuple[float, ...]
    """Dice of the new network minus that of its parent, one a patient, by the patient's name."""
    mean: float | None
    """Of the differences; `None` where there are none."""
    bound: float | None
    """Lower confidence bound of the mean; `None` where there are too few patients for one."""
    outcome: GateOutcome
    """`UNDECIDED` where there are too few."""
    is_revised: bool = True
    """Whether the organ was revised since the parent was made."""

    @property
    def n_patients(self) -> int:
        """Held-out patients with a mask of the organ."""
        return len(self.differences)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """One verdict or decision about which network is used; none is ever changed or removed."""

    round_number: int
    network: str
    """Which it is about: the new one or, rolled back, the one used again."""
    instead_of: str
    """The network in use before."""
    outcome: GateOutcome
    by: str
    """`gate`, or the pseudonym of a person."""
    why: str
    """In a sentence, for people."""
    time: datetime
    organs: tuple[OrganGain, ...] = ()
    """What was measured, by rising index; empty where a person decided."""
