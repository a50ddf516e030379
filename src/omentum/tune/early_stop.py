"""Stop training when held-out patients have not improved for some evaluations, and keep the best weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

__all__ = ["Looks"]


@dataclass(slots=True, kw_only=True)
class Looks:
    """What was seen of held-out patients so far."""

    last: float | None = None
    """Dice of the last look; `None` before the first."""
    best: float | None = None
    best_step: int = 0
    n_worse: int = 0
    """Looks since the best one."""
    weights: dict[str, Tensor] = field(default_factory=dict)
    """Of the best look; empty before the first."""

    def note(self, dice: float, step: int, weights: Mapping[str, Tensor]) -> None:
        """Take a look into account.

        Args:
            dice: Its mean Dice. Where it is equal to the best, the earlier one stays the best.
            step: Steps done.
            weights: What was looked at; copied where they are the best.
        """
        self.last = dice
        if self.best is not None and not dice > self.best:
            self.n_worse += 1
            return
        self.best, self.best_step, self.n_worse = dice, step, 0
        self.weights = {name: value.detach().clone() for name, value in weights.items()}

    def is_enough(self, patience: int) -> bool:
        """Tell whether that many looks in a row were no better; never where `patience` is 0."""
        return patience > 0 and self.n_worse >= patience

    def state(self) -> dict[str, Any]:
        """Give what a checkpoint keeps."""
        return {name: getattr(self, name) for name in _FIELDS}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave."""
        for name in _FIELDS:
            setattr(self, name, state[name])


_FIELDS = ("last", "best", "best_step", "n_worse", "weights")
