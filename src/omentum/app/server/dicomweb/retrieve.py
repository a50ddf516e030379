"""Make the parts of what is retrieved: objects, metadata and frames, one at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from omentum.app.server.dicomweb.accept import EXPLICIT
from omentum.app.server.dicomweb.ct_series import CtSeries
from omentum.app.server.dicomweb.mask_series import MaskSeries
from omentum.app.server.dicomweb.multipart import Part
from omentum.app.server.dicomweb.search import ct_of, masks_of
from omentum.app.server.dicomweb.service import DicomWeb
from omentum.errors import MissingError
from omentum.records import Case

__all__ = ["Instance", "frames_of", "instances_of"]

_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One DICOM object that can be made.

    Attributes:
        uid: Its UID.
        part: Gives its bytes in a transfer syntax.
        header: Makes it without its voxels.
        n_frames: Counts its frames.
        frame: Gives the bytes of a frame, from 1.
    """

    uid: str
    part: Callable[[str], Part]
    header: Callable[[], Dataset]
    n_frames: Callable[[], int]
    frame: Callable[[int], bytes]


def instances_of(
    service: DicomWeb, case: Case, reader: str, *, series_uid: str | None = None, uid: str | None = None
) -> list[Instance]:
    """List what can be retrieved of a study, of one series of it, or one instance; none is made yet.

    Raises:
        MissingError: There is no such series or instance; also where masks have changed since.
        AffineError: The CT is sheared.
    """
    ct = ct_of(service, case)
    found: list[Instance] = []
    if series_uid in (None, ct.uid):
        places = range(ct.n_slices) if uid is None else [ct.place(uid)]
        found += [_slice(service, ct, place) for place in places]
    if series_uid != ct.uid:
        masks = masks_of(service, case, reader)
        if masks is not None and series_uid in (None, masks.uid) and uid in (None, masks.instance_uid):
            found.append(_segmentation(service, masks))
    if not found:
        raise MissingError(
            f"the study has no series {series_uid} with this instance; masks that have changed are another "
            "series, so ask for the series of the study again"
        )
    return found


def frames_of(instance: Instance, text: str) -> Iterator[Part]:
    """Give frames by their numbers, in the order in which they are asked for.

    Args:
        instance: The object.
        text: Numbers from 1, with commas between them.

    Raises:
        MissingError: A number is not that of a frame.
    """
    numbers = [int(one) for one in text.split(",")]
    n_frames = instance.n_frames()
    if not all(1 <= number <= n_frames for number in numbers):
        raise MissingError(f"the instance has frames 1 to {n_frames}, and {text} were asked for")
    return ([instance.frame(number)] for number in numbers)


def _slice(service: DicomWeb, ct: CtSeries, place: int) -> Instance:
    def part(syntax: str) -> Part:
        yield _encoded(ct.slice(service.server.masks.ct(ct.case.case_id), place), syntax)

    def frame(_: int) -> bytes:
        plane = ct.plane(service.server.masks.ct(ct.case.case_id), place)
        return np.ascontiguousarray(plane, dtype="<i2").tobytes()

    return Instance(
        uid=ct.instance_uid(place),
        part=part,
        header=lambda: ct.header(place),
        n_frames=lambda: 1,
        frame=frame,
    )


def _segmentation(service: DicomWeb, masks: MaskSeries) -> Instance:
    def path() -> Path:
        return masks.file(service.files)

    def part(syntax: str) -> Part:
        if syntax != EXPLICIT:
            yield _encoded(pydicom.dcmread(path()), syntax)
            return
        with path().open("rb") as file:
            yield from iter(lambda: file.read(_READ_BYTES), b"")

    def header() -> Dataset:
        return pydicom.dcmread(path(), stop_before_pixels=True)

    return Instance(
        uid=masks.instance_uid,
        part=part,
        header=header,
        n_frames=lambda: int(header().NumberOfFrames),
        frame=lambda number: _bits(pydicom.dcmread(path()), number),
    )


def _encoded(made: Any, syntax: str) -> bytes:
    made.file_meta.TransferSyntaxUID = syntax
    buffer = BytesIO()
    made.save_as(buffer, enforce_file_format=True, implicit_vr=syntax != EXPLICIT, little_endian=True)
    return buffer.getvalue()


def _bits(made: Any, number: int) -> bytes:
    """Give the packed bits of one frame, the first of which may lie within a byte of the object."""
    n_bits = made.Rows * made.Columns
    first = (number - 1) * n_bits
    packed = np.frombuffer(made.PixelData, np.uint8)[first // 8 : -(-(first + n_bits) // 8)]
    bits = np.unpackbits(packed, bitorder="little")[first % 8 : first % 8 + n_bits]
    return np.packbits(bits, bitorder="little").tobytes()
