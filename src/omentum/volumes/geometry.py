"""Describe a grid of voxels in the patient's space."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from omentum.errors import AffineError, ImageShapeError

__all__ = ["SAME_GRID_TOLERANCE_MM", "Affine", "Box", "Geometry"]

Affine = npt.NDArray[np.float64]
Box = tuple[slice, slice, slice]
"""A part of a grid, one slice an axis `(x, y, z)`, in voxels."""

SAME_GRID_TOLERANCE_MM = 1e-3
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
        return "".join(nib.aff2axcodes(self.affine))

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

    def to_mm(self, index: Sequence[float] | npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Turn voxel indices `(..., 3)` into mm `(..., 3)`."""
        return np.asarray(np.asarray(index, dtype=np.float64) @ self.affine[:3, :3].T + self.affine[:3, 3])

    def to_index(self, point_mm: Sequence[float] | npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Turn points in mm `(..., 3)` into (fractional) voxel indices `(..., 3)`."""
        inverse = np.linalg.inv(self.affine)
        return np.asarray(np.asarray(point_mm, dtype=np.float64) @ inverse[:3, :3].T + inverse[:3, 3])
