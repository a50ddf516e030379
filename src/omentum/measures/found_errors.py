"""Tell whether a reader found the error that was planted in a mask.

A reader found it if all of this holds:

- The answer is not that the organ is absent, and agrees no less with the true mask than what was shown.
- At least half of the planted volume is put right.
- Of a major error: the answer is a major revision of what was shown, as the audit counts them. So a miss
  here is what a miss in the audit is.
"""

import numpy as np
import numpy.typing as npt

from omentum.measures.overlap import dice

__all__ = ["is_found", "left_share"]

Mask = npt.NDArray[np.bool_]


def left_share(shown: Mask, true: Mask, answer: Mask) -> float:
    """Measure the share of the planted error that an answer leaves, in [0, 1]; 0 where nothing was planted.

    Args:
        shown: The mask with the error `(x, y, z)`.
        true: The mask without it.
        answer: What the reader handed in, on the same grid.
    """
    planted = shown ^ true
    n_planted = int(np.count_nonzero(planted))
    return int(np.count_nonzero((answer ^ true) & planted)) / n_planted if n_planted else 0.0


def is_found(shown: Mask, true: Mask, answer: Mask, limit: float) -> bool:
    """Tell whether an answer shows that the reader found the planted error; the rule is above.

    Args:
        shown: The mask with the error `(x, y, z)`.
        true: The mask without it.
        answer: What the reader handed in, on the same grid.
        limit: Dice below which a revision of this organ is major.

    Example:
        >>> true = np.array([True] * 8 + [False] * 2)
        >>> shown, better = ~np.array([False] * 5 + [True] * 5), true.copy()
        >>> is_found(shown, true, better, limit=0.9), is_found(shown, true, shown, limit=0.9)
        (True, False)
    """
    before, after = dice(shown, true) or 0.0, dice(answer, true) or 0.0
    if not answer.any() or after < before or left_share(shown, true, answer) > 0.5:
        return False
    return before >= limit or (dice(shown, answer) or 0.0) < limit
