"""Stop training when held-out patients have not improved for some evaluations, and keep the best weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

__all__ = ["StopState"]


@dataclass(kw_only=True)
class StopState:
    """The last and the best evaluation on held-out patients so far."""

    last: float | None = None
    """Dice of the last evaluation; `None` before the first."""
    best: float | None = None
    best_step: int = 0
    n_worse: int = 0
    """Evaluations since the best one."""
    weights: dict[str, Tensor] = field(default_factory=dict)
    """Of the best evaluation; empty before the first."""

    def note(self, dice: float, step: int, weights: Mapping[str, Tensor]) -> None:
        """Take an evaluation into account; its weights are copied where its mean Dice is above the best."""
        self.last = dice
        if self.best is not None and not dice > self.best:
            self.n_worse += 1
            return
        self.best, self.best_step, self.n_worse = dice, step, 0
        self.weights = {name: value.detach().clone() for name, value in weights.items()}

    def is_enough(self, patience: int) -> bool:
        """Tell whether that many evaluations in a row were no better; never where `patience` is 0."""
        return patience > 0 and self.n_worse >= patience
