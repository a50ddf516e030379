"""Join DICOM segmentations of one series whose organs overlap into one object.

highdicom makes an object of organs that do not overlap from one label map; of organs that do it would need
an array with a voxel for each organ. So layers are made one by one, and their frames joined.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

__all__ = ["joined_segmentations"]


def joined_segmentations(layers: Sequence[Any]) -> Any:
    """Join binary segmentations that refer to the same series; segments are numbered on.

    Args:
        layers: At least one `highdicom.seg.Segmentation`; the first is changed and returned.

    Source:
        DICOM PS3.3, A.51 and C.8.20: a frame of a binary segmentation is one segment in one slice, and frames
        of segments that overlap have the same place.
    """
    first, *others = layers
    for layer in layers if others else ():
        _name_segment_of_each_frame(layer)
    for other in others:
        _append(first, other)
    if others:
        first.SegmentsOverlap = "YES"
        _number_places(first.PerFrameFunctionalGroupsSequence)
    return first


def _name_segment_of_each_frame(made: Any) -> None:
    """Let each frame name its segment, which is said once for all where there is one segment."""
    shared = made.SharedFunctionalGroupsSequence[0]
    if "SegmentIdentificationSequence" in shared:
        for frame in made.PerFrameFunctionalGroupsSequence:
            frame.SegmentIdentificationSequence = deepcopy(shared.SegmentIdentificationSequence)
        del shared.SegmentIdentificationSequence


def _append(made: Any, other: Any) -> None:
    n_before = len(made.SegmentSequence)
    for segment in other.SegmentSequence:
        segment.SegmentNumber += n_before
        made.SegmentSequence.append(segment)
    made.PixelData = _joined_bits(made, other)
    made.NumberOfFrames = int(made.NumberOfFrames) + int(other.NumberOfFrames)
    for frame in other.PerFrameFunctionalGroupsSequence:
        frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber += n_before
        content = frame.FrameContentSequence[0]
        segment, *place = content.DimensionIndexValues
        content.DimensionIndexValues = [segment + n_before, *place]
        made.PerFrameFunctionalGroupsSequence.append(frame)


def _joined_bits(made: Any, other: Any) -> bytes:
    """Append frames; they are packed without gaps, so the first of them may begin within a byte."""
    own, more = (int(one.NumberOfFrames) * one.Rows * one.Columns for one in (made, other))
    if own % 8 == 0:
        joined: bytes = made.PixelData[: own // 8] + other.PixelData[: -(-more // 8)]
    else:
        bits = [
            np.unpackbits(np.frombuffer(one.PixelData, np.uint8), count=count, bitorder="little")
            for one, count in ((made, own), (other, more))
        ]
        joined = np.packbits(np.concatenate(bits), bitorder="little").tobytes()
    return joined + bytes(len(joined) % 2)


def _number_places(frames: Sequence[Dataset]) -> None:
    """Number the places of frames along the series anew, as those of several layers are others."""
    places = [tuple(map(float, one.PlanePositionSequence[0].ImagePositionPatient)) for one in frames]
    numbers = {place: number for number, place in enumerate(sorted(set(places), key=lambda at: at[::-1]), 1)}
    for frame, place in zip(frames, places, strict=True):
        content = frame.FrameContentSequence[0]
        content.DimensionIndexValues = [content.DimensionIndexValues[0], numbers[place]]
