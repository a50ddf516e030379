"""How does a CT come into a project, with the label that it may have?

In:  a `Source` (a NIfTI file or a DICOM folder), perhaps a label map or a binary mask of it.
Out: the case's folder, whole or not there at all, and the `Case` to be stored. The source is only read.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import fastremap
import nibabel as nib
import numpy as np

from omentum.errors import CaseClashError, ConfigError, LabelValueError
from omentum.exchange.sources import Source
from omentum.project import pseudonym
from omentum.records import Case
from omentum.volumes.atomic import copy, move_folder
from omentum.volumes.dicom import read_series
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import SUBSETS, organ, organs_named, subset_ids
from omentum.volumes.mask_files import write_label_table
from omentum.volumes.nifti import read_nifti_geometry, write_nifti
from omentum.volumes.read import read_ct, read_mask
from omentum.volumes.volume import Volume

__all__ = ["OriginalLabel", "import_case"]

_CT, _LABEL, _TABLE = "ct.nii.gz", "original_label.nii.gz", "labels.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginalLabel:
    """The label that a data set gives for one CT.

    Attributes:
        path: NIfTI on the CT's grid.
        ids: What its values mean: a subset (`omentum`, `abdomenatlas-1.0`, `abdomenatlas-1.1`), or
            an organ, of which it is a 0/1 mask.
        organs: What the data set annotates; all that `ids` names where not said. Values of other organs
            are dropped, for nobody vouches for them.

    Raises:
        UnknownOrganError: `ids` is no subset and no organ, or `organs` names what is neither.
        ConfigError: An organ is named that `ids` has no value for.
    """

    path: Path
    ids: str = "omentum"
    organs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be, before any volume is read; settle the organs' names and order."""
        known = self.organ_of_id.values()
        organs = tuple(row.name for row in organs_named(self.organs or known))
        for name in organs:
            if name not in known:
                raise ConfigError("organs", name, f"{self.ids!r} has values for {', '.join(known)} only")
        object.__setattr__(self, "organs", organs)

    @property
    def organ_of_id(self) -> dict[int, str]:
        """Which organ each value of the file means."""
        return subset_ids(self.ids) if self.ids in SUBSETS else {1: organ(self.ids).name}


def import_case(
    source: Source,
    case_dir: Path,
    *,
    secret: bytes,
    patient_id: str | None = None,
    label: OriginalLabel | None = None,
    resample_tilt: bool = False,
) -> Case:
    """Check a CT and bring it into a project.

    Args:
        source: The CT.
        case_dir: Folder of the case, made here: `ct.nii.gz`, and with a label
            `original_label.nii.gz` (32-class indices) and `labels.json`.
        secret: The project's, for pseudonyms.
        patient_id: Whose CT it is, where DICOM headers do not say; the case's own where nobody does.
        label: Its original label, if it has one.
        resample_tilt: Put a series from a tilted gantry on an upright grid, instead of refusing it.

    Returns:
        The case; its grid is that of `ct.nii.gz`.

    Raises:
        CaseClashError: The folder holds more than a killed import leaves there.
        LabelValueError: The label has values that `label.ids` does not name.
        ImageError: The CT or the label cannot be used; nothing is written then.
    """
    _refuse_taken(source, case_dir)
    part = case_dir.parent / f".{case_dir.name}.partial"
    shutil.rmtree(part, ignore_errors=True)
    try:
        geometry = _write_ct(source.path, part / _CT, resample_tilt=resample_tilt)
        if label is not None:
            write_nifti(part / _LABEL, _translated(label, geometry))
            write_label_table(part / _TABLE)
        shutil.rmtree(case_dir, ignore_errors=True)
        move_folder(part, case_dir)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Case(
        case_id=source.case_id,
        patient_id=_patient_id(source, secret, patient_id),
        ct_path=case_dir / _CT,
        geometry=geometry,
        source=str(source.path),
        original_label_path=None if label is None else case_dir / _LABEL,
        original_organs=() if label is None else label.organs,
    )


def _refuse_taken(source: Source, case_dir: Path) -> None:
    """Replace only what an import wrote: predictions and revisions are never lost to a second one."""
    inside = case_dir.resolve() in source.path.resolve().parents
    others = {entry.name for entry in case_dir.iterdir()} - {_CT, _LABEL, _TABLE} if case_dir.exists() else ()
    if inside or others:
        raise CaseClashError(source.case_id, source.path, case_dir)


def _write_ct(source: Path, path: Path, *, resample_tilt: bool) -> Geometry:
    volume = read_ct(source, resample_tilt=resample_tilt)
    if _is_fit_to_copy(source):
        copy(source, path)
    else:
        write_nifti(path, volume)
    return read_nifti_geometry(path)


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


def _translated(label: OriginalLabel, geometry: Geometry) -> Volume:
    """Read a label in its own ids and give it in 32-class indices."""
    own = read_mask(label.path, geometry).voxels
    known = label.organ_of_id
    unknown = [value for value in fastremap.unique(own).tolist() if value and value not in known]
    if unknown:
        seen = f"it holds the values {', '.join(map(str, unknown))}, and {label.ids!r} has 1 to {max(known)}"
        raise LabelValueError(label.path, seen, "say which ids it uses, or map them to those first")
    lut = np.zeros(256, dtype=np.uint8)
    for value, name in known.items():
        lut[value] = organ(name).index if name in label.organs else 0
    return Volume(lut[own], geometry)


def _patient_id(source: Source, secret: bytes, given: str | None) -> str:
    in_headers = read_series(source.path).patient_id.strip() if source.path.is_dir() else ""
    return pseudonym(secret, in_headers) if in_headers else given or source.case_id
