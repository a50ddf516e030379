"""Export releases as RT structure sets.

Out: of each case, `ct/` with the slices that the structures refer to, and `rtstruct.dcm`: one structure an
     organ, with contours along the voxels' edges; a voxel inside an odd number of contours belongs to it.
     An absent organ is a structure without a contour whose `ROIDescription` says so; an unknown one has none.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import RTStructureSetStorage

from omentum.exchange.exporters.absent import ABSENT, is_absent
from omentum.exchange.exporters.codes import anatomy_code
from omentum.exchange.exporters.contours import contours
from omentum.exchange.exporters.dicom_series import (
    AXIAL,
    axial_grid,
    decimal,
    file_of,
    fill_common,
    save,
    uid_of,
    write_ct_slices,
)
from omentum.exchange.exporters.exporter import Export, Exporter, register
from omentum.records import MaskSource
from omentum.records.released_cases import ReleasedCase, ReleasedMask
from omentum.volumes.geometry import LPS_TO_RAS, Geometry
from omentum.volumes.labels import organ
from omentum.volumes.nifti import read_nifti

_DECIMALS_MM = 5


def _write_case(case: ReleasedCase, export: Export) -> None:
    folder = export.out / case.case_id
    slices = write_ct_slices(case, folder)
    masks = [mask for mask in case.masks if mask.organ in export.organs]
    save(folder / "rtstruct.dcm", _structures(case, export, slices, masks))


def _structures(
    case: ReleasedCase, export: Export, slices: Sequence[Dataset], masks: Sequence[ReleasedMask]
) -> Dataset:
    frame = slices[0].FrameOfReferenceUID
    made = file_of(RTStructureSetStorage, uid_of(case, "rtstruct", "instance"))
    fill_common(
        made,
        case,
        study_uid=slices[0].StudyInstanceUID,
        series_uid=uid_of(case, "rtstruct"),
        frame_uid=frame,
    )
    made.Modality = "RTSTRUCT"
    made.SeriesNumber = 400
    made.InstanceNumber = 1
    made.StructureSetLabel = "Organs"
    made.StructureSetName = f"release {export.version}"[:64]
    made.StructureSetDate, made.StructureSetTime = made.StudyDate, made.StudyTime
    made.ApprovalStatus = "UNAPPROVED"
    made.OperatorsName = ""
    made.ReferencedFrameOfReferenceSequence = DicomSequence([_frame(slices)])
    grid = axial_grid(case)
    made.StructureSetROISequence = DicomSequence()
    made.ROIContourSequence = DicomSequence()
    made.RTROIObservationsSequence = DicomSequence()
    for number, mask in enumerate(masks, start=1):
        made.StructureSetROISequence.append(_roi(number, mask, frame))
        made.ROIContourSequence.append(_roi_contours(number, mask, grid, slices))
        made.RTROIObservationsSequence.append(_observation(number, mask))
    return made


def _frame(slices: Sequence[Dataset]) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID = slices[0].SeriesInstanceUID
    series.ContourImageSequence = DicomSequence([_reference(one) for one in slices])
    study = Dataset()
    study.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"
    study.ReferencedSOPInstanceUID = slices[0].StudyInstanceUID
    study.RTReferencedSeriesSequence = DicomSequence([series])
    frame = Dataset()
    frame.FrameOfReferenceUID = slices[0].FrameOfReferenceUID
    frame.RTReferencedStudySequence = DicomSequence([study])
    return frame


def _reference(made: Dataset) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = made.SOPClassUID
    reference.ReferencedSOPInstanceUID = made.SOPInstanceUID
    return reference


def _roi(number: int, mask: ReleasedMask, frame_uid: str) -> Dataset:
    roi = Dataset()
    roi.ROINumber = number
    roi.ReferencedFrameOfReferenceUID = frame_uid
    roi.ROIName = mask.organ
    if is_absent(mask):
        roi.ROIDescription = ABSENT
    roi.ROIGenerationAlgorithm = "AUTOMATIC" if mask.source is MaskSource.PREDICTED else "MANUAL"
    return roi


def _roi_contours(number: int, mask: ReleasedMask, grid: Geometry, slices: Sequence[Dataset]) -> Dataset:
    roi = Dataset()
    roi.ROIDisplayColor = list(organ(mask.organ).colour)
    roi.ReferencedROINumber = number
    roi.ContourSequence = DicomSequence()
    voxels = read_nifti(mask.path).reoriented(AXIAL).voxels != 0
    for place, points_mm in _polygons_mm(voxels, grid):
        contour = Dataset()
        contour.ContourImageSequence = DicomSequence([_reference(slices[place])])
        contour.ContourGeometricType = "CLOSED_PLANAR"
        contour.NumberOfContourPoints = len(points_mm)
        contour.ContourData = [decimal(value) for value in np.round(points_mm, _DECIMALS_MM).ravel()]
        roi.ContourSequence.append(contour)
    return roi


def _polygons_mm(
    voxels: npt.NDArray[np.bool_], grid: Geometry
) -> Iterator[tuple[int, npt.NDArray[np.float64]]]:
    """Give each contour of a mask `(x, y, z)`: its slice, and its corners in mm, LPS+, `(n, 3)`."""
    lps = LPS_TO_RAS @ grid.affine
    for place in np.flatnonzero(voxels.any(axis=(0, 1))).tolist():
        plane = voxels[:, :, place].T
        rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
        y, x = int(rows[0]), int(columns[0])
        for corners in contours(plane[y : int(rows[-1]) + 1, x : int(columns[-1]) + 1]):
            index = np.column_stack([corners + np.array([x, y]), np.full(len(corners), place)])
            yield place, index @ lps[:3, :3].T + lps[:3, 3]


def _observation(number: int, mask: ReleasedMask) -> Dataset:
    code = anatomy_code(mask.organ)
    identity = Dataset()
    identity.CodeValue = code.kind.value
    identity.CodingSchemeDesignator = code.kind.scheme_designator
    identity.CodeMeaning = code.kind.meaning
    observation = Dataset()
    observation.ObservationNumber = number
    observation.ReferencedROINumber = number
    observation.RTROIIdentificationCodeSequence = DicomSequence([identity])
    observation.RTROIInterpretedType = "ORGAN" if organ(mask.organ).kind == "organ" else ""
    observation.ROIInterpreter = ""
    return observation


register(
    "rtstruct",
    Exporter(
        about="RT structures, outlined along the voxels' edges, and the CT series they refer to",
        write_case=_write_case,
    ),
)
