"""Decode the slices of a CT to Hounsfield units.

Each slice is rescaled by its own slope, intercept and sign, in a type that its values cannot leave. Padding
becomes air, and values beyond 16 bits are clipped at their own end.
"""

import os
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.pixels import get_decoder, iter_pixels

from omentum.errors import DicomSeriesError
from omentum.volumes.dicom_files import read_dataset
from omentum.volumes.dicom_headers import Slice
from omentum.volumes.library_errors import raise_if_unreachable

__all__ = ["PADDING_HU", "read_hounsfield", "same_pixels"]

PADDING_HU = -1024
"""What pixels outside of the scanned circle become: air."""
_TAGS = [
    *("SOPClassUID", "SOPInstanceUID", "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames"),
    *(
        "Rows",
        "Columns",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "PlanarConfiguration",
    ),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "PixelData", "ExtendedOffsetTable"),
    *("ExtendedOffsetTableLengths", "LossyImageCompression"),
    *(f"60{group:02X}0102" for group in range(0, 32, 2)),
]
"""The last are `OverlayBitPosition` of all overlays."""
_TISSUE_HU = (-900.0, 3000.0)
"""A padding value between these is also one of a body."""
_MOST_THREADS = 4
_CURE = "export the series anew"
_LIMITS = np.iinfo(np.int16)
_Pixels = npt.NDArray[Any]
Planes = npt.NDArray[np.int16]


def read_hounsfield(slices: Sequence[Slice]) -> Planes:
    """Decode slices of one size, files side by side.

    Returns:
        int16 `(slice, row, column)`.

    Raises:
        DicomSeriesError: A file cannot be decoded.
    """
    planes = np.empty((len(slices), *slices[0].size), dtype=np.int16)
    of_file: dict[Path, list[int]] = defaultdict(list)
    for place, one in enumerate(slices):
        of_file[one.path].append(place)

    def fill(places: list[int]) -> None:
        of_these = [slices[place] for place in places]
        for place, plane in zip(places, _planes(of_these), strict=True):
            planes[place] = plane

    with warnings.catch_warnings(), ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as threads:
        warnings.simplefilter("ignore")  # pydicom warns of each odd value, and odd pixels are refused
        list(threads.map(fill, of_file.values()))
    return planes


def same_pixels(one: Slice, other: Slice) -> bool:
    """Tell whether two slices have the same values in Hounsfield units; not where one cannot be decoded."""
    try:
        return np.array_equal(read_hounsfield([one]), read_hounsfield([other]))
    except DicomSeriesError:
        return False


def _planes(slices: Sequence[Slice]) -> Iterator[Planes]:
    """Decode slices of one file."""
    path = slices[0].path
    try:
        data = read_dataset(path, _TAGS)
        frames = [one.frame or 0 for one in slices]
        for one, stored in zip(slices, _stored(data, frames), strict=True):
            if stored.shape != one.size:
                raise ValueError(f"a slice of {stored.shape} pixels, and its header says {one.size}")
            yield _hounsfield(one, stored, _is_padding(data, stored))
    except DicomSeriesError:
        raise
    except Exception as error:  # decoders raise what they like
        raise_if_unreachable(path, error)
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1]
        seen = f"{path.name} is cut short or cannot be decoded ({type(error).__name__}: {reason})"
        raise DicomSeriesError(path.parent, seen, "copy it again from its source, or " + _CURE) from error


def _hounsfield(one: Slice, stored: _Pixels, is_padding: npt.NDArray[np.bool_] | None) -> Planes:
    slope = 1.0 if one.slope is None else one.slope
    intercept = 0.0 if one.intercept is None else one.intercept
    if slope == 1.0 and intercept.is_integer() and abs(intercept) < 1 << 30 and stored.dtype.itemsize <= 2:
        values: _Pixels = stored.astype(np.int32)
        values += int(intercept)
    else:
        values = np.rint(stored * np.float64(slope) + np.float64(intercept))
    if is_padding is not None and is_padding.any():
        padding_hu = values[is_padding]
        if ((padding_hu > _TISSUE_HU[0]) & (padding_hu < _TISSUE_HU[1])).any():
            is_padding = _at_the_border(is_padding)
        values[is_padding] = PADDING_HU
    return np.clip(values, _LIMITS.min, _LIMITS.max, out=values).astype(np.int16)


def _at_the_border(is_padding: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Keep the padding that reaches the border: inside the body, its value is one of tissue."""
    from scipy import ndimage  # slow to import

    pieces, _ = ndimage.label(is_padding)
    border = np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1]])
    return np.isin(pieces, border[border > 0])


def _stored(data: pydicom.FileDataset, frames: Sequence[int]) -> Iterator[_Pixels]:
    """Decode the stored values of frames, with the sign and the bits that the header says."""
    decoder = get_decoder(data.file_meta.TransferSyntaxUID)
    if not decoder.is_available:
        yield from _by_gdcm(data, frames)
        return
    for raw in iter_pixels(data, indices=list(frames), raw=True, correct_unused_bits=False):
        yield _own_bits(data, raw)


def _own_bits(data: pydicom.FileDataset, raw: _Pixels) -> _Pixels:
    """Take the bits that hold the value; a sign may or may not fill those above it.

    Raises:
        ValueError: Values need more bits than the header says, so that one of both is wrong.
    """
    allocated, stored = int(data.BitsAllocated), int(data.BitsStored)
    raw = _without_overlays(data, raw)
    below = int(data.HighBit) + 1 - stored
    if below:
        raw = raw >> below
    is_signed = raw.dtype.kind == "i"
    low, high = (-(1 << (stored - 1)), (1 << (stored - 1)) - 1) if is_signed else (0, (1 << stored) - 1)
    if stored == allocated or (raw.min() >= low and raw.max() <= high):
        return raw
    bits = raw & ((1 << stored) - 1)
    value = np.where(bits > high, bits - (1 << stored), bits).astype(raw.dtype)
    is_odd = (value != raw) & (bits != raw)
    padding = _is_padding(data, raw)
    if padding is not None:
        is_odd &= ~padding
        value[padding] = raw[padding]
    if is_odd.any():
        seen = f"values up to {raw[is_odd].max()} need more than the {stored} bits of BitsStored"
        raise ValueError(seen)
    return value


def _without_overlays(data: pydicom.FileDataset, raw: _Pixels) -> _Pixels:
    """Clear the bits above the value in which old files keep overlays."""
    places = {int(one.value) for one in data if one.tag.group >> 8 == 0x60 and one.value}
    bits = sum(1 << place for place in places if int(data.HighBit) < place < int(data.BitsAllocated))
    return raw & np.array(~bits).astype(raw.dtype) if bits else raw


def _is_padding(data: pydicom.Dataset, stored: _Pixels) -> npt.NDArray[np.bool_] | None:
    """Find the pixels outside of what was scanned; `None` if the header names no padding."""
    value = _with_sign(data.get("PixelPaddingValue"), stored.dtype)
    if value is None:
        return None
    limit = _with_sign(data.get("PixelPaddingRangeLimit"), stored.dtype)
    if limit is None:
        return np.asarray(stored == value)
    return np.asarray((stored >= min(value, limit)) & (stored <= max(value, limit)))


def _with_sign(value: Any, kind: np.dtype[Any]) -> int | None:
    """Read a padding value with the sign of the pixels, whichever it was written with."""
    if value is None or isinstance(value, (str, bytes)) or value == "":
        return None
    bits = 8 * kind.itemsize
    pattern = int(value) & ((1 << bits) - 1)
    return pattern - (1 << bits) if kind.kind == "i" and pattern >> (bits - 1) else pattern


def _by_gdcm(data: pydicom.FileDataset, frames: Sequence[int]) -> Iterator[_Pixels]:
    """Decode what pydicom has no decoder for, such as lossless JPEG: GDCM reads it, without any rescale."""
    import SimpleITK as sitk  # slow to import, and few series need it

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pixels.dcm"
        plain = pydicom.Dataset({one.tag: one for one in data if "Padding" not in one.keyword})
        plain.SOPClassUID = pydicom.uid.CTImageStorage
        plain.SOPInstanceUID = pydicom.uid.generate_uid()
        plain.file_meta = pydicom.dataset.FileMetaDataset()
        plain.file_meta.TransferSyntaxUID = data.file_meta.TransferSyntaxUID
        plain.save_as(path, enforce_file_format=True)
        voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    for frame in frames:
        yield voxels[frame]
