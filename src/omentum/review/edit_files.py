"""Read the edits that a page sends: for each organ its mask inside a box, compressed.

`OME1`, the length of the JSON (uint32, little-endian), the JSON, and the gzip of all masks one after the
other. Nothing is inflated beyond what the boxes hold.
"""

import json
import struct
import zlib
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, ValidationError

from omentum.errors import EditsError, TooLargeError, UnknownOrganError
from omentum.volumes.boxes import BoxedArray, BoxedMask, box_shape, joint_box, shifted
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import organ

__all__ = [
    "AFFINE_TOLERANCE",
    "MOST_EDIT_BYTES",
    "EditFile",
    "EditHeader",
    "OrganEdit",
    "edited",
    "packed_edits",
    "packed_mask",
    "read_edits",
    "read_header",
]

MAGIC = b"OME1"
MOST_EDIT_BYTES = 64 << 20
MOST_HEADER_BYTES = 1 << 20
MOST_MASK_BYTES = 512 << 20
"""Of the masks of one file, inflated."""
_MOST_EXTRA_BYTES = 256 << 10
AFFINE_TOLERANCE = 1e-4
_START = struct.Struct("<4sI")
_GZIP = 16 + zlib.MAX_WBITS

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Row = Annotated[list[float], Field(min_length=4, max_length=4)]
Name = Annotated[str, Field(pattern="^[a-z0-9-]{1,40}$")]


class _Model(BaseModel, extra="forbid", strict=True, allow_inf_nan=False):
    """Refuses keys that are not known, and numbers that are none."""


class StatedGeometry(_Model):
    """The grid as the page was told it."""

    shape: Annotated[list[int], Field(min_length=3, max_length=3)]
    affine: Annotated[list[Row], Field(min_length=4, max_length=4)]


class EditRow(_Model):
    """One organ's mask inside a box."""

    organ: Annotated[str, Field(max_length=100)]
    base: Sha256 | None
    """Hash of the mask that the edit began with; `None` began empty."""
    box: Annotated[list[int], Field(min_length=6, max_length=6)]
    dtype: Literal["bits", "uint8"] = "bits"


class EditHeader(_Model):
    """The JSON of an edit file."""

    geometry: StatedGeometry
    edits: Annotated[list[EditRow], Field(max_length=100)] = []
    draft: Name | None = None
    """Draft that is removed once the edits are kept."""
    comment: Annotated[str, Field(max_length=10_000)] = ""
    on_stale: Literal["refuse", "both"] = "refuse"
    extra: dict[str, Any] = {}
    """Anything of the page's."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrganEdit:
    """One organ's mask inside a box; it stays as in the base outside."""

    organ: str
    base_sha256: str | None
    part: BoxedMask


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EditFile:
    """What a page sent."""

    header: EditHeader
    edits: tuple[OrganEdit, ...]


def read_header(content: bytes) -> EditHeader:
    """Read the JSON of an edit file.

    Raises:
        EditsError: It is not such a file.
    """
    header, _ = _split(content)
    return header


def read_edits(content: bytes, geometry: Geometry) -> EditFile:
    """Read an edit file, and check it against the CT's grid.

    Args:
        content: The file.
        geometry: The CT's grid.

    Raises:
        TooLargeError: It holds more bytes than its boxes, or its boxes more than is taken.
        EditsError: It is damaged, of another grid, or names no organ.
    """
    header, compressed = _split(content)
    _check_grid(header.geometry, geometry)
    boxes = [_box(row, geometry) for row in header.edits]
    names = [_organ_name(row.organ) for row in header.edits]
    if len(set(names)) < len(names):
        raise EditsError(f"two edits are of one organ ({', '.join(names)}); send one box for each organ")
    sizes = [_n_bytes(row, box) for row, box in zip(header.edits, boxes, strict=True)]
    if sum(sizes) > MOST_MASK_BYTES:
        raise TooLargeError(
            f"the boxes hold {sum(sizes)} bytes of masks, and {MOST_MASK_BYTES} are the most; send smaller "
            "boxes, or bits instead of bytes"
        )
    raw = _inflated(compressed, sum(sizes))
    edits, start = [], 0
    for row, name, box, size in zip(header.edits, names, boxes, sizes, strict=True):
        mask = _mask(row, raw[start : start + size], box)
        edits.append(OrganEdit(organ=name, base_sha256=row.base, part=BoxedArray(box, mask)))
        start += size
    return EditFile(header=header, edits=tuple(edits))


def edited(base: BoxedMask | None, edit: OrganEdit) -> BoxedMask | None:
    """Give an organ's mask after an edit; `None` where it is empty."""
    box = joint_box([edit.part.box, None if base is None else base.box])
    assert box is not None
    values = np.zeros(box_shape(box), dtype=bool, order="F") if base is None else base.crop(box, order="F")
    values[shifted(edit.part.box, box, sign=-1)] = edit.part.values
    return BoxedArray(box, values).tight()


def packed_edits(header: dict[str, Any], masks: list[npt.NDArray[np.bool_]]) -> bytes:
    """Write an edit file of dtype `bits`, as a page does.

    Args:
        header: Its JSON.
        masks: The masks inside the boxes, `(x, y, z)`, in the order of the header's edits.
    """
    told = json.dumps(header).encode()
    bits = b"".join(np.packbits(mask.ravel(order="F"), bitorder="little").tobytes() for mask in masks)
    gzip = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    return _START.pack(MAGIC, len(told)) + told + gzip.compress(bits) + gzip.flush()


def packed_mask(geometry: Geometry, name: str, part: BoxedMask | None, *, comment: str = "") -> bytes:
    """Write one organ's whole mask as an edit file that begins with nothing; `None` is empty."""
    part = part or BoxedArray((slice(0, 1),) * 3, np.zeros((1, 1, 1), dtype=bool))
    bounds = [int(bound) for side in part.box for bound in (side.start, side.stop)]
    header = {
        "geometry": {"shape": list(geometry.shape), "affine": geometry.affine.tolist()},
        "edits": [{"organ": name, "base": None, "box": bounds}],
        "comment": comment,
    }
    return packed_edits(header, [part.values])


def _split(content: bytes) -> tuple[EditHeader, bytes]:
    if len(content) < _START.size or content[:4] != MAGIC:
        raise EditsError(f"the edits begin with {content[:4]!r}, and an edit file begins with {MAGIC!r}")
    _, length = _START.unpack_from(content)
    stop = _START.size + length
    if length > MOST_HEADER_BYTES or stop > len(content):
        raise EditsError(
            f"the JSON of the edits has {length} bytes, {len(content) - _START.size} bytes are there, and "
            f"{MOST_HEADER_BYTES} are the most; send the edits again"
        )
    try:
        header = EditHeader.model_validate_json(content[_START.size : stop])
        n_extra = len(json.dumps(header.extra))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the JSON of the edits"
        raise EditsError(f"{place} is {_short(first.get('input'))}: {first['msg']}") from None
    except (ValueError, RecursionError):
        raise EditsError("the JSON of the edits cannot be read; send the edits again") from None
    if n_extra > _MOST_EXTRA_BYTES:
        raise EditsError(f"extra has {n_extra} bytes as JSON, and {_MOST_EXTRA_BYTES} are the most")
    return header, content[stop:]


def _check_grid(stated: StatedGeometry, geometry: Geometry) -> None:
    if tuple(stated.shape) != geometry.shape:
        raise EditsError(
            f"the edits are of a grid of shape {tuple(stated.shape)}, and the CT's is {geometry.shape}; "
            "load the task again"
        )
    apart = float(np.abs(np.array(stated.affine) - geometry.affine).max())
    if not apart <= AFFINE_TOLERANCE:
        raise EditsError(
            f"the affine of the edits differs from the CT's by {apart:g}, and {AFFINE_TOLERANCE:g} is the "
            "most; load the task again"
        )


def _box(row: EditRow, geometry: Geometry) -> Box:
    low, high = row.box[::2], row.box[1::2]
    if any(not 0 <= a < b <= side for a, b, side in zip(low, high, geometry.shape, strict=True)):
        raise EditsError(f"the box {row.box} of {row.organ} does not lie in the CT's {geometry.shape} voxels")
    x, y, z = (slice(a, b) for a, b in zip(low, high, strict=True))
    return x, y, z


def _organ_name(name: str) -> str:
    try:
        return organ(name).name
    except UnknownOrganError as error:
        raise EditsError(str(error)) from None


def _n_bytes(row: EditRow, box: Box) -> int:
    n_voxels = int(np.prod(box_shape(box)))
    return n_voxels if row.dtype == "uint8" else (n_voxels + 7) // 8


def _inflated(compressed: bytes, n_bytes: int) -> bytes:
    """Inflate no more than a byte beyond what is expected; another length is refused."""
    if not n_bytes and not compressed:
        return b""
    inflate = zlib.decompressobj(_GZIP)
    try:
        raw = inflate.decompress(compressed, n_bytes + 1)
    except zlib.error as error:
        raise EditsError(f"the gzip of the masks is damaged ({error}); send the edits again") from None
    if len(raw) > n_bytes or inflate.unused_data:
        raise TooLargeError(
            f"the masks have more than the {n_bytes} bytes that their boxes hold; send them again"
        )
    if len(raw) < n_bytes or not inflate.eof:
        raise EditsError(f"the masks end after {len(raw)} of {n_bytes} bytes; send the edits again")
    return raw


def _mask(row: EditRow, raw: bytes, box: Box) -> npt.NDArray[np.bool_]:
    values, shape = np.frombuffer(raw, dtype=np.uint8), box_shape(box)
    if row.dtype == "uint8":
        if values.size and int(values.max()) > 1:
            raise EditsError(
                f"the mask of {row.organ} holds the value {int(values.max())}, and only 0 and 1 are masks; "
                "send each organ as a mask of its own"
            )
        return values.astype(bool).reshape(shape, order="F")
    bits = np.unpackbits(values, count=int(np.prod(shape)), bitorder="little")
    return bits.view(bool).reshape(shape, order="F")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
