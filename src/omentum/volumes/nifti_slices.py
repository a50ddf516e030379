"""Read and write NIfTI files slice by slice, without an array of the whole volume."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from omentum.errors import UnreadableImageError
from omentum.volumes.boxes import BoxedArray, BoxedBytes
from omentum.volumes.geometry import Geometry
from omentum.volumes.lattice import full_placement
from omentum.volumes.library_errors import raise_if_unreachable, said_by
from omentum.volumes.nifti import (
    DAMAGE,
    NiftiLayout,
    nifti_bytes,
    read_nifti_layout,
    write_zeros,
    writing_nifti,
)
from omentum.volumes.nifti_headers import open_nifti
from omentum.volumes.segmentations import read_mask

__all__ = ["Plane", "joined_planes", "label_planes", "raw_planes", "read_nifti_part", "write_nifti_part"]

Plane = npt.NDArray[Any]
"""One slice, `(y, x)`."""
Bytes = npt.NDArray[np.uint8]
_Rows = tuple[int, slice, Bytes]
"""A slice's place along z, the rows (y) that are not zero, and those rows `(y, x)`."""
_PLAIN = (np.dtype(np.uint8), np.dtype("<u2"))
_CHECKED_AT_ONCE = 1 << 20


@contextmanager
def label_planes(path: Path, geometry: Geometry) -> Iterator[Iterator[Plane]]:
    """Open a file, check that it lies on a grid, and yield its slices along z.

    Args:
        path: A `.nii` or `.nii.gz` file of whole numbers; read slice by slice if they are kept as unscaled
            uint8 or uint16, else as `read_mask` does.
        geometry: The CT's grid.

    Raises:
        GridMismatchError: It does not lie on the grid.
        LabelValueError: A value is not a whole number from 0 to 255 (set codes: to 65535).
        ImageError: It cannot be read; of a file that is cut short, when the slice is asked for.
    """
    layout = read_nifti_layout(path)
    is_turned = full_placement(path, layout.geometry, geometry).is_turned
    if layout.dtype in _PLAIN and not layout.is_scaled and not is_turned:
        with nifti_bytes(path) as stream:
            yield _planes(path, layout, stream)
    else:
        voxels = read_mask(path, geometry).voxels
        yield (np.ascontiguousarray(voxels[:, :, z].T) for z in range(voxels.shape[2]))


@contextmanager
def raw_planes(path: Path) -> Iterator[tuple[NiftiLayout, tuple[float, float], Iterator[Plane]]]:
    """Open a file; yield how its voxels are stored, their slope and intercept, and its slices as stored.

    Raises:
        ImageError: It cannot be read; of a file that is cut short, when the slice is asked for.
    """
    layout, scaling = read_nifti_layout(path), open_nifti(path).scaling
    with nifti_bytes(path) as stream:
        yield layout, scaling, _planes(path, layout, stream)


def read_nifti_part(path: Path) -> tuple[Geometry, BoxedBytes | None]:
    """Read the smallest box that holds all that is not zero.

    Args:
        path: A `.nii` or `.nii.gz` file of whole numbers from 0 to 255; read without a full-size array if
            they are kept as unscaled uint8.

    Returns:
        The file's grid, and the part, uint8 `(x, y, z)` in Fortran order; `None` where all is zero.

    Raises:
        LabelValueError: A value is not a whole number from 0 to 255.
        ImageError: It cannot be read.
    """
    layout = read_nifti_layout(path)
    if layout.dtype == np.uint8 and not layout.is_scaled:
        with nifti_bytes(path) as stream:
            return layout.geometry, joined_planes(_planes(path, layout, stream))
    voxels = read_mask(path, layout.geometry).voxels
    return layout.geometry, joined_planes(voxels[:, :, z].T for z in range(voxels.shape[2]))


def write_nifti_part(path: Path, geometry: Geometry, part: BoxedBytes | None) -> None:
    """Write a whole uint8 volume that is zero but for one box, byte for byte as `write_nifti` would."""
    side_x, side_y, side_z = geometry.shape
    with writing_nifti(path, geometry, np.uint8) as stream:
        if part is None:
            for _ in range(side_z):
                write_zeros(stream, side_x * side_y)
            return
        (x, y, z), values = part
        plane = np.zeros((side_y, side_x), dtype=np.uint8)
        for place in range(side_z):
            if z.start <= place < z.stop and values[:, :, place - z.start].any():
                plane[y, x] = values[:, :, place - z.start].T
                stream.write(plane.data)
            else:
                write_zeros(stream, side_x * side_y)


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
        raise_if_unreachable(path, error)
        raise UnreadableImageError(
            path, f"its voxels cannot be read ({said_by(error, path)})", "copy it again from its source"
        ) from None


def _occupied(z: int, plane: Bytes) -> _Rows | None:
    """Cut the rows that are not zero out of a slice `(y, x)`; a copy, so that the slice can go."""
    wide = plane.view(np.uint64) if plane.shape[1] % 8 == 0 and plane.flags.c_contiguous else plane
    rows = np.flatnonzero(np.bitwise_or.reduce(wide, axis=1))  # a third of the time of `any`
    if not rows.size:
        return None
    y = slice(int(rows[0]), int(rows[-1]) + 1)
    return z, y, plane[y].copy()


def joined_planes(planes: Iterable[Bytes]) -> BoxedBytes | None:
    """Join slices `(y, x)` in rising z, in the smallest box of what is not zero; `None` where all is."""
    slices = [found for z, plane in enumerate(planes) if (found := _occupied(z, plane)) is not None]
    if not slices:
        return None
    columns = np.zeros(slices[0][2].shape[1], dtype=np.uint8)
    for _, _, rows in slices:
        columns |= np.bitwise_or.reduce(rows, axis=0)
    places = np.flatnonzero(columns)
    x = slice(int(places[0]), int(places[-1]) + 1)
    y = slice(min(own.start for _, own, _ in slices), max(own.stop for _, own, _ in slices))
    z = slice(slices[0][0], slices[-1][0] + 1)
    values = np.zeros((z.stop - z.start, y.stop - y.start, x.stop - x.start), dtype=np.uint8)
    for place, own, rows in slices:
        values[place - z.start, own.start - y.start : own.stop - y.start] = rows[:, x]
    return BoxedArray((x, y, z), values.T)
