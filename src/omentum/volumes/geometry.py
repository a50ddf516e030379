"""Describe a grid of voxels in the patient's space."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations, product
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.errors import AffineError, ConfigError, ImageShapeError

__all__ = [
    "ALL_ORIENTATIONS",
    "LPS_TO_RAS",
    "SAME_GRID_TOLERANCE_MM",
    "SPACING_MM",
    "Affine",
    "Box",
    "Geometry",
]

Affine = npt.NDArray[np.float64]
Box = tuple[slice, slice, slice]
"""A part of a grid, one slice an axis `(x, y, z)`, in voxels."""

ALL_ORIENTATIONS: tuple[str, ...] = tuple(
    "".join(letters) for pairs in permutations(("RL", "AP", "SI")) for letters in product(*pairs)
)
"""The 48 ways in which three axes can point, such as `RAS` or `PIL`."""
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From the axes of DICOM and ITK to those of NIfTI, and back."""
SAME_GRID_TOLERANCE_MM = 1e-3
"""Rounding of headers."""
SPACING_MM = (0.1, 20.0)
"""Edges that a CT's voxel can have."""
MM3_PER_ML = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """A grid of voxels in the patient's space.

    Attributes:
        shape: Voxels along the three array axes `(x, y, z)`.
        affine: 4 x 4, from voxel index to mm in RAS+ (x from the left to the right hand,
            y from back to front, z from feet to head).

    Raises:
        ImageShapeError: There are not three axes, or one is empty.
        AffineError: The affine is not finite or cannot be inverted.

    Example:
        >>> Geometry((4, 5, 6), np.diag([-2.0, 1.0, 3.0, 1.0])).orientation
        'LAS'
    """

    shape: tuple[int, int, int]
    affine: Affine

    def __post_init__(self) -> None:
        """Refuse what is no grid, and keep the affine from being changed later."""
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ImageShapeError(
                "grid", f"its shape is {self.shape}", "three axes of at least one voxel are needed"
            )
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise AffineError(
                "grid", "its affine is not 4 x 4 finite numbers", "save the image with an affine"
            )
        if abs(np.linalg.det(affine[:3, :3])) < 1e-9:
            raise AffineError("grid", "its affine cannot be inverted", "save the image with a usable affine")
        affine.setflags(write=False)
        object.__setattr__(self, "shape", tuple(int(side) for side in self.shape))
        object.__setattr__(self, "affine", affine)

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Edge lengths of a voxel along the array axes, in mm."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in mL, right for sheared grids too."""
        return float(abs(np.linalg.det(self.affine[:3, :3])) / MM3_PER_ML)

    @property
    def orientation(self) -> str:
        """Where the array axes point, as three of the letters R L A P S I."""
        return _orientation(self.affine.tobytes())

    @property
    def is_sheared(self) -> bool:
        """Whether the axes are not at right angles (a tilted gantry)."""
        unit = self.affine[:3, :3] / np.array(self.spacing_mm)
        return bool(np.abs(unit.T @ unit - np.eye(3)).max() > 1e-4)

    @property
    def corners_mm(self) -> npt.NDArray[np.float64]:
        """Centres of the eight corner voxels in mm, shape `(8, 3)`."""
        ends = [(0, side - 1) for side in self.shape]
        index = np.array([(x, y, z, 1) for x in ends[0] for y in ends[1] for z in ends[2]], dtype=np.float64)
        return np.asarray((index @ self.affine.T)[:, :3])

    def distance_mm(self, other: "Geometry") -> float:
        """Measure how far apart the corners of two grids are, at most; infinite if shapes differ."""
        if self.shape != other.shape:
            return float("inf")
        return float(np.linalg.norm(self.corners_mm - other.corners_mm, axis=1).max())

    def same_grid(self, other: "Geometry", tolerance_mm: float = SAME_GRID_TOLERANCE_MM) -> bool:
        """Tell whether two grids have the same shape and their corners within a tolerance."""
        return self.distance_mm(other) <= tolerance_mm

    def cropped(self, box: Box) -> "Geometry":
        """Give the grid of `array[box]`; slices must be plain `start:stop`."""
        starts = [part.indices(side)[0] for part, side in zip(box, self.shape, strict=True)]
        stops = [part.indices(side)[1] for part, side in zip(box, self.shape, strict=True)]
        affine = self.affine.copy()
        affine[:3, 3] = (self.affine @ np.array([*starts, 1.0]))[:3]
        x, y, z = (stop - start for start, stop in zip(starts, stops, strict=True))
        return Geometry((x, y, z), affine)

    def reoriented(self, orientation: str) -> "Geometry":
        """Give the same grid with axes that point where `orientation` says; points keep their places in mm.

        Raises:
            ConfigError: `orientation` is not one of the 48.

        Example:
            >>> Geometry((4, 5, 6), np.diag([-2.0, 1.0, 3.0, 1.0])).reoriented("SRA").shape
            (6, 4, 5)
        """
        from nibabel.orientations import inv_ornt_aff

        change = self.axis_change(orientation)
        affine = self.affine @ inv_ornt_aff(change, self.shape)
        x, y, z = (self.shape[axis] for axis in np.argsort(change[:, 0]))
        return Geometry((x, y, z), affine)

    def axis_change(self, orientation: str) -> npt.NDArray[np.float64]:
        """Say how axes move in `reoriented`, as `nibabel.orientations` does; errors as there."""
        from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

        if orientation not in ALL_ORIENTATIONS:
            rule = "three letters are needed, one each of R/L, A/P, S/I"
            raise ConfigError("orientation", orientation, rule)
        old = io_orientation(self.affine)
        new = axcodes2ornt(tuple(orientation))
        return np.asarray(ornt_transform(old, new), dtype=np.float64)

    def spaced(self, spacing_mm: Sequence[float]) -> "Geometry":
        """Give the grid of another spacing over the same field of view, axes parallel, centres equal.

        Example:
            >>> Geometry((10, 10, 9), np.eye(4)).spaced((2.0, 2.0, 3.0)).shape
            (5, 5, 3)
        """
        ratio = np.array(spacing_mm, dtype=np.float64) / np.array(self.spacing_mm)
        shape = np.maximum(1, np.rint(np.array(self.shape) / ratio)).astype(int)
        affine = self.affine.copy()
        affine[:3, :3] *= ratio
        centre = self.to_mm((np.array(self.shape) - 1) / 2)
        affine[:3, 3] = centre - affine[:3, :3] @ ((shape - 1) / 2)
        return Geometry((int(shape[0]), int(shape[1]), int(shape[2])), affine)

    def to_mm(self, index: Sequence[float] | npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Turn voxel indices `(..., 3)` into mm `(..., 3)`."""
        return np.asarray(np.asarray(index, dtype=np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3])

    def to_index(self, point_mm: Sequence[float] | npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Turn points in mm `(..., 3)` into (fractional) voxel indices `(..., 3)`."""
        inverse = np.linalg.inv(self.affine)
        return np.asarray(np.asarray(point_mm, dtype=np.float64) @ inverse[:3, :3].T + inverse[:3, 3])


@lru_cache(maxsize=256)
def _orientation(affine: bytes) -> str:
    """Name the axes of a grid; rules ask for it many times a mask."""
    from nibabel.orientations import aff2axcodes  # slow to import

    return "".join(aff2axcodes(np.frombuffer(affine).reshape(4, 4)))
