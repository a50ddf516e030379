"""Which voxels did AbdomenAtlas-8K keep? Its rules, voxel for voxel.

In:  a case, at 1.5 mm as published: every size is in voxels of the grid that is given.
Out: rules by name. The order matters: lesions look at hosts, and lungs at lungs, before they are cleaned.

Source: Qu et al. 2023, arXiv:2305.09666, and what their code writes.
"""

from collections.abc import Mapping

import numpy as np

from omentum.abdomenatlas.postprocess_input import PostprocessInput, PostprocessResult, Rule
from omentum.abdomenatlas.postprocess_lungs import LUNGS, lungs
from omentum.measures.components import keep_largest
from omentum.measures.morphology import closed, dilated
from omentum.volumes.boxes import grown
from omentum.volumes.labels import organ

__all__ = ["PUBLISHED"]

HOSTED = ("kidney_tumor", "liver_tumor")
"""Only these are cut to their hosts; the others' hosts are listed and not used."""
REACH_VOXELS = 2
"""The host region is closed, then dilated, by cubes of 5 voxels."""
ANY_NUMBER = ("hepatic_vessel", "portal_vein_and_splenic_vein", *LUNGS)


def hosts(case: PostprocessInput) -> PostprocessResult:
    """Tumours of kidney and liver are cut to their hosts, closed and dilated by 5 x 5 x 5 voxels."""
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
    """Tumours and cysts keep their largest pieces, above a number of voxels each."""
    parts = {}
    for name, (box, mask) in case.parts.items():
        least = organ(name).min_voxels_exclusive
        if least is not None:
            parts[name] = BoxedArray(box, keep_largest(mask, organ(name).max_components or 1, least))
    return PostprocessResult(parts)


def largest(case: PostprocessInput) -> PostprocessResult:
    """Organs keep their largest piece; vessels of the liver, the portal vein and lungs are spared."""
    return PostprocessResult(
        {
            name: BoxedArray(box, keep_largest(mask))
            for name, (box, mask) in case.parts.items()
            if organ(name).kind == "organ" and name not in ANY_NUMBER
        }
    )


def veins(case: PostprocessInput) -> PostprocessResult:
    """Portal and splenic vein end with the lowest slice of the pancreas."""
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
