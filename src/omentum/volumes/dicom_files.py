"""Open DICOM files, also those without preamble, and parse values from the text in them.

So a value of another form is told with its file and tag, and no value is changed by a library's own rules.
"""

import math
import re
from pathlib import Path

import pydicom
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.errors import InvalidDicomError
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from omentum.errors import DicomSeriesError

__all__ = [
    "begins_as_dicom",
    "is_dicom",
    "malformed",
    "number_of",
    "numbers_of",
    "read_dataset",
    "text_of",
]

_ENDINGS = (".dcm", ".ima")

_BINARY_VRS = frozenset(["FD", "FL", "SL", "SS", "UL", "US", "US or SS", "SQ"])


def begins_as_dicom(start: bytes) -> bool:
    r"""Recognise DICOM by the first 132 bytes of a file: the mark after the preamble, or a first element.

    Example:
        >>> begins_as_dicom(bytes(128) + b"DICM"), begins_as_dicom(b"\x08\0\x05\0CS\x0a\0ISO_IR 100")
        (True, True)
    """
    if start[128:132] == b"DICM":
        return True
    if len(start) < 132 and not start[8:]:
        return False
    group, element = int.from_bytes(start[0:2], "little"), int.from_bytes(start[2:4], "little")
    if group not in {0x0002, 0x0008} or element > 0x0100:
        return False
    has_vr = re.fullmatch(rb"[A-Z]{2}", start[4:6]) is not None
    return has_vr or int.from_bytes(start[4:8], "little") <= 64


def is_dicom(path: Path) -> bool:
    """Recognise DICOM by the ending, the mark after the preamble or a first element; not a DICOMDIR.

    Raises:
        OSError: The file cannot be opened.
    """
    if path.name.upper() == "DICOMDIR":
        return False
    if path.suffix.lower() in _ENDINGS:
        return True
    with path.open("rb") as start:
        return begins_as_dicom(start.read(132))


def read_dataset(
    path: Path, tags: list[str] | None = None, *, with_pixels: bool = True
) -> pydicom.FileDataset:
    """Read a DICOM file, also one without preamble and meta information.

    Args:
        path: The file.
        tags: Keywords of the attributes wanted; all by default.
        with_pixels: Read the pixel data too.

    Raises:
        InvalidDicomError: It is no DICOM file.
        OSError: It cannot be read.
    """
    try:
        data = pydicom.dcmread(path, stop_before_pixels=not with_pixels, specific_tags=tags)
    except InvalidDicomError:
        with path.open("rb") as stream:
            if not begins_as_dicom(stream.read(132)):
                raise
        data = pydicom.dcmread(path, stop_before_pixels=not with_pixels, specific_tags=tags, force=True)
    if "TransferSyntaxUID" not in data.file_meta:
        is_implicit, is_little = data.original_encoding
        explicit = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
        data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if is_implicit else explicit
    return data


def text_of(header: pydicom.Dataset, keyword: str) -> str:
    r"""Give a value as it is written, several of them with backslashes between; empty if there is none.

    Example:
        >>> header = pydicom.Dataset()
        >>> header.PixelSpacing = ["0.5", "0.5"]
        >>> text_of(header, "PixelSpacing"), text_of(header, "ImageType")
        ('0.5\\0.5', '')
    """
    if keyword not in header:
        return ""
    element = header.get_item(keyword)
    if isinstance(element, RawDataElement) and _is_text(element):
        return (element.value or b"").decode("latin-1").strip(" \0")
    try:
        value = header[keyword].value
    except Exception:  # pydicom raises what a malformed value makes it raise
        return "?"
    values = value if isinstance(value, (list, tuple, pydicom.multival.MultiValue)) else [value]
    return "\\".join("" if one is None else str(getattr(one, "original_string", one)) for one in values)


def number_of(path: Path, own: pydicom.Dataset, keyword: str) -> float | None:
    """Parse a finite number; `None` if there is none. Errors as of `numbers_of`."""
    return numbers_of(path, own, keyword, 1)[0] if text_of(own, keyword) else None


def numbers_of(path: Path, own: pydicom.Dataset, keyword: str, count: int) -> tuple[float, ...]:
    """Parse finite numbers.

    Args:
        path: The file, for the message.
        own: The attributes of a file or of a frame.
        keyword: The attribute.
        count: How many numbers it has.

    Raises:
        DicomSeriesError: It has another number of values, or one is no finite number.
    """
    text = text_of(own, keyword)
    try:
        values = tuple(float(part) for part in text.split("\\"))
    except ValueError:
        values = ()
    if len(values) != count or not all(map(math.isfinite, values)):
        rule = "a number" if count == 1 else f"{count} numbers"
        raise malformed(path, keyword, text, rule)
    return values


def malformed(path: Path, keyword: str, text: str, rule: str) -> DicomSeriesError:
    """Say which value of which file is not as it must be."""
    seen = f"{keyword} of {path.name} is {text!r}, and must be {rule}"
    return DicomSeriesError(path.parent, seen, "correct that tag, or export the series anew")


def _is_text(element: RawDataElement) -> bool:
    kind = element.VR if element.VR not in {None, "UN"} else dictionary_VR(element.tag)
    return kind not in _BINARY_VRS
