"""Remove unlikely pieces of tumours and cysts; hosts, margins and numbers come from the label table."""

import edt
import numpy as np
from scipy import ndimage

from omentum.abdomenatlas.postprocess_input import Mask, PostprocessInput, PostprocessResult
from omentum.measures.components import keep_largest, pieces_of
from omentum.volumes.boxes import BoxedArray, BoxedMask, grown, shifted
from omentum.volumes.labels import organ

__all__ = ["count", "hosts"]


def hosts(case: PostprocessInput) -> PostprocessResult:
    """Remove pieces of lesions that are far from every host, even all; near ones stay whole."""
    parts, notes = {}, []
    for name, part in case.parts.items():
        row = organ(name)
        if row.host_margin_mm is None:
            continue
        host = case.joined(row.hosts)
        if host is None:
            names = " or ".join(row.hosts)
            notes.append(f"{name}: no {names} was found, so its location was not checked")
        else:
            parts[name] = BoxedArray(part.box, _near(part, host, row.host_margin_mm, case))
    return PostprocessResult(parts, tuple(notes))


def count(case: PostprocessInput) -> PostprocessResult:
    """Keep the largest pieces of a lesion, as many as the label table says."""
    parts = {}
    for name, (box, mask) in case.parts.items():
        most = organ(name).max_components
        if most is not None:
            parts[name] = BoxedArray(box, keep_largest(mask, most))
    return PostprocessResult(parts)


def _near(part: BoxedMask, host: BoxedMask, margin_mm: float, case: PostprocessInput) -> Mask:
    """Keep pieces with a voxel in the host, or within a margin of the host."""
    box, mask = part
    pieces = pieces_of(mask)
    meets = pieces.counted(host.crop(box)) > 0
    if meets[1:].all():
        return mask
    for number, (x, y, z) in enumerate(ndimage.find_objects(pieces.numbers), start=1):
        piece = BoxedArray(shifted((x, y, z), box), pieces.numbers[x, y, z] == number)
        meets[number] = meets[number] or _is_near(piece, host, margin_mm, case)
    return pieces.mask(np.flatnonzero(meets).tolist())


def _is_near(piece: BoxedMask, host: BoxedMask, margin_mm: float, case: PostprocessInput) -> bool:
    spacing_mm = case.geometry.spacing_mm
    wide = grown(piece.box, int(margin_mm / min(spacing_mm)), case.geometry.shape)
    host_there = host.crop(wide)
    if not host_there.any():
        return False
    distance_mm = edt.edt(~host_there, anisotropy=spacing_mm)
    return bool((distance_mm[piece.crop(wide)] <= margin_mm).any())
