"""Vary a prepared case: larger or smaller, brighter or noisier, its labels with it.

The trunk sees each copy as a CT of its own, so that heads learn what features do when scanners and bodies
differ.
"""

from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional as F

from omentum.tune.prepared_cases import PreparedCase, to_int16
from omentum.volumes.geometry import Geometry
from omentum.volumes.masks import MaskSet

__all__ = ["augmented"]

_SCALE = (0.92, 1.09)
_GAIN = 0.05
_OFFSET_HU = 10.0
_NOISE_HU = 15.0
_AIR_HU = 1000.0


def augmented(case: PreparedCase, copy: int, seed: int) -> PreparedCase:
    """Make a copy of a case: scaled by up to 9 %, each axis a little differently, its Hounsfield units too.

    Args:
        case: On the network's grid.
        copy: Its number; 0 is the case as it is.
        seed: With the case's name and the copy's number, all that the copy depends on.
    """
    if copy == 0:
        return case
    rng = np.random.default_rng([seed, copy, *case.case_id.encode()])
    scale = np.exp(rng.uniform(*np.log(_SCALE)) + rng.normal(0, 0.01, 3))
    shape = [max(8, round(side * factor)) for side, factor in zip(case.hu.shape, scale, strict=True)]
    hu = F.interpolate(
        torch.from_numpy(case.hu.astype(np.float32))[None, None], shape, mode="trilinear", align_corners=False
    )[0, 0].numpy()
    # Density, not its difference from water, is what scanners scale.
    hu = (hu + _AIR_HU) * (1 + rng.uniform(-_GAIN, _GAIN)) - _AIR_HU + rng.normal(0, _OFFSET_HU)
    hu += rng.standard_normal(shape, dtype=np.float32) * (_NOISE_HU * rng.random())
    masks = case.masks
    codes = torch.from_numpy(masks.codes.astype(np.float32))[None, None]
    nearest = F.interpolate(codes, shape, mode="nearest-exact")[0, 0].numpy().astype(masks.codes.dtype)
    x, y, z = shape
    geometry = Geometry((x, y, z), masks.geometry.affine)
    return replace(
        case,
        hu=to_int16(hu),
        masks=MaskSet(nearest, masks.sets, masks.organs, geometry),
    )
