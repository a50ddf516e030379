"""How is a mask read that need not be in memory? One slice at a time.

In:  a NIfTI file of labels or of set codes, and the CT's grid that it must lie on.
Out: its slices along z, each `(y, x)` in C order, in order; a slice is gone once the next one is asked for.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from omentum.errors import UnreadableImageError
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import DAMAGE, NiftiLayout, nifti_bytes, read_nifti_layout
from omentum.volumes.read import check_grid, read_mask

__all__ = ["Plane", "label_planes"]

Plane = npt.NDArray[Any]
"""One slice, `(y, x)`."""

_PLAIN = (np.dtype(np.uint8), np.dtype("<u2"))
_CHECKED_AT_ONCE = 1 << 20


@contextmanager
def label_planes(path: Path, geometry: Geometry) -> Iterator[Iterator[Plane]]:
    """Open a file, check that it lies on a grid, and yield its slices.

    Args:
        path: A `.nii` or `.nii.gz` file of whole numbers; read slice by slice if they are kept as unscaled
            uint8 or uint16, else as `read_mask` does.
        geometry: The CT's grid.

    Raises:
        GridMismatchError: Its shape differs, or a corner is more than 1e-3 mm off.
        LabelValueError: A value is not a whole number from 0 to 255 (set codes: to 65535).
        ImageError: It cannot be read; of a file that is cut short, when the slice is asked for.
    """
    layout = read_nifti_layout(path)
    check_grid(path, layout.geometry, geometry)
    if layout.dtype not in _PLAIN or layout.is_scaled:
        voxels = read_mask(path, geometry).voxels
        yield (np.ascontiguousarray(voxels[:, :, z].T) for z in range(voxels.shape[2]))
        return
    with nifti_bytes(path) as stream:
        yield _planes(path, layout, stream)


def _planes(path: Path, layout: NiftiLayout, stream: IO[bytes]) -> Iterator[Plane]:
    side_x, side_y, side_z = layout.geometry.shape
    n_bytes = side_x * side_y * layout.dtype.itemsize
    try:
        stream.seek(layout.offset_bytes)
        for z in range(side_z):
            raw = stream.read(n_bytes)
            if len(raw) < n_bytes:
                raise EOFError(f"{z} of {side_z} slices are there")
            yield np.frombuffer(raw, dtype=layout.dtype).reshape(side_y, side_x)
        while stream.read(_CHECKED_AT_ONCE):  # reaching the end of a gzip stream is what checks its checksum
            continue
    except DAMAGE as error:
        raise UnreadableImageError(
            path, f"its voxels cannot be read ({error})", "copy it again from its source"
        ) from None
