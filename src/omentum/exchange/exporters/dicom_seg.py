"""Export releases as DICOM segmentations.

Out: of each case, `ct/` with the slices that the segmentation refers to, and `seg.dcm`, one segment an organ,
     coded in SNOMED CT. Organs that overlap go into further objects (`seg_2.dcm`), so that no voxel is lost.
     An absent organ is a segment without a frame, in the first object; an unknown one has no segment.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from omentum.exchange.exporters.absent import is_absent
from omentum.exchange.exporters.dicom_segments import (
    FIRST_SEG_SERIES,
    SegmentationFacts,
    SegmentFacts,
    segmentation_of,
)
from omentum.exchange.exporters.dicom_series import AXIAL, uid_of, write_ct_slices
from omentum.exchange.exporters.exporter import Export, Exporter, register
from omentum.records.released_cases import ReleasedCase, ReleasedMask
from omentum.volumes.atomic import writing
from omentum.volumes.labels import organ
from omentum.volumes.nifti import read_nifti


def _write_case(case: ReleasedCase, export: Export) -> None:
    folder = export.out / case.case_id
    slices = write_ct_slices(case, folder)
    layers = _without_overlaps([mask for mask in case.masks if mask.organ in export.organs])
    for place, (masks, labels) in enumerate(layers):
        path = folder / (f"seg_{place + 1}.dcm" if place else "seg.dcm")
        _write_seg(path, case, export, slices, (place, masks, labels))


_Layer = tuple[list[ReleasedMask], npt.NDArray[np.uint8]]
"""Organs that do not overlap, and their map `(x, y, z)`: the value of an organ is its place, from 1."""


def _without_overlaps(masks: Sequence[ReleasedMask]) -> list[_Layer]:
    """Put each organ into the first map where it fits; those without a voxel are named in the first."""
    layers: list[_Layer] = []
    for mask in sorted(masks, key=lambda one: organ(one.organ).index):
        voxels = read_nifti(mask.path).reoriented(AXIAL).voxels != 0
        layer = next((layer for layer in layers if not layer[1][voxels].any()), None)
        if layer is None:
            layer = ([], np.zeros(voxels.shape, dtype=np.uint8, order="F"))
            layers.append(layer)
        layer[0].append(mask)
        layer[1][voxels] = len(layer[0])
    return layers


def _write_seg(
    path: Path, case: ReleasedCase, export: Export, slices: list[Dataset], layer: tuple[int, Any, Any]
) -> None:
    place, masks, labels = layer
    facts = SegmentationFacts(
        series_uid=uid_of(case, "seg", place),
        instance_uid=uid_of(case, "seg", place, "instance"),
        series_number=FIRST_SEG_SERIES + place,
        description=f"release {export.version}",
    )
    made = segmentation_of(slices, labels, [_segment(case, mask) for mask in masks], facts)
    _settle(made, slices[0], uid_of(case, "seg", place, "dimensions"))
    with writing(path) as part:
        made.save_as(part)


def _settle(made: Any, first_slice: Dataset, dimensions_uid: str) -> None:
    """Set what highdicom takes from the clock or draws, so that every export has the same bytes."""
    date, time = first_slice.StudyDate, first_slice.StudyTime
    made.InstanceCreationDate = made.ContentDate = date
    made.InstanceCreationTime = made.ContentTime = time
    for one in made.ContributingEquipmentSequence:
        one.ContributionDateTime = f"{date}{time}"
    for one in (*made.DimensionOrganizationSequence, *made.DimensionIndexSequence):
        one.DimensionOrganizationUID = dimensions_uid


def _segment(case: ReleasedCase, mask: ReleasedMask) -> SegmentFacts:
    return SegmentFacts(
        organ=mask.organ,
        source=mask.source,
        made_by=mask.made_by or "",
        is_absent=is_absent(mask),
        tracking_uid=uid_of(case, "segment", mask.organ),
    )


register(
    "dicom-seg",
    Exporter(about="DICOM-SEG with coded anatomy, and the CT series it refers to", write_case=_write_case),
)
