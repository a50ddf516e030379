"""Describe what a plausibility rule found in one organ's mask."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from omentum.volumes.geometry import Box

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Finding:
    """One thing about one organ's mask that can hardly be right.

    Attributes:
        rule: Name of the rule, one of `rules.RULES`.
        organ: The organ's name.
        said: A few words for the queue, shown after the organ's name.
        box: Part of the grid of the masks that were given.
        where: Voxels to look at inside the box `(x, y, z)`: what is wrongly there, or where it is missing.
        severity: How sure the rule is, in (0, 1].
        share: How much of `where` is wrong if the rule is right, in (0, 1].
        holds: Whether it is severe: the mask is held back until a person confirms it.
    """

    rule: str
    organ: str
    said: str
    box: Box
    where: npt.NDArray[np.bool_]
    severity: float
    share: float = 1.0
    holds: bool = False

    def __str__(self) -> str:
        """Give the line that the queue shows.

        Example:
            >>> where = np.ones((1, 1, 1), dtype=bool)
            >>> box = (slice(0, 1),) * 3
            >>> str(Finding(rule="wrong_side", organ="kidney_left", said="on the right side",
            ...             box=box, where=where, severity=1.0))
            'kidney_left: on the right side'
        """
        return f"{self.organ}: {self.said}"
