"""Read and write NIfTI files."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from omentum.errors import UnreadableImageError
from omentum.volumes.atomic import copy, writing
from omentum.volumes.geometry import Geometry
from omentum.volumes.library_errors import raise_if_unreachable, said_by
from omentum.volumes.nifti_headers import DAMAGE, OpenNifti, is_gzip, is_nifti, nifti_bytes, open_nifti
from omentum.volumes.sparse_gzip import ZeroRunsGzip
from omentum.volumes.volume import Volume

__all__ = [
    "DAMAGE",
    "NiftiLayout",
    "VoxelStream",
    "copy_nifti",
    "is_nifti",
    "nifti_bytes",
    "nifti_header",
    "read_nifti",
    "read_nifti_geometry",
    "read_nifti_layout",
    "read_nifti_note",
    "write_nifti",
    "write_zeros",
    "writing_nifti",
]

GZIP_LEVEL = 1
"""Of igzip's 0 to 3; CT at level 1 is as small as zlib's 1 and written several times faster."""

VoxelStream = IO[bytes] | ZeroRunsGzip
"""The stream of a file's voxels."""

_COMMENT = 6
"""NIfTI-1 extension code of free text."""

_SLAB_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NiftiLayout:
    """The grid of a file, what was mended to find it, and how voxels are stored (after decompression)."""

    geometry: Geometry
    dtype: np.dtype[Any]
    offset_bytes: int
    is_scaled: bool
    notes: tuple[str, ...]


def read_nifti_geometry(path: Path) -> Geometry:
    """Read a file's grid without its voxels; errors as `read_nifti`."""
    return open_nifti(path).geometry


def read_nifti_layout(path: Path) -> NiftiLayout:
    """Read how a file stores its voxels; errors as `read_nifti`."""
    opened = open_nifti(path)
    return NiftiLayout(
        geometry=opened.geometry,
        dtype=opened.header.get_data_dtype(),
        offset_bytes=opened.offset_bytes,
        is_scaled=opened.scaling != (1.0, 0.0),
        notes=opened.notes,
    )


def read_nifti(path: Path, *, check: Callable[[Geometry], object] | None = None) -> Volume:
    """Read a NIfTI file; integers stay integers, anything scaled or floating becomes float32.

    Args:
        path: The file.
        check: Is called with the grid before voxels are read, and may raise.

    Raises:
        UnreadableImageError: It is missing, truncated, not gzip despite its name, or not NIfTI.
        ImageShapeError: It does not have three axes of length over 1 (a last axis of 1 is dropped).
        AffineError: It has no usable sform or qform, or they contradict each other; see `nifti_affine`.
    """
    opened = open_nifti(path)
    geometry = opened.geometry
    if check is not None:
        check(geometry)
    try:
        voxels = _voxels(path, opened).reshape(geometry.shape, order="F")
    except DAMAGE as error:
        raise_if_unreachable(path, error)
        raise UnreadableImageError(
            path, f"its voxels cannot be read ({said_by(error, path)})", "copy it again from its source"
        ) from None
    return Volume(voxels, geometry, opened.notes)


def read_nifti_note(path: Path) -> Any:
    """Read the JSON that `write_nifti` put into the header; `None` where there is none."""
    for extension in open_nifti(path).header.extensions:
        if extension.get_code() == _COMMENT:
            try:
                return json.loads(extension.text)
            except ValueError:  # another program's comment
                continue
    return None


def write_nifti(path: Path, volume: Volume, *, note: Any = None) -> None:
    """Write a NIfTI file, whole or not at all; compressed by igzip if its name ends in `.gz`.

    The affine goes into sform and qform, both with code 1; into the sform alone if a qform cannot hold it to
    1e-3 mm. Booleans are written as uint8 0/1; nothing is scaled.

    Args:
        path: Ends in `.nii` or `.nii.gz`; folders are made.
        volume: Voxels `(x, y, z)` of any NIfTI type or bool.
        note: JSON to keep in the header, for `read_nifti_note`.
    """
    voxels = volume.voxels.view(np.uint8) if volume.voxels.dtype == bool else volume.voxels
    native = voxels.dtype.newbyteorder("=")  # as the header says
    with writing_nifti(path, volume.geometry, native, note=note) as stream:
        for z in range(voxels.shape[2]):  # slab by slab, with no second copy of the volume
            slab = voxels[:, :, z]
            if slab.dtype.kind in "iu" and not slab.any():
                write_zeros(stream, slab.size * native.itemsize)
            else:
                stream.write(slab.astype(native, copy=False).tobytes(order="F"))


@contextmanager
def writing_nifti(
    path: Path, geometry: Geometry, dtype: npt.DTypeLike, *, note: Any = None
) -> Iterator[VoxelStream]:
    """Write the header as `write_nifti` does, and yield the stream for the voxels, x fastest."""
    header = nifti_header(geometry, dtype, note=note)
    with writing(path) as part:
        if path.name.lower().endswith(".gz"):
            with part.open("wb") as raw, closing(ZeroRunsGzip(raw, GZIP_LEVEL)) as compressed:
                compressed.write(header)
                yield compressed
        else:
            with part.open("wb") as stream:
                stream.write(header)
                yield stream


def nifti_header(geometry: Geometry, dtype: npt.DTypeLike, *, note: Any = None) -> bytes:
    """Give all that comes before the voxels in a file, as `write_nifti` writes it."""
    shape_only = np.broadcast_to(np.zeros((), dtype=dtype), geometry.shape)
    image = nib.Nifti1Image(shape_only, geometry.affine, dtype=shape_only.dtype)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_slope_inter(1.0, 0.0)
    image.set_qform(geometry.affine, code=1)
    if not Geometry(geometry.shape, image.get_qform()).same_grid(geometry):
        image.set_qform(None, code=0)
    image.set_sform(geometry.affine, code=1)
    if note is not None:
        image.header.extensions.append(nib.nifti1.Nifti1Extension(_COMMENT, json.dumps(note).encode()))
    stream = BytesIO()
    _write_header(image, stream)
    return stream.getvalue()


def write_zeros(stream: VoxelStream, n_bytes: int) -> None:
    """Write zero bytes, quickly if the file is compressed."""
    if isinstance(stream, ZeroRunsGzip):
        stream.zeros(n_bytes)
    else:
        stream.write(bytes(n_bytes))


def _write_header(image: nib.Nifti1Image, stream: IO[bytes]) -> None:
    header = image.header.copy()
    header["magic"] = b"n+1"
    extensions = image.header.extensions
    header["vox_offset"] = 352 + extensions.get_sizeondisk()
    stream.write(header.binaryblock)
    stream.write(b"\x01\0\0\0" if len(extensions) else b"\0\0\0\0")
    extensions.write_to(stream, byteswap=False)


def _voxels(path: Path, opened: OpenNifti) -> npt.NDArray[Any]:
    slope, intercept = opened.scaling
    dtype = opened.header.get_data_dtype()
    n_bytes = int(np.prod(opened.geometry.shape)) * dtype.itemsize
    with nifti_bytes(path) as stream:
        stream.seek(opened.offset_bytes)
        raw = stream.read(n_bytes)
        while stream.read(_SLAB_BYTES):  # reaching the end of a gzip stream is what checks its checksum
            continue
    if len(raw) < n_bytes:
        raise EOFError(f"{len(raw)} of {n_bytes} bytes of voxels are there")
    voxels = np.frombuffer(raw, dtype=dtype)
    if voxels.dtype.kind not in "iuf":
        raise ValueError(f"voxels of type {voxels.dtype} are no numbers on a scale")
    plain = (slope, intercept) == (1.0, 0.0)
    if plain and voxels.dtype.kind in "iu":
        return voxels.astype(voxels.dtype.newbyteorder("="), copy=False)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
        scaled = voxels.astype(np.float32, copy=not plain)
        if not plain:
            scaled *= np.float32(slope)
            scaled += np.float32(intercept)
    return scaled


def copy_nifti(source: Path, path: Path) -> None:
    """Copy a single file to one whose name ends in `.gz`: byte for byte, or compressed where it was not."""
    if is_gzip(source):
        copy(source, path)
        return
    with (
        source.open("rb") as stream,
        writing(path) as part,
        part.open("wb") as raw,
        closing(ZeroRunsGzip(raw, GZIP_LEVEL)) as compressed,
    ):
        while chunk := stream.read(_SLAB_BYTES):
            compressed.write(chunk)
