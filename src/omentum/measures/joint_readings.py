"""Join several readings of one organ, and find where they differ; all of it inside the box that they share.

In:  one mask a reading, each in its own box; `None` is empty.
Out: the common part, the majority, the STAPLE estimate, and the connected regions of the differences.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cc3d
import numpy as np
import numpy.typing as npt

from omentum.volumes.boxes import BoxedArray, BoxedMask, box_shape, joint_box, shifted
from omentum.volumes.geometry import Box

__all__ = ["Difference", "common_part", "differences", "majority", "staple"]

Part = BoxedMask | None
_LEAST_SIDE = 4
"""connected-components-3d 4.1 stops at thinner masks with many specks; they are padded."""
_MOST_READINGS = 16
_BEGIN = 1 - 1e-5
"""Sensitivity and specificity of each reading that STAPLE begins with."""
_CONVERGED = 1e-12
_MOST_STEPS = 1000
_TINY = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A connected region (26 neighbours) that the same readings hold and the others do not."""

    held_by: tuple[int, ...]
    """Places of the readings that hold it, from 0."""
    n_voxels: int
    box: Box
    """On the CT's grid."""
    centre: tuple[float, float, float]
    """Mean index of its voxels on the CT's grid, `(i, j, k)`."""


def common_part(parts: Sequence[Part]) -> Part:
    """Give what all readings hold; `None` where that is nothing.

    Example:
        >>> a = BoxedArray((slice(0, 4),) * 3, np.ones((4, 4, 4), dtype=bool))
        >>> b = BoxedArray((slice(2, 6),) * 3, np.ones((4, 4, 4), dtype=bool))
        >>> common_part([a, b]).box
        (slice(2, 4, None), slice(2, 4, None), slice(2, 4, None))
    """
    return _voted(parts, least=len(parts))


def majority(parts: Sequence[Part]) -> Part:
    """Give what more than half of the readings hold; `None` where that is nothing."""
    return _voted(parts, least=len(parts) // 2 + 1)


def staple(parts: Sequence[Part]) -> Part:
    """Estimate the true mask from readings of unknown quality; `None` where it is empty.

    The prior is the mean share of the readings inside their joint box; what lies outside does not count.
    Voxels that the same readings hold have one probability, so that the estimate runs over those patterns,
    each with its count; SimpleITK's filter gives the same voxel by voxel, and takes 100 times as long.

    Source:
        Warfield et al. 2004, IEEE TMI 23(7), "Simultaneous truth and performance level estimation (STAPLE)",
        one prior for all voxels; a voxel is inside from a probability of one half.
    """
    box = joint_box(None if part is None else part.box for part in parts)
    if box is None:
        return None
    codes = _codes(parts, box)
    counts = sum(np.bincount(plane.ravel(), minlength=1 << len(parts)) for plane in codes)
    return BoxedArray(box, (_staple_probability(np.asarray(counts), len(parts)) >= 0.5)[codes]).tight()


def differences(parts: Sequence[Part], most: int = 50) -> list[Difference]:
    """List the regions in which readings differ, by falling volume.

    Args:
        parts: The readings, at most 16.
        most: Regions that are listed; smaller ones are left out.
    """
    box = joint_box(None if part is None else part.box for part in parts)
    if box is None:
        return []
    codes = _codes(parts, box)
    codes[codes == (1 << len(parts)) - 1] = 0
    padded = np.pad(codes, ((0, 1),) * 3) if min(codes.shape) < _LEAST_SIDE else codes
    numbers = cc3d.connected_components(padded, connectivity=26)
    found = cc3d.statistics(numbers)
    n_voxels = np.asarray(found["voxel_counts"])[1:]
    code_of = np.zeros(len(n_voxels) + 1, dtype=np.uint16)
    differs = padded != 0
    code_of[numbers[differs]] = padded[differs]
    order = np.argsort(-n_voxels.astype(np.int64), kind="stable")[:most] + 1
    return [_difference(int(number), found, int(code_of[number]), box) for number in order]


def _difference(number: int, found: dict[str, npt.NDArray[np.generic]], code: int, box: Box) -> Difference:
    x, y, z = (
        float(centre) + part.start for centre, part in zip(found["centroids"][number], box, strict=True)
    )
    return Difference(
        held_by=tuple(place for place in range(_MOST_READINGS) if code >> place & 1),
        n_voxels=int(found["voxel_counts"][number]),
        box=shifted(found["bounding_boxes"][number], box),
        centre=(x, y, z),
    )


def _codes(parts: Sequence[Part], box: Box) -> npt.NDArray[np.uint16]:
    """Code each voxel by the readings that hold it, a bit each."""
    assert len(parts) <= _MOST_READINGS
    codes: npt.NDArray[np.uint16] = np.zeros(box_shape(box), dtype=np.uint8 if len(parts) <= 8 else np.uint16)
    for place, part in enumerate(parts):
        if part is not None:
            codes[shifted(part.box, box, sign=-1)] |= part.values * codes.dtype.type(1 << place)
    return codes


def _voted(parts: Sequence[Part], *, least: int) -> Part:
    """Give what at least so many readings hold."""
    there = [part for part in parts if part is not None]
    box = joint_box(part.box for part in there)
    if box is None or len(there) < least:
        return None
    votes = np.zeros(box_shape(box), dtype=np.uint8)
    for part in there:
        votes[shifted(part.box, box, sign=-1)] += part.values
    return BoxedArray(box, votes >= least).tight()


def _staple_probability(counts: npt.NDArray[np.int64], n: int) -> npt.NDArray[np.float64]:
    """Give the probability of each pattern of `n` readings, by expectation and maximisation.

    Args:
        counts: Voxels of each pattern; bit `i` of its number says that reading `i` holds them.
        n: Number of readings.
    """
    holds = (np.arange(len(counts))[:, None] >> np.arange(n)) & 1 == 1
    prior = (counts @ holds).sum() / (counts.sum() * n)
    sensitivity = specificity = np.full(n, _BEGIN)
    for _ in range(_MOST_STEPS):
        inside = prior * np.where(holds, sensitivity, 1 - sensitivity).prod(axis=1)
        outside = (1 - prior) * np.where(holds, 1 - specificity, specificity).prod(axis=1)
        probability = inside / np.maximum(inside + outside, _TINY)
        before = np.concatenate([sensitivity, specificity])
        sensitivity = _share(counts * probability, holds)
        specificity = _share(counts * (1 - probability), ~holds)
        if np.abs(np.concatenate([sensitivity, specificity]) - before).max() < _CONVERGED:
            break
    return np.asarray(probability)


def _share(weights: npt.NDArray[np.float64], chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Give which share of the weight each reading has right, away from 0 and 1."""
    return np.asarray(np.clip(weights @ chosen / max(weights.sum(), _TINY), _TINY, 1 - 1e-15))
