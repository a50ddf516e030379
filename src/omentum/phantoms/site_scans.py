"""Scan a synthetic patient as one site does, and paint the labels that its people draw."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from omentum.phantoms.interpolate import taps_in_box, upsample
from omentum.phantoms.patient import Patient
from omentum.phantoms.space import STEP_MM, Space, stream
from omentum.phantoms.structure import KEEP, Structure
from omentum.volumes.geometry import Geometry

__all__ = ["PatientGroup", "ScanHabits", "painted_labels", "scanned_at", "with_traits"]

_SLAB_VOXELS = 4_000_000
_RANGE_HU = (-1024.0, 3071.0)
_AIR_HU = -900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientGroup:
    """Which patients come to a site, beside what its style says.

    Attributes:
        size: Width, depth and height against the average.
        fat_mm: More or less fat under the skin than usual.
        oral_contrast: Share of patients with contrast medium in stomach and bowel.
        enhancement: Strength of the contrast against the average.
    """

    size: float
    fat_mm: float
    oral_contrast: float
    enhancement: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanHabits:
    """How a site's scanner makes images of what is there.

    Attributes:
        kernel_mm: Standard deviation of a smooth kernel in the axial plane; negative: how much a sharp
            kernel stresses edges and noise, 1 the most.
        grain_mm: Size of the grains of the noise that the kernel leaves.
        grain_hu: Standard deviation of that noise.
        offset_hu: What the scanner shows for water.
        gain: By how much iodine and bone are brighter than at 120 kV.
    """

    kernel_mm: float
    grain_mm: float
    grain_hu: float
    offset_hu: float
    gain: float


def with_traits(patient: Patient, group: PatientGroup) -> Patient:
    """Make a patient one of a group."""
    rng = stream(patient.seed, "site patient")
    width, depth, height = (float(np.clip(side * group.size, 0.82, 1.2)) for side in patient.size)
    return replace(
        patient,
        size=(width, depth, height),
        fat_mm=float(np.clip(patient.fat_mm + group.fat_mm, 5.0, 40.0)),
        oral_contrast=bool(rng.random() < group.oral_contrast),
        enhancement=float(np.clip(patient.enhancement * group.enhancement, 0.6, 1.5)),
    )


def scanned_at(
    ct: npt.NDArray[np.int16], geometry: Geometry, scan: ScanHabits, seed: int
) -> npt.NDArray[np.int16]:
    """Add a site's kernel, grains and scale of HU to a painted CT `(x, y, z)`."""
    seen = ct.astype(np.float32)
    spacing_mm = geometry.spacing_mm
    _add_kernel(seen, spacing_mm, scan.kernel_mm)
    solid = seen > _AIR_HU
    np.add(seen, _grains(stream(seed, "site scan"), seen.shape, spacing_mm, scan), out=seen, where=solid)
    np.multiply(seen, np.float32(scan.gain), out=seen, where=seen > 0.0)
    np.add(seen, np.float32(scan.offset_hu), out=seen, where=solid)
    np.rint(np.clip(seen, *_RANGE_HU, out=seen), out=seen)
    return seen.astype(np.int16)


def painted_labels(
    space: Space, structures: Sequence[Structure], geometry: Geometry
) -> npt.NDArray[np.uint8]:
    """Paint the labels of structures alone, in their order; axes of the grid point R, A, S."""
    labels = np.zeros(geometry.shape, dtype=np.uint8)
    x, y, z = (
        (geometry.affine[axis, 3] + step * np.arange(side) - space.origin_mm[axis]) / STEP_MM
        for axis, (step, side) in enumerate(zip(geometry.spacing_mm, geometry.shape, strict=True))
    )
    depth = max(_SLAB_VOXELS // (len(x) * len(y)), 1)
    for start in range(0, len(z), depth):
        part = slice(start, start + depth)
        for structure in structures:
            _paint(labels[:, :, part], (x, y, z[part]), structure)
    return labels


def _paint(
    labels: npt.NDArray[np.uint8], nodes: Sequence[npt.NDArray[np.float64]], structure: Structure
) -> None:
    found = None if structure.label == KEEP else taps_in_box(nodes, structure.box)
    if found is not None:
        box, taps = found
        distance = upsample(np.asarray(structure.distance, dtype=np.float32), *taps)
        np.copyto(labels[box], np.uint8(structure.label), where=distance < 0.0)


def _add_kernel(seen: npt.NDArray[np.float32], spacing_mm: Sequence[float], kernel_mm: float) -> None:
    if kernel_mm > 0.0:
        for axis in (0, 1):
            ndimage.gaussian_filter1d(seen, kernel_mm / spacing_mm[axis], axis=axis, output=seen)
    else:
        smooth = ndimage.uniform_filter(seen, (3, 3, 1))
        seen += np.float32(-kernel_mm) * (seen - smooth)


def _grains(
    rng: np.random.Generator, shape: tuple[int, ...], spacing_mm: Sequence[float], scan: ScanHabits
) -> npt.NDArray[np.float32]:
    grains = rng.standard_normal(shape, dtype=np.float32)
    ndimage.gaussian_filter(grains, [scan.grain_mm / step for step in spacing_mm], output=grains)
    grains *= np.float32(scan.grain_hu / grains.std())
    return grains
