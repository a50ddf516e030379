"""How is a file read or written that is zero almost everywhere? Only the box where it is not.

In:  a NIfTI file of bytes on a CT's grid, such as one organ's mask or soft prediction.
Out: the smallest box with all that is not zero, and the values in it; or the file, from a box.
A slice at a time is held beside the box, and a slice of zeros costs its decompression and one comparison.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.errors import UnreadableImageError
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.nifti import (
    DAMAGE,
    NiftiLayout,
    nifti_bytes,
    read_nifti_layout,
    write_zeros,
    writing_nifti,
)
from omentum.volumes.read import read_mask

__all__ = ["Part", "read_nifti_part", "write_nifti_part"]

Bytes = npt.NDArray[np.uint8]
Part = tuple[Box, Bytes]
"""A box of a grid, and the values in it; zero around it."""

_Slice = tuple[int, slice, Bytes]
"""Its place along z, the rows (y) that are not zero, and those rows `(y, x)`."""


def read_nifti_part(path: Path) -> tuple[Geometry, Part | None]:
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
    if layout.dtype != np.uint8 or layout.is_scaled:
        voxels = read_mask(path, layout.geometry).voxels
        slices = [one for z in range(voxels.shape[2]) if (one := _occupied(z, voxels[:, :, z].T)) is not None]
    else:
        try:
            slices = _read_slices(path, layout)
        except DAMAGE as error:
            raise UnreadableImageError(
                path, f"its voxels cannot be read ({error})", "copy it again from its source"
            ) from None
    return layout.geometry, _joined(slices)


def write_nifti_part(path: Path, geometry: Geometry, part: Part | None) -> None:
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


def _read_slices(path: Path, layout: NiftiLayout) -> list[_Slice]:
    side_x, side_y, side_z = layout.geometry.shape
    nothing = bytes(side_x * side_y)
    slices = []
    with nifti_bytes(path) as stream:
        stream.seek(layout.offset_bytes)
        for z in range(side_z):
            raw = stream.read(len(nothing))
            if len(raw) < len(nothing):
                raise EOFError(f"{z} of {side_z} slices are there")
            if raw != nothing:
                found = _occupied(z, np.frombuffer(raw, dtype=np.uint8).reshape(side_y, side_x))
                assert found is not None
                slices.append(found)
        while stream.read(1 << 20):  # reaching the end of a gzip stream is what checks its checksum
            continue
    return slices


def _occupied(z: int, plane: Bytes) -> _Slice | None:
    """Cut the rows that are not zero out of a slice `(y, x)`; a copy, so that the slice can go."""
    wide = plane.view(np.uint64) if plane.shape[1] % 8 == 0 and plane.flags.c_contiguous else plane
    rows = np.flatnonzero(np.bitwise_or.reduce(wide, axis=1))  # a third of the time of `any`
    if not rows.size:
        return None
    y = slice(int(rows[0]), int(rows[-1]) + 1)
    return z, y, plane[y].copy()


def _joined(slices: list[_Slice]) -> Part | None:
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
    return (x, y, z), values.T
