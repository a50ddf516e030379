"""Make DICOM segmentations: one segment an organ, coded in SNOMED CT.

An absent organ is a segment without a frame; an unknown one has no segment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from omentum import __version__
from omentum.exchange.exporters.absent import ABSENT
from omentum.exchange.exporters.codes import anatomy_code
from omentum.records import MaskSource
from omentum.volumes.labels import organ

__all__ = ["FIRST_SEG_SERIES", "SegmentFacts", "SegmentationFacts", "segmentation_of"]

FIRST_SEG_SERIES = 300
"""Number of the first series of segmentations, above those that scanners give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFacts:
    """What a segmentation says of one organ."""

    organ: str
    source: MaskSource
    made_by: str
    """Network that predicted it; not named where a person drew it."""
    is_absent: bool
    """Whether it has no voxel."""
    tracking_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationFacts:
    """What a segmentation says of itself."""

    series_uid: str
    instance_uid: str
    series_number: int
    description: str


def segmentation_of(
    slices: Sequence[Dataset],
    labels: npt.NDArray[np.uint8],
    segments: Sequence[SegmentFacts],
    facts: SegmentationFacts,
) -> Any:
    """Make a segmentation of organs that do not overlap.

    Args:
        slices: The CT series that it refers to, from feet to head.
        labels: Label map `(x, y, z)` on the grid of the series: the value of an organ is its place, from 1.
        segments: The organs.
        facts: Of the segmentation.

    Returns:
        A `highdicom.seg.Segmentation`.
    """
    import highdicom as hd  # slow to import, and few commands need it

    return hd.seg.Segmentation(
        source_images=slices,
        pixel_array=np.ascontiguousarray(labels.transpose(2, 1, 0)),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_segment(number, one) for number, one in enumerate(segments, start=1)],
        series_instance_uid=facts.series_uid,
        series_number=facts.series_number,
        sop_instance_uid=facts.instance_uid,
        instance_number=1,
        manufacturer="Omentum",
        manufacturer_model_name="Omentum",
        software_versions=__version__,
        device_serial_number="1",
        content_description=facts.description[:64],
        content_label="ORGANS",
    )


def _segment(number: int, facts: SegmentFacts) -> Any:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    code = anatomy_code(facts.organ)
    is_network = facts.source is MaskSource.PREDICTED
    algorithm = hd.AlgorithmIdentificationSequence(
        name=facts.made_by or "unknown", family=codes.DCM.ArtificialIntelligence, version="1"
    )
    segment = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=facts.organ,
        segmented_property_category=code.category,
        segmented_property_type=code.kind,
        algorithm_type="AUTOMATIC" if is_network else "MANUAL",
        algorithm_identification=algorithm if is_network else None,
        tracking_id=facts.organ,
        tracking_uid=facts.tracking_uid,
        anatomic_regions=None if code.region is None else [code.region],
        display_color=hd.color.CIELabColor.from_rgb(*organ(facts.organ).colour),
    )
    if facts.is_absent:
        segment.SegmentDescription = ABSENT
    if code.side is not None:
        side = hd.sr.CodedConcept.from_code(code.side)
        segment.SegmentedPropertyTypeCodeSequence[
            0
        ].SegmentedPropertyTypeModifierCodeSequence = DicomSequence([side])
    return segment
