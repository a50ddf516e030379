"""The learning rate of a step: linear warm-up, then a cosine."""

import math

__all__ = ["rate_at"]


def rate_at(step: int, steps: int, warm_up_share: float = 0.0) -> float:
    """Give the factor of the peak rate, in (0, 1].

    Example:
        >>> [round(rate_at(step, 10, 0.2), 2) for step in (0, 1, 2, 9)]
        [0.5, 1.0, 1.0, 0.04]
    """
    warm_up = round(steps * warm_up_share)
    if step < warm_up:
        return (step + 1) / warm_up
    through = (step - warm_up) / max(1, steps - warm_up)
    return 0.5 * (1 + math.cos(math.pi * through))
