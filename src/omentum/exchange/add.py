"""Copy a CT, perhaps with its original label, into a project.

Out: the case's folder, complete or absent, and the `Case` to be stored. The source is only read.
"""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from omentum.errors import CaseClashError, ErasedCaseError
from omentum.exchange.deidentify import write_deidentified
from omentum.exchange.fingerprint import Fingerprint, fingerprint
from omentum.exchange.import_options import DEFAULT_OPTIONS, ImportOptions, recorded_path
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import Source
from omentum.exchange.label_files import LABEL_STEM, SOURCE_LABEL_STEM, TABLE_NAME, LabelOfCase, write_version
from omentum.exchange.patient_tags import identity_of
from omentum.measures.hounsfield import HuProblem, as_hounsfield
from omentum.measures.plausibility.whole_ct import not_hu
from omentum.records import WHOLE_CT, Case, LabelVersion, MaskFinding, PatientIdentity
from omentum.volumes.atomic import flushed_together, move_folder
from omentum.volumes.dicom import Series, read_series
from omentum.volumes.file_hash import copied_sha256, file_sha256
from omentum.volumes.nifti import read_nifti_geometry, write_nifti
from omentum.volumes.nifti_headers import is_gzip, open_nifti
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

__all__ = ["ImportedCase", "import_case", "read_source", "series_of"]

_CT, _DICOM = "ct.nii.gz", "dicom"
_LABEL, _SOURCE_LABEL = f"{LABEL_STEM}.nii.gz", f"{SOURCE_LABEL_STEM}.nii.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedCase:
    """A CT in a project's folder.

    Attributes:
        case: To be stored; its grid is that of `ct.nii.gz`.
        seen: Fingerprint of the CT.
        ct_sha256: Hash of `ct.nii.gz`.
        identity: What its source says of its patient.
        label: The first version of its original label, if it has one.
        ct_findings: Accepted findings about the whole CT.
        notes: What was mended as the CT was read, for people.
    """

    case: Case
    seen: Fingerprint
    ct_sha256: str
    identity: PatientIdentity
    label: LabelVersion | None = None
    ct_findings: tuple[MaskFinding, ...] = ()
    notes: tuple[str, ...] = ()


def import_case(
    source: Source,
    case_dir: Path,
    *,
    secret: bytes,
    patient_id: str | None = None,
    label: OriginalLabel | None = None,
    options: ImportOptions = DEFAULT_OPTIONS,
) -> ImportedCase:
    """Check a CT and bring it into a project.

    Args:
        source: The CT.
        case_dir: Folder of the case, made here, with `ct.nii.gz` and the files of the label.
        secret: The project's, for pseudonyms.
        patient_id: The patient that its data set or release names, beside one that a DICOM header names; by
            default, the case's own name where neither does.
        label: Its original label, if it has one.
        options: How it comes in.

    Raises:
        CaseClashError: The folder holds more than a killed import leaves there.
        ErasedCaseError: The CT was erased from the project.
        LabelValueError: The label has values that `label` does not name.
        NotHounsfieldError: The CT's values cannot be Hounsfield units, and `options` does not accept them.
        ImageError: The CT or the label cannot be used; nothing is written then.
    """
    _refuse_taken(source, case_dir)
    part = case_dir.parent / f".{case_dir.name}.partial"
    shutil.rmtree(part, ignore_errors=True)
    series = series_of(source, options)
    try:
        with flushed_together():  # none of them counts before the folder is moved
            ct, problem = read_source(source, options)
            seen = fingerprint(ct)
            if seen.voxels in options.refused:
                raise ErasedCaseError(source.path, options.refused[seen.voxels])
            ct, ct_sha256 = _write_ct(source, ct, part / _CT, options)
            accepted = tuple(
                MaskFinding(organ=WHOLE_CT, rule=one.rule, said=one.said, severity=one.severity)
                for one in not_hu(problem)
            )
            version = None
            if label is not None:
                of_case = LabelOfCase(
                    case_id=source.case_id,
                    label=label,
                    ct=ct,
                    recorded=recorded_path(label.path, secret, options),
                    slices=() if series is None else series.files,
                    confirmed=frozenset(one.rule for one in accepted),
                )
                version = write_version(of_case, of_case.read(), part, number=1, options=options)
            if options.deidentify and series is not None:
                write_deidentified(series.files, part / _DICOM, secret)
        shutil.rmtree(case_dir, ignore_errors=True)
        move_folder(part, case_dir)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    if version is not None:
        version = replace(version, path=case_dir / version.path.name)
    identity = PatientIdentity() if series is None else identity_of(series.patient_tags, secret)
    if patient_id is not None:
        identity = _named_also(identity, patient_id)
    case = Case(
        case_id=source.case_id,
        patient_id=identity.named or source.case_id,
        ct_path=case_dir / _CT,
        geometry=ct.geometry,
        source=recorded_path(source.path, secret, options),
        original_label_path=None if version is None else version.path,
        original_organs=() if version is None else version.organs,
        data_set=source.data_set,
        licence=source.licence,
    )
    return ImportedCase(
        case=case,
        seen=seen,
        ct_sha256=ct_sha256,
        identity=identity,
        label=version,
        ct_findings=accepted,
        notes=ct.notes,
    )


def read_source(source: Source, options: ImportOptions) -> tuple[Volume, HuProblem | None]:
    """Read a CT in HU, and the accepted problem of its values, if any.

    Raises:
        NotHounsfieldError: The values cannot be Hounsfield units, and `options` does not accept them.
        ImageError: The CT cannot be used.
    """
    ct = read_ct(
        source.path,
        files=source.files,
        resample_tilt=options.resample_tilt,
        resample_slices=options.resample_slices,
    )
    return as_hounsfield(source.path, ct, offset_hu=options.hu_offset, accept=options.accept_values)


def _named_also(identity: PatientIdentity, patient_id: str) -> PatientIdentity:
    """Add the patient that a data set or release names; a PatientID in a header comes first."""
    if not identity.named:
        return replace(identity, named=patient_id)
    return replace(identity, also_named=(*identity.also_named, patient_id))


def series_of(source: Source, options: ImportOptions) -> Series | None:
    """Read the headers of a DICOM series; `None` for other files.

    Raises:
        DicomSeriesError: It is no series that can be used.
    """
    if not source.path.is_dir():
        return None
    return read_series(source.path, source.files, resample_slices=options.resample_slices)


def _refuse_taken(source: Source, case_dir: Path) -> None:
    """Refuse a folder that holds more than an import writes, so that no prediction or revision is lost."""
    inside = case_dir.resolve() in source.path.resolve().parents
    others = (
        {entry.name for entry in case_dir.iterdir()} - {_CT, _LABEL, _SOURCE_LABEL, TABLE_NAME, _DICOM}
        if case_dir.exists()
        else ()
    )
    if inside or others:
        raise CaseClashError(source.case_id, source.path, case_dir)


def _write_ct(source: Source, ct: Volume, path: Path, options: ImportOptions) -> tuple[Volume, str]:
    """Write the CT; return it on the grid of the file, and the file's hash."""
    if not (options.deidentify or options.hu_offset) and _is_fit_to_copy(source.path):
        return ct, copied_sha256(source.path, path)
    write_nifti(path, ct)
    return replace(ct, geometry=read_nifti_geometry(path)), file_sha256(path)


def _is_fit_to_copy(source: Path) -> bool:
    """Return whether a file can be copied as it is.

    It cannot if its name or bytes are not those of gzip, if programs differ in where its voxels lie, or if it
    has header extensions, which may hold a patient's name.
    """
    if source.is_dir() or not source.name.lower().endswith(".nii.gz") or not is_gzip(source):
        return False
    opened = open_nifti(source)
    return opened.is_plain and not opened.header.extensions
