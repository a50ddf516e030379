"""Where are the organs? From how likely they are, cleaned up, on the CT's own grid.

In:  probabilities of one case on a grid whose axes are parallel to the CT's.
Out: masks on the CT's grid, and what cleaning up took away.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from omentum.abdomenatlas.postprocess_input import Part, inside
from omentum.measures.components import keep_largest, pieces_of
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.postprocess.recipes import PostProcessed, postprocessed
from omentum.volumes.boxes import grown, joint_box, shifted
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet, OrganPart
from omentum.volumes.probabilities import FULL, ProbabilityMaps, reach
from omentum.volumes.resample import nearest_voxels, upsampled_mask

__all__ = ["DecidedMasks", "decide_masks"]

THRESHOLD = 0.5
"""A voxel belongs to an organ whose probability there is above this; as published."""
_NOWHERE = (slice(0, 1),) * 3, np.zeros((1, 1, 1), dtype=np.bool_)
_Values = tuple[Box, npt.NDArray[np.uint8]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecidedMasks:
    """Masks of one case.

    Attributes:
        masks: On the CT's grid.
        removed_ml: See `PostProcessed`.
        notes: See `PostProcessed`.
    """

    masks: MaskSet
    removed_ml: Mapping[str, Mapping[str, float]]
    notes: tuple[str, ...]


def decide_masks(maps: ProbabilityMaps, ct: Geometry, config: InferenceConfig) -> DecidedMasks:
    """Clean up on the grid of the probabilities, then decide on the CT's.

    There, an organ is where its probability, interpolated, is over a half; what was cleaned away counts as
    nothing, what was filled as sure, and what interpolation cuts off from the rest goes. As published, a
    voxel is what the nearest one of the network's grid is.

    Args:
        maps: Of one network, or the average of several.
        ct: The CT's grid.
        config: Its recipe counts.
    """
    likely = {name: (box, values > FULL * THRESHOLD) for name, (box, values) in maps.parts.items()}
    found = {name: likely.get(name, _NOWHERE) for name in maps.organs}
    cleaned = postprocessed(found, maps.geometry, recipe=config.recipe, without=config.without)
    if config.is_published:
        parts = _nearest(cleaned, maps.geometry, ct)
    else:
        parts = _interpolated(maps, cleaned, ct)
        if "largest" not in config.without:
            parts = _whole(parts, cleaned)
    masks = MaskSet.build(ct, maps.organs, parts)
    return DecidedMasks(masks=masks, removed_ml=cleaned.removed_ml, notes=cleaned.notes)


def _nearest(cleaned: PostProcessed, source: Geometry, ct: Geometry) -> Iterator[OrganPart]:
    lines = nearest_voxels(source, ct)
    for name, (own_box, mask) in cleaned.parts.items():
        x, y, z = (_between(line, side) for line, side in zip(lines, own_box, strict=True))
        near = (line[part] - own.start for line, part, own in zip(lines, (x, y, z), own_box, strict=True))
        yield name, (x, y, z), mask[np.ix_(*near)]


def _between(line: npt.NDArray[np.int64], side: slice) -> slice:
    """Find where a rising line of voxels is in a part of an axis."""
    return slice(*np.searchsorted(line, (side.start, side.stop)).tolist())


def _interpolated(maps: ProbabilityMaps, cleaned: PostProcessed, ct: Geometry) -> Iterator[OrganPart]:
    """Interpolate in the box of what is likely, so that a far speck costs nothing."""
    margin = _margin_voxels(maps.geometry, ct)
    for name, part in cleaned.parts.items():
        own_box, values = _as_cleaned(maps.parts.get(name), part)
        near = grown(shifted(part[0], own_box, sign=-1), margin, values.shape)
        source = maps.geometry.cropped(own_box).cropped(near)
        box = reach(source, ct)
        yield name, box, upsampled_mask(values[near], source, ct.cropped(box), FULL * THRESHOLD)


def _as_cleaned(found: _Values | None, part: Part) -> _Values:
    """Give probabilities without what was taken away, and with what was filled in."""
    box = joint_box([part[0], None if found is None else found[0]])
    assert box is not None
    values = np.zeros([side.stop - side.start for side in box], dtype=np.uint8)
    if found is not None:
        values[shifted(found[0], box, sign=-1)] = found[1]
    likely, kept = values > FULL * THRESHOLD, inside(part, box)
    values[likely & ~kept] = 0
    values[kept & ~likely] = FULL
    return box, values


def _whole(parts: Iterable[OrganPart], cleaned: PostProcessed) -> Iterator[OrganPart]:
    """Take away what interpolation cut off: on the CT's grid an organ has no more pieces than it had."""
    for name, box, mask in parts:
        if organ(name).max_pieces is None:
            yield name, box, mask
        else:
            yield name, box, keep_largest(mask, k=len(pieces_of(cleaned.parts[name][1]).by_size))


def _margin_voxels(source: Geometry, target: Geometry) -> int:
    """Say how far from likely voxels a voxel of `target` may lie in the organ and still look further."""
    step = max(np.array(target.spacing_mm) / np.array(source.spacing_mm))
    return 1 if step <= 1 else 2 * int(np.ceil(step))
