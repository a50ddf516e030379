"""Find cases that are nearly the same, by their thumbnails."""

from collections.abc import Sequence

import numpy as np

__all__ = ["ALIKE_LEVELS", "Thumbnails"]

ALIKE_LEVELS = 4.0
"""Thumbnails whose bytes differ by at most so many of 255 levels, on average, are of one patient.

Noise, another kernel or a slice more move a mean over many voxels by one or two levels; two patients differ
by the level of fat against soft tissue in a tenth of the volume at least, which is ten and more.
"""


class Thumbnails:
    """The thumbnails of all cases of a round.

    Args:
        signatures: Hexadecimal digits, all of one length; a case with an empty or odd one is like no other.

    Example:
        >>> Thumbnails(["0a0a", "0a0b", "ffff", ""]).like(0)
        [1]
    """

    def __init__(self, signatures: Sequence[str]) -> None:
        length = max(map(len, signatures), default=0)
        numbers = [number for number, text in enumerate(signatures) if text and len(text) == length]
        levels = [np.frombuffer(bytes.fromhex(signatures[number]), dtype=np.uint8) for number in numbers]
        rows = np.array(levels, dtype=np.int16).reshape(len(numbers), length // 2)
        means = rows.mean(axis=1) if numbers else np.zeros(0)
        order = np.argsort(means, kind="stable")
        self._rows, self._means = rows[order], means[order]
        self._numbers = np.array(numbers, dtype=np.int64)[order]
        self._row_of = {number: row for row, number in enumerate(self._numbers.tolist())}

    def like(self, number: int) -> list[int]:
        """Give the numbers of the other cases that are like this one, rising.

        Means differ by no more than thumbnails do, so that only those of about the same mean are compared.
        """
        row = self._row_of.get(number)
        if row is None:
            return []
        low, high = np.searchsorted(
            self._means, [self._means[row] - ALIKE_LEVELS, self._means[row] + ALIKE_LEVELS]
        )
        near = slice(int(low), int(high) + 1)
        apart = np.abs(self._rows[near] - self._rows[row]).mean(axis=1)
        alike = self._numbers[near][apart <= ALIKE_LEVELS].tolist()
        return sorted(other for other in alike if other != number)
