"""Store probabilities as bytes, 255 for 1: rounded to the nearest, or down as AbdomenAtlas-8K does."""

import numpy as np
import numpy.typing as npt
from scipy.special import entr

from omentum.measures.morphology import dilated
from omentum.volumes.boxes import BoxedArray, BoxedBytes, grown, shifted
from omentum.volumes.geometry import Box
from omentum.volumes.masks import MaskSet
from omentum.volumes.probabilities import FULL, LEAST

__all__ = ["entropy_bytes", "kept_part", "nearest_bytes", "soft_bytes"]

_SLAB = 16
_ROUNDING = 1e-3
"""Of float32: without this, `byte / 255 * 255` is rounded down to the byte below."""

Bytes = npt.NDArray[np.uint8]
Reals = npt.NDArray[np.float32]


def nearest_bytes(probability: Reals) -> Bytes:
    """Round probabilities in [0, 1], times 255, to the nearest byte; halves go down.

    So a byte is over 127.5 exactly where the probability is over a half.

    Example:
        >>> nearest_bytes(np.array([0.0, 0.5, 0.501, 1.0], dtype=np.float32)).tolist()
        [0, 127, 128, 255]
    """
    return np.asarray(np.ceil(np.clip(probability, 0.0, 1.0) * FULL - (0.5 + _ROUNDING)).astype(np.uint8))


def entropy_bytes(probability: Reals) -> Bytes:
    """Work out `-p ln p` of probabilities in [0, 1], times 255, rounded down; slab by slab.

    Source:
        The files that the code of AbdomenAtlas-8K writes (Qu et al. 2023, arXiv:2305.09666).

    Example:
        >>> entropy_bytes(np.array([0.0, 0.5, 1.0], dtype=np.float32).reshape(1, 1, 3)).ravel().tolist()
        [0, 88, 0]
    """
    result = np.empty_like(probability, dtype=np.uint8)
    for start in range(0, probability.shape[-1], _SLAB):
        slab = np.s_[..., start : start + _SLAB]
        result[slab] = entr(np.clip(probability[slab], 0.0, 1.0)) * FULL
    return result


def soft_bytes(probability: Reals, masks: MaskSet, name: str, box: Box) -> Bytes:
    """Work out the published soft prediction: `p` inside the once dilated mask, times 255, rounded down.

    Args:
        probability: In [0, 1], inside `box`.
        masks: On the whole grid; they know the organ.
        name: The organ.
        box: A part of the grid of `masks`.

    Source:
        As `entropy_bytes`.
    """
    near = grown(box, 1, masks.geometry.shape)
    inside = dilated(masks.mask_in(name, near))[shifted(box, near, sign=-1)]
    return np.where(inside, probability * FULL + _ROUNDING, 0).astype(np.uint8)


def kept_part(values: Bytes) -> BoxedBytes | None:
    """Cut out the box of the bytes that are `LEAST` or more, one voxel wider; `None` where there are none.

    The voxel around it keeps interpolation at the box's border as it was.
    """
    return BoxedArray.cut_out(values, least=LEAST, margin_voxels=1)
