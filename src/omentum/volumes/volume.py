"""Keep an array and its grid together."""

from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy.typing as npt

from omentum.errors import ImageShapeError
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.resample import resampled

__all__ = ["Volume"]


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Voxels with their grid.

    Attributes:
        voxels: Array `(x, y, z)`: Hounsfield units (int16 or float32), labels (uint8) or a mask (bool).
        geometry: Where they are.
        notes: What was mended or placed as they were read, for people.

    Raises:
        ImageShapeError: The array and the grid have different shapes.
    """

    voxels: npt.NDArray[Any]
    geometry: Geometry
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an array that is not on its grid."""
        if self.voxels.shape != self.geometry.shape:
            seen = f"its voxels have shape {self.voxels.shape}, its grid {self.geometry.shape}"
            raise ImageShapeError("volume", seen, "give an array on the grid")

    def cropped(self, box: Box) -> "Volume":
        """Cut out a part; a view, not a copy."""
        return Volume(self.voxels[box], self.geometry.cropped(box))

    def reoriented(self, orientation: str) -> "Volume":
        """Let the axes point where `orientation` says, as `Geometry.reoriented`; a view, not a copy."""
        change = self.geometry.axis_change(orientation)
        voxels = nib.orientations.apply_orientation(self.voxels, change)
        return Volume(voxels, self.geometry.reoriented(orientation))

    def resampled(self, grid: Geometry, *, smooth: bool = True) -> "Volume":
        """Interpolate on a grid with parallel axes, as float32; see `omentum.volumes.resample.resampled`."""
        return Volume(resampled(self.voxels, self.geometry, grid, smooth=smooth), grid)
