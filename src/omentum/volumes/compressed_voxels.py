"""Check the stored voxels of NRRD and MetaImage files.

ITK checks no checksum, and reads damaged voxels of a compressed MetaImage as garbage, without an error.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from isal import igzip, isal_zlib
from isal.igzip_lib import IsalError

from omentum.errors import UnreadableImageError
from omentum.volumes.itk_headers import META_ENDINGS, header_fields
from omentum.volumes.library_errors import raise_if_unreachable

__all__ = ["require_data_file", "require_whole"]

_CHUNK_BYTES = 1 << 20
_ZLIB_OR_GZIP = 47
_DAMAGE = (zlib.error, EOFError, OSError, cast("type[Exception]", IsalError))
_COPY = "copy it again from its source"


def require_data_file(path: Path) -> None:
    """Refuse an `.mhd` without the file of its voxels."""
    name = header_fields(path)[0].get("ElementDataFile", "LOCAL")
    is_one_file = name.upper().split()[:1] not in (["LOCAL"], ["LIST"]) and "%" not in name
    if is_one_file and not (path.parent / name).is_file():
        seen = f"its voxels are in {name} (ElementDataFile), and there is no such file"
        raise UnreadableImageError(path, seen, "put that file beside it, or correct ElementDataFile")


def require_whole(path: Path, n_bytes: int) -> None:
    """Refuse compressed voxels that are damaged, or another number than the header says.

    Args:
        path: An NRRD or MetaImage file, compressed or not.
        n_bytes: Bytes of all voxels by the header.

    Raises:
        UnreadableImageError: The voxels are not whole; or a MetaImage gives no size of those in the same
            file, where ITK reads zeros.
    """
    try:
        inflated = _of_meta(path) if path.suffix.lower() in META_ENDINGS else _of_nrrd(path)
    except _DAMAGE as error:
        raise_if_unreachable(path, error)
        raise UnreadableImageError(path, f"its compressed voxels are damaged ({error})", _COPY) from None
    if inflated is not None and inflated < n_bytes:
        seen = f"its compressed voxels hold {inflated} bytes, and {n_bytes} by its header"
        raise UnreadableImageError(path, seen, _COPY)


def _of_nrrd(path: Path) -> int | None:
    """Count the bytes that the gzip of an NRRD file holds; `None` where it has none, or several files."""
    fields, begin = header_fields(path)
    name = fields.get("data file", fields.get("datafile", ""))
    data = path.parent / name if name else path
    if fields.get("encoding", "").lower() not in {"gz", "gzip"} or not data.is_file():
        return None
    with data.open("rb") as stored:
        stored.seek(0 if name else begin)
        if fields.get("line skip", "0") != "0":
            return None
        with igzip.IGzipFile(fileobj=stored) as stream:
            return sum(len(chunk) for chunk in iter(lambda: stream.read(_CHUNK_BYTES), b""))


def _of_meta(path: Path) -> int | None:
    """Count the bytes that the compressed voxels of a MetaImage hold; `None` as of `_of_nrrd`."""
    fields, begin = header_fields(path)
    name = fields.get("ElementDataFile", "")
    is_local = name.upper() == "LOCAL"
    data = path if is_local else path.parent / name
    if fields.get("CompressedData", "").lower() not in {"true", "1"} or not data.is_file():
        return None
    size = int(fields.get("CompressedDataSize", "0"))
    if is_local and not size:
        seen = "its voxels are compressed, and its header has no CompressedDataSize"
        raise UnreadableImageError(path, seen, "save it anew from the program it came from")
    inflate = isal_zlib.decompressobj(_ZLIB_OR_GZIP)
    inflated = sum(len(inflate.decompress(chunk)) for chunk in _chunks(data, begin if is_local else 0, size))
    if not inflate.eof:
        raise EOFError(f"they end after {inflated} bytes, without a checksum")
    return inflated


def _chunks(path: Path, begin: int, size: int) -> Iterator[bytes]:
    """Read `size` bytes from `begin`, or all to the end where `size` is 0."""
    left = size or path.stat().st_size - begin
    with path.open("rb") as file:
        file.seek(begin)
        while left > 0 and (chunk := file.read(min(left, _CHUNK_BYTES))):
            left -= len(chunk)
            yield chunk
