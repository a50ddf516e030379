"""Bring a CT into a project, with the label that it may have.

In:  a `Source` (a file or a DICOM series), perhaps with its original label.
Out: the case's folder, whole or not there at all, and the `Case` to be stored. The source is only read.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib

from omentum.errors import CaseClashError
from omentum.exchange.deidentify import write_deidentified
from omentum.exchange.original_label import OriginalLabel, read_original
from omentum.exchange.same_ct import Fingerprint, fingerprint
from omentum.exchange.source import Source
from omentum.exchange.transfer import Transferred
from omentum.measures.hounsfield import HuProblem, as_hounsfield, checked_offset
from omentum.measures.plausibility.rules import findings
from omentum.measures.plausibility.whole_ct import not_hu
from omentum.measures.split_sides import body_middle_mm
from omentum.project.paths import pseudonym
from omentum.records import Case
from omentum.volumes.atomic import copy, flushed_together, move_folder
from omentum.volumes.dicom import Series, read_series
from omentum.volumes.geometry import Geometry
from omentum.volumes.mask_files import is_label_table, write_label_table
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import copy_nifti, is_nifti, read_nifti, read_nifti_geometry, write_nifti
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

__all__ = ["AS_IT_IS", "Imported", "Manner", "OriginalLabel", "import_case", "recorded_source"]

_CT, _LABEL, _TABLE, _DICOM = "ct.nii.gz", "original_label.nii.gz", "labels.json", "dicom"
_SOURCE_LABEL = "source_label.nii.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came in.

    Attributes:
        case: To be stored; its grid is that of `ct.nii.gz`.
        seen: What tells the CT from others.
        notes: What was decided about its label, for people.
        findings: What the plausibility rules say of the label. They change nothing.
        ct_findings: What is wrong with the whole CT and was accepted: its rule, a colon, and what was seen.
    """

    case: Case
    seen: Fingerprint
    notes: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    ct_findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How CTs come in.

    Attributes:
        resample_tilt: Put a series from a tilted gantry on an upright grid, instead of refusing it.
        check_labels: Let the plausibility rules look at original labels.
        deidentify: Keep a copy of DICOM files that names nobody, and write every CT anew.
        hu_offset: Added to every value, so that it is in Hounsfield units; the CT is then written anew.
        accept_values: Take CTs whose values cannot be Hounsfield units.

    Raises:
        ConfigError: `hu_offset` is no number that can be added.
    """

    resample_tilt: bool = False
    check_labels: bool = True
    deidentify: bool = False
    hu_offset: float = 0.0
    accept_values: bool = False

    def __post_init__(self) -> None:
        """Refuse an offset that cannot be, before any CT is read."""
        checked_offset(self.hu_offset)


AS_IT_IS = Manner()
"""Where nobody said how."""


def import_case(
    source: Source,
    case_dir: Path,
    *,
    secret: bytes,
    patient_id: str | None = None,
    label: OriginalLabel | None = None,
    manner: Manner = AS_IT_IS,
) -> Imported:
    """Check a CT and bring it into a project.

    Args:
        source: The CT.
        case_dir: Folder of the case, made here: `ct.nii.gz`, and with a label
            `original_label.nii.gz` (32-class indices), `labels.json` and, of a label that is one NIfTI file,
            `source_label.nii.gz`: that file.
        secret: The project's, for pseudonyms.
        patient_id: Whose CT it is, where DICOM headers do not say; the case's own where nobody does.
        label: Its original label, if it has one.
        manner: How.

    Returns:
        The case and what was seen.

    Raises:
        CaseClashError: The folder holds more than a killed import leaves there.
        LabelValueError: The label has values that `label` does not name.
        NotHounsfieldError: The CT's values cannot be Hounsfield units, and `manner` does not accept them.
        ImageError: The CT or the label cannot be used; nothing is written then.
    """
    _refuse_taken(source, case_dir)
    part = case_dir.parent / f".{case_dir.name}.partial"
    shutil.rmtree(part, ignore_errors=True)
    series = read_series(source.path, source.files) if source.path.is_dir() else None
    try:
        with flushed_together():  # none of them counts before the folder is moved
            ct, problem = _write_ct(source, part / _CT, manner)
            read = None if label is None else _write_label(label, ct, part, series)
            if label is not None:
                _keep_own(label.path, part / _SOURCE_LABEL, manner)
            if manner.deidentify and series is not None:
                write_deidentified(series.files, part / _DICOM, secret)
        shutil.rmtree(case_dir, ignore_errors=True)
        move_folder(part, case_dir)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    case = Case(
        case_id=source.case_id,
        patient_id=_patient_id(source, series, secret, patient_id),
        ct_path=case_dir / _CT,
        geometry=ct.geometry,
        source=recorded_source(source, secret, manner),
        original_label_path=None if read is None else case_dir / _LABEL,
        original_organs=() if read is None else read.organs,
    )
    found = _findings(read, ct, problem) if manner.check_labels and read is not None else ()
    return Imported(
        case=case,
        seen=fingerprint(ct),
        notes=() if read is None else read.notes,
        findings=found,
        ct_findings=tuple(str(one) for one in not_hu(problem)),
    )


def recorded_source(source: Source, secret: bytes, manner: Manner) -> str:
    """Say where a CT came from: its path or, where nobody must be named, what stands for it."""
    return pseudonym(secret, str(source.path)) if manner.deidentify else str(source.path)


def _refuse_taken(source: Source, case_dir: Path) -> None:
    """Replace only what an import wrote: predictions and revisions are never lost to a second one."""
    inside = case_dir.resolve() in source.path.resolve().parents
    others = (
        {entry.name for entry in case_dir.iterdir()} - {_CT, _LABEL, _SOURCE_LABEL, _TABLE, _DICOM}
        if case_dir.exists()
        else ()
    )
    if inside or others:
        raise CaseClashError(source.case_id, source.path, case_dir)


def _write_ct(source: Source, path: Path, manner: Manner) -> tuple[Volume, HuProblem | None]:
    """Write the CT; give it on the grid that a reader of the file sees, and what is wrong with its values."""
    volume, problem = as_hounsfield(
        source.path,
        read_ct(source.path, files=source.files, resample_tilt=manner.resample_tilt),
        offset_hu=manner.hu_offset,
        accept=manner.accept_values,
    )
    if not (manner.deidentify or manner.hu_offset) and _is_fit_to_copy(source.path):
        copy(source.path, path)
        return volume, problem
    write_nifti(path, volume)
    return Volume(volume.voxels, read_nifti_geometry(path)), problem


def _write_label(label: OriginalLabel, ct: Volume, folder: Path, series: Series | None) -> Transferred:
    middle_mm = body_middle_mm(ct.voxels, ct.geometry) if label.may_have_pairs else None
    slices = () if series is None else series.files
    read = read_original(label, ct.geometry, middle_mm=middle_mm, slices=slices)
    write_nifti(folder / _LABEL, Volume(read.labels, ct.geometry))
    write_label_table(folder / _TABLE)
    return read


def _keep_own(label: Path, path: Path, manner: Manner) -> None:
    """Keep the data set's own label in its own ids; written anew where its header may name somebody.

    One that has our indices, as `labels.json` beside it says, is no other than ours.
    """
    if not is_nifti(label) or not label.is_file() or is_label_table(label.with_name(_TABLE)):
        return
    if manner.deidentify or nib.load(label).header.extensions:
        write_nifti(path, read_nifti(label))
    else:
        copy_nifti(label, path)


def _findings(read: Transferred, ct: Volume, problem: HuProblem | None) -> tuple[str, ...]:
    masks = MaskSet.from_labels(read.labels, ct.geometry, read.organs)
    return tuple(str(one) for one in findings(masks, ct.voxels if problem is None else None))


def _is_fit_to_copy(source: Path) -> bool:
    """Tell whether a readable file's own bytes will do.

    Not if it is uncompressed, has a fourth axis or two different affines (programs differ in which they
    take), or header extensions, which may hold a patient's name.
    """
    if source.is_dir() or not source.name.lower().endswith(".gz"):
        return False
    image = nib.load(source)
    return (
        type(image) is nib.Nifti1Image
        and len(image.shape) == 3
        and not image.header.extensions
        and _has_one_affine(image)
    )


def _has_one_affine(image: nib.Nifti1Image) -> bool:
    x, y, z = image.shape
    try:
        sform, qform = image.get_sform(coded=True)[0], image.get_qform(coded=True)[0]
        if sform is None or qform is None:
            return True
        return Geometry((x, y, z), sform).same_grid(Geometry((x, y, z), qform))
    except ValueError:  # the sform is known to be usable, so it is the qform that is not
        return False


def _patient_id(source: Source, series: Series | None, secret: bytes, given: str | None) -> str:
    in_headers = "" if series is None else series.patient_id.strip()
    return pseudonym(secret, in_headers) if in_headers else given or source.case_id
