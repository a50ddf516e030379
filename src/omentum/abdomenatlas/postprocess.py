"""The post-processing rules of AbdomenAtlas-8K, voxel for voxel.

Sizes are in voxels of the given grid, 1.5 mm as published. The order matters: `hosts` and `lungs` read
masks before they are cleaned.

Source: Qu et al. 2023, arXiv:2305.09666, and the files that their code writes.
"""

from collections.abc import Mapping

import numpy as np

from omentum.abdomenatlas.postprocess_input import PostprocessInput, PostprocessResult, Rule
from omentum.abdomenatlas.postprocess_lungs import LUNGS, lungs
from omentum.measures.components import keep_largest
from omentum.measures.morphology import closed, dilated
from omentum.volumes.boxes import BoxedArray, grown
from omentum.volumes.labels import organ

__all__ = ["PUBLISHED"]

HOSTED = ("kidney_tumor", "liver_tumor")
"""Only these are cut to their hosts, as published."""
REACH_VOXELS = 2
"""The host region is closed, then dilated, by cubes of 5 voxels."""
ANY_NUMBER = ("hepatic_vessel", "portal_vein_and_splenic_vein", *LUNGS)


def hosts(case: PostprocessInput) -> PostprocessResult:
    """Cut tumours of kidney and liver to their hosts, closed and dilated by 5 x 5 x 5 voxels."""
    parts = {}
    for name in HOSTED:
        if name not in case.parts:
            continue
        box, mask = case.parts[name]
        host = case.joined(organ(name).hosts)
        region = np.zeros_like(mask)
        if host is not None:
            wide = grown(host[0], 2 * REACH_VOXELS, case.geometry.shape)
            kept = keep_largest(host.crop(wide), k=len(organ(name).hosts))
            region = BoxedArray(wide, dilated(closed(kept, REACH_VOXELS), REACH_VOXELS)).crop(box)
        parts[name] = BoxedArray(box, mask & region)
    return PostprocessResult(parts)


def lesions(case: PostprocessInput) -> PostprocessResult:
    """Keep the largest pieces of tumours and cysts, above a number of voxels each."""
    parts = {}
    for name, (box, mask) in case.parts.items():
        least = organ(name).min_voxels_exclusive
        if least is not None:
            parts[name] = BoxedArray(box, keep_largest(mask, organ(name).max_components or 1, least))
    return PostprocessResult(parts)


def largest(case: PostprocessInput) -> PostprocessResult:
    """Keep an organ's largest piece, except liver vessels, portal vein and lungs."""
    return PostprocessResult(
        {
            name: BoxedArray(box, keep_largest(mask))
            for name, (box, mask) in case.parts.items()
            if organ(name).kind == "organ" and name not in ANY_NUMBER
        }
    )


def veins(case: PostprocessInput) -> PostprocessResult:
    """Cut portal and splenic vein at the lowest slice of the pancreas."""
    name = "portal_vein_and_splenic_vein"
    if name not in case.parts or "pancreas" not in case.parts:
        return PostprocessResult()
    box, mask = case.parts[name]
    lowest = case.parts["pancreas"][0][2].start
    above = np.arange(box[2].start, box[2].stop) >= lowest
    return PostprocessResult({name: BoxedArray(box, mask & above)})


PUBLISHED: Mapping[str, Rule] = {
    "hosts": hosts,
    "lesions": lesions,
    "lungs": lungs,
    "largest": largest,
    "veins": veins,
}
"""The published rules, in order."""
