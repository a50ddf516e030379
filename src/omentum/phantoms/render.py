"""Paint structures on a grid of voxels, with soft borders, texture and noise.

It works in slabs along z, so that memory does not grow with the scan.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from omentum.phantoms.interpolate import FloatArray, taps, taps_in_box, upsample
from omentum.phantoms.patient import Patient
from omentum.phantoms.space import STEP_MM, Space
from omentum.phantoms.structure import KEEP, Core, Fill, Structure
from omentum.volumes.geometry import Box, Geometry

__all__ = ["render"]

AIR_HU = -1000.0
_GAS_HU = -985.0
_SLAB_VOXELS = 4_000_000
_SCANNER_BLUR_MM = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class _Slab:
    """The part of the scan that is being painted.

    Attributes:
        nodes: Where its voxels are on the coarse grid, in node numbers, for each axis.
        y_mm: Places along y in the scanner.
        fine: Fine noise at its voxels.
        broad: Broad noise at its voxels.
        soft_mm: Width of a border.
    """

    nodes: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]
    y_mm: FloatArray
    fine: FloatArray
    broad: FloatArray
    soft_mm: float
    hu: FloatArray
    labels: npt.NDArray[np.uint8]


def render(
    space: Space, structures: Sequence[Structure], geometry: Geometry, patient: Patient
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
    """Paint structures on a grid, one after another, and add the noise."""
    ct = np.empty(geometry.shape, dtype=np.int16)
    labels = np.zeros(geometry.shape, dtype=np.uint8)
    depth = max(_SLAB_VOXELS // (geometry.shape[0] * geometry.shape[1]), 1)
    for number, start in enumerate(range(0, geometry.shape[2], depth)):
        part = slice(start, min(start + depth, geometry.shape[2]))
        slab = _blank(space, geometry, part)
        for structure in structures:
            _paint(slab, structure)
        rng = np.random.default_rng((patient.seed, number))
        slab.hu[...] += _noise(rng, slab, geometry, patient.noise_hu)
        ct[:, :, part] = np.rint(np.clip(slab.hu, -1024.0, 3071.0))
        labels[:, :, part] = slab.labels
    return ct, labels


def _blank(space: Space, geometry: Geometry, part: slice) -> _Slab:
    spans = (slice(0, geometry.shape[0]), slice(0, geometry.shape[1]), part)
    places = [
        geometry.affine[axis, 3] + geometry.spacing_mm[axis] * np.arange(span.start, span.stop)
        for axis, span in enumerate(spans)
    ]
    x, y, z = ((place - origin) / STEP_MM for place, origin in zip(places, space.origin_mm, strict=True))
    all_taps = [taps(axis, side) for axis, side in zip((x, y, z), space.shape, strict=True)]
    shape = (len(x), len(y), len(z))
    dx, dy, dz = geometry.spacing_mm
    return _Slab(
        nodes=(x, y, z),
        y_mm=places[1].astype(np.float32)[None, :, None],
        fine=upsample(space.fine, *all_taps),
        broad=upsample(space.broad, *all_taps),
        soft_mm=float(max(0.5 * (dx + dy), 0.45 * dz) + _SCANNER_BLUR_MM),
        hu=np.full(shape, AIR_HU, dtype=np.float32),
        labels=np.zeros(shape, dtype=np.uint8),
    )


def _paint(slab: _Slab, structure: Structure) -> None:
    found = taps_in_box(slab.nodes, structure.box)
    if found is None:
        return
    box, all_taps = found
    distance = upsample(structure.distance, *all_taps)
    share = np.clip(0.5 - distance * np.float32(1.0 / slab.soft_mm), 0.0, 1.0)
    view = slab.hu[box]
    view += share * (_brightness(slab, box, structure.fill, distance) - view)
    if structure.label != KEEP:
        np.copyto(slab.labels[box], np.uint8(structure.label), where=distance < 0.0)


def _brightness(slab: _Slab, box: Box, fill: Fill, distance: FloatArray) -> FloatArray | np.float32:
    if fill.core is None and not fill.texture_hu and not fill.patchy_hu:
        return np.float32(fill.hu)
    hu = slab.fine[box] * np.float32(fill.texture_hu)
    hu += np.float32(fill.hu)
    if fill.patchy_hu:
        hu += slab.broad[box] * np.float32(fill.patchy_hu)
    if fill.core is not None:
        _fill_core(slab, box, fill.core, (distance, hu))
    return hu


def _fill_core(slab: _Slab, box: Box, core: Core, solid: tuple[FloatArray, FloatArray]) -> None:
    """Put the core's HU into `hu` where it is deeper than the wall."""
    distance, hu = solid
    fine, broad = slab.fine[box], slab.broad[box]
    further = -distance - np.float32(core.depth_mm)
    if core.rough_mm:
        further += fine * np.float32(0.6 * core.rough_mm) + broad * np.float32(0.6 * core.rough_mm)
    within = _ramp(further, 0.5 * slab.soft_mm)
    inner = fine * np.float32(core.texture_hu) + np.float32(core.hu)
    if core.patchy_hu:
        inner += broad * np.float32(core.patchy_hu)
    if core.settled_below_mm is not None:
        settled = _ramp(np.float32(core.settled_below_mm) - slab.y_mm[:, box[1]], 2.0 * slab.soft_mm)
        inner += settled * (np.float32(core.settled_hu) - inner)
    for gas in _gas(slab, box, core):
        inner += gas * (np.float32(_GAS_HU) - inner)
    hu += within * (inner - hu)


def _gas(slab: _Slab, box: Box, core: Core) -> Iterator[FloatArray]:
    """Give the share of gas in each voxel, in pockets and above a level."""
    if core.gas_share:
        fine, broad = slab.fine[box], slab.broad[box]
        pockets = 0.8 * fine + 0.6 * broad if core.specks else 0.3 * fine + 0.95 * broad
        limit = np.float32(_normal_quantile(1.0 - core.gas_share))
        yield _ramp((pockets - limit) * np.float32(5.0), slab.soft_mm)
    if core.gas_above_mm is not None:
        yield _ramp(slab.y_mm[:, box[1]] - np.float32(core.gas_above_mm), slab.soft_mm)


def _ramp(depth: FloatArray, width_mm: float) -> FloatArray:
    return np.asarray(
        np.clip(depth * np.float32(1.0 / width_mm) + np.float32(0.5), 0.0, 1.0), dtype=np.float32
    )


def _normal_quantile(share: float) -> float:
    """Give the value that a share of a standard normal variable stays below (a logistic stand-in)."""
    return float(np.log(share / (1.0 - share)) / 1.702)


def _noise(rng: np.random.Generator, slab: _Slab, geometry: Geometry, noise_hu: float) -> FloatArray:
    """Draw noise with grains of about a millimetre in the plane, strongest in the middle of the body."""
    noise = rng.standard_normal(slab.hu.shape, dtype=np.float32)
    power = 1.0
    for axis in (0, 1):
        near = float(np.exp(-((geometry.spacing_mm[axis] / 1.1) ** 2)))
        power *= 1.0 + 2.0 * near**2
        if near > 0.01:
            noise += np.float32(near) * (np.roll(noise, 1, axis) + np.roll(noise, -1, axis))
    x, y = ((nodes - nodes.mean()) * STEP_MM for nodes in slab.nodes[:2])
    across = np.exp(-((x[:, None] / 150.0) ** 2) - (y[None, :] / 110.0) ** 2)
    strength = noise_hu * (0.65 + 0.35 * across) / np.sqrt(power)
    noise *= strength.astype(np.float32)[:, :, None]
    return noise
