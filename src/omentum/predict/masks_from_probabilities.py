"""Decide masks on the CT's grid from probabilities, with post-processing."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from omentum.measures.components import keep_largest, pieces_of
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.postprocess.recipes import PostProcessed, postprocessed
from omentum.predict.predictors import PredictedCase
from omentum.volumes.boxes import BoxedArray, BoxedBytes, BoxedMask, box_shape, grown, joint_box, shifted
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.probabilities import FULL, ProbabilityMaps, reach
from omentum.volumes.resample import nearest_voxels, upsampled_mask

__all__ = ["decide_masks"]

THRESHOLD = 0.5
"""Least probability of an organ's voxels, exclusive; as published."""
_NOWHERE: BoxedMask = BoxedArray.whole(np.zeros((1, 1, 1), dtype=np.bool_))


def decide_masks(maps: ProbabilityMaps, ct: Geometry, config: InferenceConfig) -> PredictedCase:
    """Post-process on the grid of the probabilities, then decide on the CT's grid.

    There, an organ is where its interpolated probability is over a half; removed voxels count as 0, filled
    ones as 1, and pieces that interpolation cuts off are removed. The published recipe takes the nearest
    voxel of the network's grid instead.

    Args:
        maps: Of one network, or the average of several.
        ct: The CT's grid.
        config: Only its rules are used.
    """
    likely = {name: BoxedArray(box, values > FULL * THRESHOLD) for name, (box, values) in maps.parts.items()}
    found = {name: likely.get(name, _NOWHERE) for name in maps.organs}
    cleaned = postprocessed(found, maps.geometry, recipe=config.recipe, without=config.without)
    if config.is_published:
        parts = _nearest(cleaned, maps.geometry, ct)
    else:
        parts = _interpolated(maps, cleaned, ct)
        if "largest" not in config.without:
            parts = _whole(parts, cleaned)
    masks = MaskSet.build(ct, maps.organs, parts)
    return PredictedCase(maps=maps, masks=masks, removed_ml=cleaned.removed_ml, notes=cleaned.notes)


def _nearest(cleaned: PostProcessed, source: Geometry, ct: Geometry) -> Iterator[tuple[str, BoxedMask]]:
    lines = nearest_voxels(source, ct)
    for name, (own_box, mask) in cleaned.parts.items():
        x, y, z = (_between(line, side) for line, side in zip(lines, own_box, strict=True))
        near = (line[part] - own.start for line, part, own in zip(lines, (x, y, z), own_box, strict=True))
        yield name, BoxedArray((x, y, z), mask[np.ix_(*near)])


def _between(line: npt.NDArray[np.int64], side: slice) -> slice:
    """Find where a rising line of voxels is in a part of an axis."""
    return slice(*np.searchsorted(line, (side.start, side.stop)).tolist())


def _interpolated(
    maps: ProbabilityMaps, cleaned: PostProcessed, ct: Geometry
) -> Iterator[tuple[str, BoxedMask]]:
    """Interpolate only in the boxes of what is likely."""
    margin = _margin_voxels(maps.geometry, ct)
    for name, part in cleaned.parts.items():
        own_box, values = _as_cleaned(maps.parts.get(name), part)
        near = grown(shifted(part[0], own_box, sign=-1), margin, values.shape)
        source = maps.geometry.cropped(own_box).cropped(near)
        box = reach(source, ct)
        mask = upsampled_mask(values[near], source, ct.cropped(box), FULL * THRESHOLD)
        yield name, BoxedArray(box, mask)


def _as_cleaned(found: BoxedBytes | None, part: BoxedMask) -> BoxedBytes:
    """Set removed voxels to 0 and filled ones to 1."""
    box = joint_box([part.box, found and found.box])
    assert box is not None
    values = np.zeros(box_shape(box), dtype=np.uint8) if found is None else found.crop(box)
    likely, kept = values > FULL * THRESHOLD, part.crop(box)
    values[likely & ~kept] = 0
    values[kept & ~likely] = FULL
    return BoxedArray(box, values)


def _whole(parts: Iterable[tuple[str, BoxedMask]], cleaned: PostProcessed) -> Iterator[tuple[str, BoxedMask]]:
    """Remove pieces that interpolation cut off; an organ gets no more pieces than it had."""
    for name, part in parts:
        if organ(name).max_pieces is None:
            yield name, part
        else:
            n_pieces = len(pieces_of(cleaned.parts[name].values).by_size)
            yield name, BoxedArray(part.box, keep_largest(part.values, k=n_pieces))


def _margin_voxels(source: Geometry, target: Geometry) -> int:
    """Return how far around likely voxels the interpolation of `target` may reach."""
    step = max(np.array(target.spacing_mm) / np.array(source.spacing_mm))
    return 1 if step <= 1 else 2 * int(np.ceil(step))
