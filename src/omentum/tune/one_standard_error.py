"""Decide by the one-standard-error rule whether a child takes its parent's place."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["LEAST_PATIENTS", "Gain", "best_gain", "gain_of"]

LEAST_PATIENTS = 2
"""One patient has no standard error; two have one, though it has to be exceeded by far."""
_FEW_PATIENTS = 4
_LEAST_DEVIATION = 0.02
"""Dice. Two or three patients may agree by chance: below four, differences are taken to vary this
much at least, as those of patients do."""
_ONE_SIGMA = 0.8413447460685429


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """Gain of a child over its parent, in Dice, on patients that it has not learned from.

    Attributes:
        mean: Over patients.
        standard_error: Of the mean.
        n_patients: How many.
    """

    mean: float
    standard_error: float
    n_patients: int

    @property
    def threshold(self) -> float:
        """What the mean has to exceed: one standard error, widened as Student's t is for few patients."""
        if self.n_patients < LEAST_PATIENTS:
            return math.inf
        from scipy import special  # slow to import

        error = self.standard_error
        if self.n_patients < _FEW_PATIENTS:
            error = max(error, _LEAST_DEVIATION / math.sqrt(self.n_patients))
        return float(special.stdtrit(self.n_patients - 1, _ONE_SIGMA)) * error

    @property
    def is_shown(self) -> bool:
        """Whether the child is better by more than one standard error."""
        return self.mean > self.threshold


def gain_of(differences: Sequence[float]) -> Gain:
    """Summarise the differences of Dice, child minus parent, one a patient.

    Example:
        >>> gain_of([0.02, 0.04, 0.03, 0.03]).is_shown, gain_of([0.5, -0.2, 0.1]).is_shown
        (True, False)
    """
    values = np.asarray(differences, dtype=np.float64)
    n = len(values)
    error = float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    return Gain(mean=float(values.mean()) if n else 0.0, standard_error=error, n_patients=n)


def best_gain(gains: Sequence[Gain]) -> int | None:
    """Choose the child with the largest mean gain of those that are shown to gain; `None` if none is.

    Args:
        gains: Of the same patients; of equals the first is taken.

    Source:
        Breiman et al. 1984, Classification and Regression Trees, section 3.4.3: within one standard error of
        the best, the simplest is taken. Here the simplest is the parent.
    """
    shown = [place for place, one in enumerate(gains) if one.is_shown]
    return max(shown, key=lambda place: gains[place].mean, default=None)
