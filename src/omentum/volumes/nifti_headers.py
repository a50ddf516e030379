"""Open NIfTI files of any container: one file or a pair, compressed or not, whatever the name says."""

import gzip
import logging
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import nibabel as nib
from isal import igzip
from isal.igzip_lib import IsalError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from omentum.errors import AffineError, ImageError, ImageShapeError, UnreadableImageError
from omentum.volumes.geometry import Geometry
from omentum.volumes.library_errors import is_there, raise_if_unreachable, said_by
from omentum.volumes.nifti_affine import nifti_affine

__all__ = ["DAMAGE", "OpenNifti", "header_file", "is_gzip", "is_nifti", "nifti_bytes", "open_nifti"]

DAMAGE: tuple[type[Exception], ...] = (
    *(HeaderDataError, WrapStructError, EOFError, OSError, ValueError, KeyError, MemoryError),
    *(zlib.error, cast("type[Exception]", IsalError)),  # the stub takes it for an instance
)
"""What reading a damaged file raises."""

_PAIR = {".hdr": ".img", ".hdr.gz": ".img.gz"}
_GZIP_MARK = b"\x1f\x8b"
_ANALYZE_BYTES = 348
_HEADER_BYTES = 544
"""Of the longer header, that of NIfTI-2, with the mark of its extensions."""
_ERROR_LEVEL = 40
_CURE = "save it anew as a 3D NIfTI from the program it came from"
_QUIET = logging.getLogger("omentum.nifti")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenNifti:
    """The header of a file.

    Attributes:
        header: Of nibabel, with its extensions.
        geometry: The grid.
        notes: What was mended to find the grid, for people.
        is_plain: Whether every program reads the same grid and values, from one NIfTI-1 file of three axes.
    """

    header: Any
    geometry: Geometry
    notes: tuple[str, ...]
    is_plain: bool

    @property
    def offset_bytes(self) -> int:
        """Where voxels begin, after decompression."""
        least = self.header.single_vox_offset if self.header.is_single else 0
        return int(self.header.get_data_offset()) or int(least)

    @property
    def scaling(self) -> tuple[float, float]:
        """Slope and intercept; 1 and 0 where the file has none, or a slope that is no number."""
        slope, intercept = self.header.get_slope_inter()
        return (1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept))


def is_nifti(path: Path) -> bool:
    """Tell by its ending whether a file is NIfTI; of a pair, the `.hdr` is, if its `.img` lies beside it."""
    name = path.name.lower()
    return name.endswith((".nii", ".nii.gz")) or _partner(path, _PAIR) is not None


def header_file(path: Path) -> Path:
    """Give the `.hdr` that goes with an `.img`; any other path as it is, also where there is no such file."""
    endings = {voxels: header for header, voxels in _PAIR.items()}
    return _partner(path, endings) or path


def is_gzip(path: Path) -> bool:
    """Tell by its first bytes whether a file is compressed by gzip."""
    with path.open("rb") as start:
        return start.read(2) == _GZIP_MARK


def nifti_bytes(path: Path) -> IO[bytes]:
    """Open the file of the voxels, decompressed if it begins as gzip does, whatever it is called."""
    path = _partner(path, _PAIR) or path
    if is_gzip(path):
        stream: IO[bytes] = igzip.open(path, "rb")
        return stream
    return path.open("rb")


def open_nifti(path: Path) -> OpenNifti:
    """Read a header; errors as `read_nifti`."""
    if not is_there(path):
        raise UnreadableImageError(path, "there is no such file", "check the path")
    if path.stat().st_size == 0:
        raise UnreadableImageError(path, "the file is empty", "copy it again from its source")
    try:
        header, stored = _headers(path)
        shape = header.get_data_shape()
        header.get_data_dtype()
        header.get_slope_inter()
    except ImageError:
        raise
    except DAMAGE as error:
        raise_if_unreachable(path, error)
        raise UnreadableImageError(
            path, f"it cannot be read as NIfTI ({said_by(error, path)})", _CURE
        ) from None
    n_axes = len(shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3 or min(shape) < 2:
        seen = f"it has shape {header.get_data_shape()}, and a volume has three axes"
        raise ImageShapeError(path, seen, "give one 3D volume a file")
    found = nifti_affine(path, stored, shape)
    try:
        geometry = Geometry(shape, found.affine)
    except AffineError as error:
        raise AffineError(path, *str(error).removeprefix("grid: ").split("; ")) from None
    is_plain = found.is_plain and n_axes == 3 and _says_the_same_to_all(header, stored)
    return OpenNifti(header=header, geometry=geometry, notes=found.notes, is_plain=is_plain)


def _headers(path: Path) -> tuple[Any, Any]:
    """Read a header as nibabel mends it, and as it is stored."""
    with gzip.open(path, "rb") if is_gzip(path) else path.open("rb") as stream:  # igzip would read far ahead
        kind = _kind(path, stream.read(_HEADER_BYTES))
        stream.seek(0)
        header = kind.from_fileobj(stream, check=False)
    stored = header.copy()
    header.check_fix(logger=_QUIET, error_level=_ERROR_LEVEL)
    return header, stored


def _says_the_same_to_all(header: Any, stored: Any) -> bool:
    """Tell whether other programs find the same voxels: ITK reads no NIfTI-2, and adds an intercept alone."""
    intercept_alone = header.get_slope_inter()[0] is None and abs(float(stored["scl_inter"])) > 0
    is_one = type(header) is nib.Nifti1Header and stored["vox_offset"] >= header.single_vox_offset
    return is_one and header == stored and not intercept_alone


def _kind(path: Path, block: bytes) -> Any:
    """Give nibabel's class for a header."""
    is_pair = path.name.lower().endswith(tuple(_PAIR))
    if nib.Nifti2Header.may_contain_header(block):
        return nib.nifti2.Nifti2PairHeader if is_pair else nib.Nifti2Header
    if not nib.Nifti1Header.may_contain_header(block):
        if len(block) >= _ANALYZE_BYTES and nib.AnalyzeHeader.may_contain_header(block):
            seen = "it is Analyze 7.5, which does not say where left and right are"
            raise UnreadableImageError(path, seen, "convert it to NIfTI with the program it came from")
        raise HeaderDataError("it does not begin as a NIfTI file does")
    kind = nib.nifti1.Nifti1PairHeader if is_pair else nib.Nifti1Header
    if nib.Nifti1Header(block[: kind.sizeof_hdr], check=False)["magic"].item() == kind.pair_magic:
        if not is_pair:
            raise HeaderDataError("its voxels are in another file, an .img")
    elif is_pair:
        raise HeaderDataError("it is a single file, and its name is that of a pair")
    return kind


def _partner(path: Path, endings: dict[str, str]) -> Path | None:
    """Find the other file of a pair, with the ending in letters of the same case or not compressed."""
    for own, other in endings.items():
        if path.name.lower().endswith(own):
            stem = path.name[: -len(own)]
            names = (other, other.upper(), other.removesuffix(".gz"), f"{other}.gz")
            found = (path.with_name(stem + name) for name in names)
            return next((one for one in found if one.exists()), None)
    return None
