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
from pydicom.sequence import Sequence as DicomSequence

from omentum import __version__
from omentum.exchange.exporters.absent import ABSENT, is_absent
from omentum.exchange.exporters.codes import anatomy_code
from omentum.exchange.exporters.dicom_series import AXIAL, uid_of, write_ct_slices
from omentum.exchange.exporters.exporter import Export, Exporter, register
from omentum.records import MaskSource
from omentum.records.released_cases import ReleasedCase, ReleasedMask
from omentum.volumes.atomic import writing
from omentum.volumes.labels import organ
from omentum.volumes.nifti import read_nifti

_SERIES = 300
"""Number of the first series of segmentations, above those that scanners give."""


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
    import highdicom as hd  # slow to import, and only this needs it

    place, masks, labels = layer
    made = hd.seg.Segmentation(
        source_images=slices,
        pixel_array=np.ascontiguousarray(labels.transpose(2, 1, 0)),
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_segment(case, number, mask) for number, mask in enumerate(masks, start=1)],
        series_instance_uid=uid_of(case, "seg", place),
        series_number=_SERIES + place,
        sop_instance_uid=uid_of(case, "seg", place, "instance"),
        instance_number=1,
        manufacturer="Omentum",
        manufacturer_model_name="Omentum",
        software_versions=__version__,
        device_serial_number="1",
        content_description=f"release {export.version}"[:64],
        content_label="ORGANS",
    )
    with writing(path) as part:
        made.save_as(part)


def _segment(case: ReleasedCase, number: int, mask: ReleasedMask) -> Any:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    code = anatomy_code(mask.organ)
    is_network = mask.source is MaskSource.PREDICTED
    algorithm = hd.AlgorithmIdentificationSequence(
        name=mask.made_by or "unknown", family=codes.DCM.ArtificialIntelligence, version="1"
    )
    segment = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=mask.organ,
        segmented_property_category=code.category,
        segmented_property_type=code.kind,
        algorithm_type="AUTOMATIC" if is_network else "MANUAL",
        algorithm_identification=algorithm if is_network else None,
        tracking_id=mask.organ,
        tracking_uid=uid_of(case, "segment", mask.organ),
        anatomic_regions=None if code.region is None else [code.region],
        display_color=hd.color.CIELabColor.from_rgb(*organ(mask.organ).colour),
    )
    if is_absent(mask):
        segment.SegmentDescription = ABSENT
    if code.side is not None:
        side = hd.sr.CodedConcept.from_code(code.side)
        segment.SegmentedPropertyTypeCodeSequence[
            0
        ].SegmentedPropertyTypeModifierCodeSequence = DicomSequence([side])
    return segment


register(
    "dicom-seg",
    Exporter(about="DICOM-SEG with coded anatomy, and the CT series it refers to", write_case=_write_case),
)
