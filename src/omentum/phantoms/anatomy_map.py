"""Turn a person's label map into signed distances by tissue, in an atlas about the kidneys.

They are computed once and deformed for each synthetic patient.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import edt
import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import ConvexHull

from omentum.errors import ConfigError
from omentum.phantoms.interpolate import FloatArray
from omentum.phantoms.space import FAR_MM
from omentum.volumes.label_schemes import TOTALSEGMENTATOR, label_scheme
from omentum.volumes.labels import SUBSETS
from omentum.volumes.nifti import read_nifti
from omentum.volumes.volume import Volume

__all__ = ["TOTALSEGMENTATOR", "AnatomyMap", "Part", "map_anatomy", "read_anatomy"]

_ORGANS = SUBSETS["abdomenatlas-1.0"]
_STEP_MM = 3.2
"""Distances are kept on a grid of about this step: what is smaller is not drawn anyway."""
_BODY_STEP_MM = 8.0
_LEVEL = ("kidney_left", "kidney_right", "liver", "spleen")
"""Organs that say where in the trunk a map is; the atlas of made patients has them at these places."""
_OFF_MM = 60.0
"""How far from its place in the atlas such an organ may lie; sides that are swapped are off by twice that."""
_LEVEL_MM = {
    "kidney_left": (-73.0, 10.0, -9.0),
    "kidney_right": (70.0, 9.0, -20.0),
    "liver": (60.0, 62.0, 25.0),
    "spleen": (-103.0, 2.0, 36.0),
}
_HALF_KIDNEY_MM = 52.0
"""From a kidney's middle to its lower pole, which is there where the field of view cuts its upper one."""
_BEYOND_MM = 40.0
"""How far tissues go on, unchanged, beyond an end of the map that cuts them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Where one tissue is.

    Attributes:
        tissue: A name in `totalsegmentator_117.json`, or an organ's.
        distance: Signed, in mm, negative inside, clipped to `FAR_MM`; float32 `(x, y, z)`.
        origin_mm: Place of its first voxel in the atlas.
        step_mm: From voxel to voxel.
        is_cut: Whether the map ends within it, towards the feet or the head.
    """

    tissue: str
    distance: FloatArray
    origin_mm: npt.NDArray[np.float64]
    step_mm: npt.NDArray[np.float64]
    is_cut: bool = False

    @property
    def ends_mm(self) -> npt.NDArray[np.float64]:
        """Lowest and highest corner, shape `(2, 3)`."""
        return np.stack([self.origin_mm, self.origin_mm + self.step_mm * (np.array(self.distance.shape) - 1)])

    @property
    def centre_mm(self) -> npt.NDArray[np.float64]:
        """Mean place of its inside."""
        return np.asarray(self.origin_mm + self.step_mm * np.argwhere(self.distance < 0).mean(axis=0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnatomyMap:
    """One person's anatomy, without a CT.

    Attributes:
        parts: By tissue.
        body: Distance to the convex hull of everything in each axial plane.
        low_mm: Where in the atlas the map ends towards the feet.
        high_mm: The same towards the head.
        sha256: Of the labels and their grid.
    """

    name: str
    parts: Mapping[str, Part]
    body: Part
    low_mm: float
    high_mm: float
    sha256: str

    @property
    def is_whole(self) -> bool:
        """Tell whether it has bones: without them no body can be drawn round the organs."""
        return "bone" in self.parts

    @property
    def has_whole_organs(self) -> bool:
        """Tell whether the map ends within no organ but the vessels, so that they fit into any body."""
        long = ("aorta", "postcava")
        return not any(
            part.is_cut for name, part in self.parts.items() if name in _ORGANS and name not in long
        )


def read_anatomy(path: Path, ids: str) -> AnatomyMap:
    """Read a label map.

    Args:
        path: A NIfTI file.
        ids: What its values mean: `totalsegmentator`, or one of our subsets such as `abdomenatlas-1.0`.

    Raises:
        ImageError: The file cannot be used.
        ConfigError: `ids` is unknown or cannot be what the values mean, or the map lacks the organs that say
            where in the trunk it is.
    """
    return map_anatomy(path.name.split(".")[0], read_nifti(path), ids)


def map_anatomy(name: str, labels: Volume, ids: str) -> AnatomyMap:
    """Measure the distances of a label map; see `read_anatomy`."""
    tissues = _tissues(ids)
    upright = labels.reoriented("RAS")
    voxels, spacing = upright.voxels, np.array(upright.geometry.spacing_mm)
    _check_values(name, voxels, ids, tissues)
    boxes = ndimage.find_objects(voxels.astype(np.int32), max_label=max(map(max, tissues.values())))
    parts = {}
    for tissue, values in tissues.items():
        found = [boxes[value - 1] for value in values if boxes[value - 1] is not None]
        part = _part(tissue, voxels, values, found, spacing) if found else None
        if part is not None and (part.distance < 0).any():  # what is thinner than the step is not drawn
            parts[tissue] = part
    missing = [organ for organ in _LEVEL if organ not in parts]
    if missing:
        raise ConfigError(
            "anatomy", name, f"{', '.join(missing)} must be in it, to know where in the trunk it is"
        )
    shift = np.mean(list(_to_atlas(parts).values()), axis=0)
    _check_places(name, parts, shift, ids)
    parts = {tissue: _continued(part, voxels.shape[2], spacing[2]) for tissue, part in parts.items()}
    parts = {tissue: replace(part, origin_mm=part.origin_mm + shift) for tissue, part in parts.items()}
    body = _continued(_body(voxels, spacing), voxels.shape[2], spacing[2])
    body = replace(body, origin_mm=body.origin_mm + shift)
    low, high = shift[2], shift[2] + spacing[2] * (voxels.shape[2] - 1)
    digest = hashlib.sha256(voxels.tobytes() + upright.geometry.affine.tobytes() + ids.encode()).hexdigest()
    return AnatomyMap(
        name=name, parts=parts, body=body, low_mm=float(low), high_mm=float(high), sha256=digest
    )


def _check_values(name: str, voxels: npt.NDArray[Any], ids: str, tissues: Mapping[str, list[int]]) -> None:
    known = {0, *(value for values in tissues.values() for value in values)}
    unknown = sorted({float(value) for value in np.unique(voxels)} - known)
    if unknown:
        raise ConfigError("anatomy", name, f"{unknown[0]:g} is no value of the ids {ids}; give the right ids")


def _to_atlas(parts: Mapping[str, Part]) -> dict[str, npt.NDArray[np.float64]]:
    """Find how far the organs that say where a map is are from their places; those that are whole, if any.

    Where the map cuts all of them, it shows the lower poles of the kidneys.
    """
    whole = [organ for organ in _LEVEL if not parts[organ].is_cut]
    if whole:
        return {organ: np.array(_LEVEL_MM[organ]) - parts[organ].centre_mm for organ in whole}
    return {organ: _from_lower_pole(parts[organ]) for organ in ("kidney_left", "kidney_right")}


def _from_lower_pole(kidney: Part) -> npt.NDArray[np.float64]:
    lowest = np.argwhere(kidney.distance < 0)[:, 2].min()
    middle = kidney.centre_mm
    middle[2] = kidney.origin_mm[2] + kidney.step_mm[2] * lowest + _HALF_KIDNEY_MM
    return np.asarray(np.array(_LEVEL_MM[kidney.tissue]) - middle)


def _check_places(name: str, parts: Mapping[str, Part], shift: npt.NDArray[np.float64], ids: str) -> None:
    """Refuse a map whose organs lie where no person has them: its ids or its sides are wrong."""
    off = {}
    for organ in _LEVEL:
        from_place = parts[organ].centre_mm + shift - _LEVEL_MM[organ]
        seen = from_place[:2] if parts[organ].is_cut else from_place  # the middle of what is cut is elsewhere
        off[organ] = float(np.linalg.norm(seen))
    worst = max(off, key=lambda organ: off[organ])
    if off[worst] > _OFF_MM:
        reason = f"{worst} is {off[worst]:.0f} mm from where it should be beside the others"
        raise ConfigError("anatomy", name, f"{reason}; are its ids {ids}, and is its affine right?")


def _tissues(ids: str) -> dict[str, list[int]]:
    if ids == TOTALSEGMENTATOR:
        text = resources.files("omentum.phantoms").joinpath("totalsegmentator_117.json").read_text("utf-8")
        table: dict[str, list[int]] = json.loads(text)
        return table
    if ids not in SUBSETS:
        raise ConfigError("ids", ids, f"they must be {TOTALSEGMENTATOR} or one of {', '.join(SUBSETS)}")
    return {organ: list(values) for organ, values in label_scheme(ids).values.items()}


def _part(
    tissue: str,
    voxels: npt.NDArray[np.integer],
    values: list[int],
    found: list[tuple[slice, ...]],
    spacing: npt.NDArray[np.float64],
) -> Part:
    margin = np.ceil(12.0 / spacing).astype(int)
    low = np.maximum(np.min([[part.start for part in box] for box in found], axis=0) - margin, 0)
    high = np.minimum(np.max([[part.stop for part in box] for box in found], axis=0) + margin, voxels.shape)
    x, y, z = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    inside = np.isin(voxels[x, y, z], values)
    stride = np.maximum(np.floor(_STEP_MM / spacing), 1).astype(int)
    ends = [box[2] for box in found]
    return Part(
        tissue=tissue,
        distance=_signed(inside, spacing)[:: stride[0], :: stride[1], :: stride[2]].copy(),
        origin_mm=low * spacing,
        step_mm=spacing * stride,
        is_cut=any(end.start == 0 or end.stop == voxels.shape[2] for end in ends),
    )


def _continued(part: Part, n_planes: int, slice_mm: float) -> Part:
    """Repeat a part's last planes beyond the ends of the map that cut it; its own places, not the atlas's."""
    n_more = int(np.ceil(_BEYOND_MM / part.step_mm[2]))
    low, high = part.ends_mm[:, 2]
    before = n_more if low <= part.step_mm[2] else 0
    after = n_more if high >= slice_mm * (n_planes - 1) - part.step_mm[2] else 0
    distance = np.pad(part.distance, ((0, 0), (0, 0), (before, after)), mode="edge")
    return replace(part, distance=distance, origin_mm=part.origin_mm - (0.0, 0.0, before * part.step_mm[2]))


def _signed(inside: npt.NDArray[np.bool_], spacing: npt.NDArray[np.float64]) -> FloatArray:
    """Measure the distance to a mask's border, which lies between voxels; a staircase is smoothed."""
    edge = float(spacing.min())
    sides = tuple(float(side) for side in spacing)
    apart = [edt.edt(mask, anisotropy=sides) for mask in (~inside, inside)]
    distance: FloatArray = np.where(inside, 0.5 * edge - apart[1], apart[0] - 0.5 * edge).astype(np.float32)
    ndimage.gaussian_filter(distance, 0.6 * edge / spacing, output=distance)
    return np.asarray(np.clip(distance, -FAR_MM, FAR_MM, out=distance))


def _body(voxels: npt.NDArray[np.integer], spacing: npt.NDArray[np.float64]) -> Part:
    """Fill the convex hull of each axial plane, and smooth it from plane to plane."""
    stride = np.maximum(np.round(_BODY_STEP_MM / spacing), 1).astype(int)
    coarse = voxels[:: stride[0], :: stride[1], :: stride[2]] > 0
    margin = np.ceil(100.0 / (spacing * stride)).astype(int) * (1, 1, 0)
    coarse = np.pad(coarse, [(int(m), int(m)) for m in margin])
    filled = np.zeros_like(coarse)
    grid = np.stack(np.meshgrid(*(np.arange(side) for side in coarse.shape[:2]), indexing="ij"), axis=-1)
    for z in range(coarse.shape[2]):
        points = np.argwhere(coarse[:, :, z])
        if len(points) > 2 and (np.ptp(points, axis=0) > 0).all():
            hull = ConvexHull(points, qhull_options="QJ").equations
            filled[:, :, z] = (grid @ hull[:, :2].T + hull[:, 2] <= 0.5).all(axis=-1)
    step = spacing * stride
    apart = [ndimage.distance_transform_edt(mask, sampling=step) for mask in (~filled, filled)]
    distance = ndimage.gaussian_filter((apart[0] - apart[1]).astype(np.float32), 16.0 / step, mode="nearest")
    return Part(tissue="body", distance=distance, origin_mm=-margin * step, step_mm=step)
