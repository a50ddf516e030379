"""Describe studies, series and instances for searches; studies are chosen by the database."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, SegmentationStorage

from omentum.app.server.dicomweb.ct_series import CtSeries
from omentum.app.server.dicomweb.mask_series import MaskSeries
from omentum.app.server.dicomweb.query import Query, matches
from omentum.app.server.dicomweb.service import DicomWeb
from omentum.app.server.dicomweb.shown_organs import shown_organs
from omentum.errors import AffineError
from omentum.exchange.exporters.dicom_segments import FIRST_SEG_SERIES
from omentum.exchange.exporters.dicom_series import fill_common
from omentum.records import Case
from omentum.store.case_search import CaseQuery

__all__ = [
    "INSTANCE_KEYWORDS",
    "SERIES_KEYWORDS",
    "STUDY_KEYWORDS",
    "ct_of",
    "found_instances",
    "found_series",
    "found_studies",
    "masks_of",
]

_OF_NAMES = ("PatientID", "PatientName", "StudyDescription", "StudyID")
_BY_DATABASE = (*_OF_NAMES, "StudyInstanceUID", "ModalitiesInStudy")
_CONSTANT = (
    *("StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName"),
    *("PatientBirthDate", "PatientSex"),
)
STUDY_KEYWORDS = (*_BY_DATABASE, *_CONSTANT)
"""Attributes of studies that can be matched."""
_OF_SERIES = ("Modality", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription")
SERIES_KEYWORDS = (*STUDY_KEYWORDS, *_OF_SERIES)
"""Attributes of series that can be matched."""
_OF_INSTANCES = ("SOPClassUID", "SOPInstanceUID", "InstanceNumber", "Rows", "Columns", "BitsAllocated")
INSTANCE_KEYWORDS = (*_OF_SERIES, *_OF_INSTANCES)
"""Attributes of instances that can be matched."""
_CASES_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class _Nobody:
    """Stands for any case where only what all cases have is described."""

    case_id: str = ""
    patient_id: str = ""


def ct_of(service: DicomWeb, case: Case) -> CtSeries:
    """Give the series of a case's CT."""
    return CtSeries(case=case, uids=service.uids)


def masks_of(service: DicomWeb, case: Case, reader: str) -> MaskSeries | None:
    """Give the series of the masks that a reader is shown; `None` where there are none."""
    shown = shown_organs(service.server, case, reader)
    if not shown.bases:
        return None
    found = MaskSeries(ct=ct_of(service, case), shown=shown)
    service.note_masks(found.uid, case.case_id)
    return found


def found_studies(service: DicomWeb, query: Query, root: str) -> list[Dataset]:
    """Describe the studies that are asked for.

    Args:
        service: Of the project.
        query: What is asked.
        root: Address of `/dicomweb`.
    """
    cases = _cases(service, query, limit=query.limit, offset=query.offset)
    has_masks = _with_masks(service, cases)
    return [_study(service, case, root, has_masks=case.case_id in has_masks) for case in cases]


def found_series(
    service: DicomWeb, query: Query, root: str, *, cases: Sequence[Case] | None = None, reader: str
) -> list[Dataset]:
    """Describe the series that are asked for.

    Args:
        service: Of the project.
        query: What is asked.
        root: Address of `/dicomweb`.
        cases: Only of these; of all that are asked for where `None`, those of sheared CTs left out.
        reader: Who asks.

    Raises:
        AffineError: A case that is named has a sheared CT.
    """
    chosen = _every_case(service, query) if cases is None else iter(cases)
    is_named = cases is not None
    every = (one for case in chosen for one in _series(service, case, root, reader, is_named=is_named))
    fitting = (one for one in every if matches(one, query.without(STUDY_KEYWORDS)))
    return list(islice(fitting, query.offset, query.offset + query.limit))


def found_instances(
    service: DicomWeb, query: Query, root: str, *, case: Case, series_uid: str | None, reader: str
) -> list[Dataset]:
    """Describe the instances of a study, or of one series of it; errors as `found_series`."""
    every = (
        instance
        for series in _series(service, case, root, reader, is_named=True)
        if series_uid in (None, series.SeriesInstanceUID)
        for instance in _instances(service, case, series, reader)
    )
    fitting = (one for one in every if matches(one, query.wanted))
    return list(islice(fitting, query.offset, query.offset + query.limit))


def _cases(service: DicomWeb, query: Query, *, limit: int, offset: int) -> list[Case]:
    asked = _case_query(service, query)
    if asked is None or not _fits_every_study(query.wanted):
        return []
    return service.project.store.case_search.page(asked, limit=limit, offset=offset)


def _every_case(service: DicomWeb, query: Query) -> Iterator[Case]:
    named = query.uids("SeriesInstanceUID")
    if named is not None:
        yield from service.cases_of_series(named)
        return
    offset = 0
    while page := _cases(service, query, limit=_CASES_AT_ONCE, offset=offset):
        yield from page
        offset += len(page)


def _case_query(service: DicomWeb, query: Query) -> CaseQuery | None:
    """Give what the database is asked; `None` where no study can fit."""
    wanted = query.wanted
    uids = query.uids("StudyInstanceUID")
    modalities = {one.strip() for one in wanted.get("ModalitiesInStudy", "CT").replace("\\", ",").split(",")}
    if not modalities & {"CT", "SEG"}:
        return None
    patients = [wanted[key].rstrip("^") for key in ("PatientID", "PatientName") if key in wanted]
    names = [wanted["StudyDescription"]] if "StudyDescription" in wanted else []
    names += [_beginning(wanted["StudyID"])] if "StudyID" in wanted else []
    return CaseQuery(
        case_ids=None if uids is None else service.cases_of(uids),
        case_like=tuple(names),
        patient_like=tuple(patients),
        has_masks="CT" not in modalities,
    )


def _beginning(study_id: str) -> str:
    """Give the pattern of names of which a StudyID may be the first 16 letters."""
    return f"{study_id}*" if len(study_id) == 16 and "*" not in study_id else study_id


def _fits_every_study(wanted: Mapping[str, str]) -> bool:
    """Tell whether what is the same of all studies is what is wanted."""
    made = Dataset()
    fill_common(made, _Nobody(), study_uid="", series_uid="", frame_uid="")
    return matches(made, {key: value for key, value in wanted.items() if key in _CONSTANT})


def _with_masks(service: DicomWeb, cases: Iterable[Case]) -> set[str]:
    names = tuple(case.case_id for case in cases)
    query = CaseQuery(case_ids=names, has_masks=True)
    return {case.case_id for case in service.project.store.case_search.page(query, limit=len(names))}


def _study(service: DicomWeb, case: Case, root: str, *, has_masks: bool) -> Dataset:
    made = _begun(service, case)
    modalities, n_slices = [], 0
    try:
        n_slices = ct_of(service, case).n_slices
        modalities = ["CT", "SEG"] if has_masks else ["CT"]
    except AffineError:  # listed without a series; the route of its series says why
        pass
    made.ModalitiesInStudy = modalities
    made.NumberOfStudyRelatedSeries = len(modalities)
    made.NumberOfStudyRelatedInstances = n_slices + len(modalities[1:])
    made.RetrieveURL = f"{root}/studies/{made.StudyInstanceUID}"
    return made


def _begun(service: DicomWeb, case: Case) -> Dataset:
    """Begin a description with what is of the patient and the study."""
    made = Dataset()
    fill_common(made, case, study_uid=service.uids.study(case.case_id), series_uid="", frame_uid="")
    for keyword in ("SeriesInstanceUID", "FrameOfReferenceUID", "PositionReferenceIndicator", "Manufacturer"):
        del made[keyword]
    made.InstanceAvailability = "ONLINE"
    return made


def _series(service: DicomWeb, case: Case, root: str, reader: str, *, is_named: bool) -> Iterator[Dataset]:
    try:
        ct = ct_of(service, case)
        yield _one_series(service, case, root, ("CT", ct.uid, 1, case.case_id, ct.n_slices))
    except AffineError:
        if is_named:
            raise
        return
    masks = masks_of(service, case, reader)
    if masks is not None:
        yield _one_series(
            service, case, root, ("SEG", masks.uid, FIRST_SEG_SERIES, "masks as they are shown", 1)
        )


def _one_series(service: DicomWeb, case: Case, root: str, facts: tuple[str, str, int, str, int]) -> Dataset:
    made = _begun(service, case)
    made.Modality, made.SeriesInstanceUID, made.SeriesNumber = facts[:3]
    made.SeriesDescription = facts[3][:64]
    made.NumberOfSeriesRelatedInstances = facts[4]
    made.RetrieveURL = f"{root}/studies/{made.StudyInstanceUID}/series/{made.SeriesInstanceUID}"
    return made


def _instances(service: DicomWeb, case: Case, series: Dataset, reader: str) -> Iterator[Dataset]:
    ct = ct_of(service, case)
    if series.Modality == "CT":
        for place in range(ct.n_slices):
            yield _instance(series, ct, CTImageStorage, (ct.instance_uid(place), place + 1, 16))
        return
    masks = masks_of(service, case, reader)
    if masks is not None:
        yield _instance(series, ct, SegmentationStorage, (masks.instance_uid, 1, 1))


def _instance(series: Dataset, ct: CtSeries, sop_class: str, facts: tuple[str, int, int]) -> Dataset:
    made = Dataset()
    made.update(series)
    del made.NumberOfSeriesRelatedInstances
    made.SOPClassUID = sop_class
    made.SOPInstanceUID, made.InstanceNumber, made.BitsAllocated = facts
    made.Columns, made.Rows = ct.grid.shape[:2]
    made.RetrieveURL = f"{series.RetrieveURL}/instances/{made.SOPInstanceUID}"
    return made
