"""The default post-processing rules, in mm and mL, for any grid.

Limits of each organ come from the label table. Each rule works on the result of those before it, and empties
no organ unless its first line says so.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from omentum.abdomenatlas.postprocess_input import Mask, PostprocessInput, PostprocessResult, Rule
from omentum.measures.components import pieces_of
from omentum.measures.morphology import filled
from omentum.predict.postprocess.default_lesions import count, hosts
from omentum.predict.postprocess.default_lungs import lungs
from omentum.predict.postprocess.default_sides import sides
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import Box
from omentum.volumes.labels import ORGANS, organ

__all__ = ["DEFAULT"]

PORTAL_VEIN = "portal_vein_and_splenic_vein"
GREATEST_CUT = 0.5
"""Greatest share of the portal vein that the pancreas may cut off."""


def specks(case: PostprocessInput) -> PostprocessResult:
    """Remove pieces under the least volume; an organ keeps its largest, a lesion may be emptied."""
    parts = {}
    for name, (box, mask) in case.parts.items():
        pieces = pieces_of(mask)
        least = organ(name).min_piece_ml / case.geometry.voxel_ml
        kept = [number for number in pieces.by_size if pieces.n_voxels[number] >= least]
        spared = pieces.by_size[:1] if organ(name).kind == "organ" else []
        parts[name] = BoxedArray(box, pieces.mask(kept or spared))
    return PostprocessResult(parts)


def largest(case: PostprocessInput) -> PostprocessResult:
    """Keep an organ's largest pieces; poles that a lesion divides are one piece."""
    parts = {}
    for name, (box, mask) in case.parts.items():
        most = organ(name).max_pieces
        if most is not None:
            parts[name] = BoxedArray(box, _largest(mask, _bridged(case, name), most))
    return PostprocessResult(parts)


def veins(case: PostprocessInput) -> PostprocessResult:
    """Cut portal and splenic vein at the pancreas's lowest voxel, if at least half remains."""
    if PORTAL_VEIN not in case.parts or "pancreas" not in case.parts:
        return PostprocessResult()
    box, mask = case.parts[PORTAL_VEIN]
    pancreas_box, pancreas = case.parts["pancreas"]
    lowest_mm = _heights_mm(case, pancreas_box)[pancreas].min()
    kept = mask & (_heights_mm(case, box) >= lowest_mm - 1e-3)
    if np.count_nonzero(kept) < GREATEST_CUT * np.count_nonzero(mask):
        return PostprocessResult(
            notes=("portal vein: most of it is below the pancreas, so it was left as it is",)
        )
    return PostprocessResult({PORTAL_VEIN: BoxedArray(box, kept)})


def holes(case: PostprocessInput) -> PostprocessResult:
    """Fill holes in an organ, up to a volume in the label table."""
    parts = {}
    for name, (box, mask) in case.parts.items():
        largest_ml = organ(name).max_hole_ml
        if largest_ml is not None:
            parts[name] = BoxedArray(box, filled(mask, int(largest_ml / case.geometry.voxel_ml)))
    return PostprocessResult(parts)


DEFAULT: Mapping[str, Rule] = {
    "specks": specks,
    "sides": sides,
    "lungs": lungs,
    "largest": largest,
    "hosts": hosts,
    "count": count,
    "veins": veins,
    "holes": holes,
}
"""Rules by name, in the order in which they are applied."""


def _bridged(case: PostprocessInput, name: str) -> Mask:
    """Join an organ with the lesions that it may hold, inside its own box."""
    box, mask = case.parts[name]
    together = mask.copy()
    for row in ORGANS:
        if name in row.hosts and row.name in case.parts:
            together |= case.seen(row.name, box)
    return together


def _largest(mask: Mask, together: Mask, most: int) -> Mask:
    """Keep pieces of `together` by how much of `mask` each has."""
    pieces = pieces_of(together)
    order = np.argsort(-pieces.counted(mask)[1:], kind="stable") + 1
    return mask & pieces.mask(order[:most].tolist())


def _heights_mm(case: PostprocessInput, box: Box) -> npt.NDArray[np.float64]:
    """Return the height of each voxel of a box `(x, y, z)` in mm; on tilted grids it varies in a slice."""
    steps, (x, y, z) = case.geometry.affine[2, :3], box
    grid = np.ogrid[x, y, z]
    return np.asarray(sum(step * index for step, index in zip(steps, grid, strict=True)))
