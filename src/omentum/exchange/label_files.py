"""Write an original label into its case's folder, as 32-class indices and as it came.

Out: `original_label.nii.gz`, `labels.json` and, of a label that is one NIfTI file, a copy of that file:
     `source_label.nii.gz`. Later versions are `original_label.v2.nii.gz` and so on.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from omentum.exchange.import_options import ImportOptions
from omentum.exchange.importers.labels import NAMED, OriginalLabel, read_original
from omentum.exchange.importers.transfer_labels import TransferredLabel
from omentum.measures.plausibility.case_check import check_case
from omentum.measures.split_sides import body_middle_mm
from omentum.project.findings import mask_findings
from omentum.records import LabelVersion, MaskFinding
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.hidden_files import is_hidden
from omentum.volumes.library_errors import reading
from omentum.volumes.mask_files import is_label_table, write_label_table
from omentum.volumes.mask_hash import organ_sha256s
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import copy_nifti, is_nifti, read_nifti, write_nifti
from omentum.volumes.nifti_headers import open_nifti
from omentum.volumes.read import is_volume
from omentum.volumes.stated_names import sidecars
from omentum.volumes.volume import Volume

__all__ = [
    "LABEL_STEM",
    "SOURCE_LABEL_STEM",
    "TABLE_NAME",
    "LabelOfCase",
    "label_sha256",
    "label_stamp",
    "version_name",
    "write_version",
]

LABEL_STEM = "original_label"
SOURCE_LABEL_STEM = "source_label"
TABLE_NAME = "labels.json"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelOfCase:
    """An original label and the CT that it goes with.

    Attributes:
        case_id: Name of the case.
        label: As the data set gives it.
        ct: The case's CT.
        recorded: Path of the label, or its pseudonym, for the database.
        slices: The CT's DICOM files by rising position; masks as PNG go by their names.
        confirmed: Rules about a whole CT that a person confirmed, or accepted as the CT came in.
    """

    case_id: str
    label: OriginalLabel
    ct: Volume
    recorded: str
    slices: Sequence[Path] = ()
    confirmed: frozenset[str] = frozenset()

    def read(self) -> TransferredLabel:
        """Read the label as 32-class indices; errors as of `read_original`."""
        ct = self.ct
        with reading(self.label.path):
            middle_mm = body_middle_mm(ct.voxels, ct.geometry) if self.label.may_have_pairs else None
            return read_original(self.label, ct.geometry, middle_mm=middle_mm, slices=self.slices)


def version_name(stem: str, number: int) -> str:
    """Name the file of one version.

    Example:
        >>> version_name("original_label", 1), version_name("original_label", 2)
        ('original_label.nii.gz', 'original_label.v2.nii.gz')
    """
    return f"{stem}.nii.gz" if number == 1 else f"{stem}.v{number}.nii.gz"


def write_version(
    of_case: LabelOfCase, read: TransferredLabel, folder: Path, *, number: int, options: ImportOptions
) -> LabelVersion:
    """Write one version of a label.

    Args:
        of_case: The label and its CT.
        read: The label as 32-class indices.
        folder: Gets the files.
        number: Of the version, from 1.
        options: Whether rules check it, and whether its header may name a person.

    Returns:
        The record of the version; the path is in `folder`.
    """
    label, path = of_case.label, folder / version_name(LABEL_STEM, number)
    stamp, source_sha256 = label_stamp(label), label_sha256(label)
    write_nifti(path, Volume(read.labels, of_case.ct.geometry))
    write_label_table(folder / TABLE_NAME)
    _keep_own(label.path, folder / version_name(SOURCE_LABEL_STEM, number), options)
    return LabelVersion(
        case_id=of_case.case_id,
        path=path,
        sha256=file_sha256(path),
        organs=read.organs,
        source=of_case.recorded,
        source_stamp=stamp,
        source_sha256=source_sha256,
        notes=read.notes,
        findings=_findings(of_case, read) if options.check_labels else (),
        time=label.time or datetime.now(UTC),
    )


def _keep_own(label: Path, path: Path, options: ImportOptions) -> None:
    """Copy the data set's own label, unless it has our indices; rewrite a header that may name a person."""
    path.unlink(missing_ok=True)  # of a killed program
    if not is_nifti(label) or not label.is_file() or is_label_table(label.with_name(TABLE_NAME)):
        return
    opened = open_nifti(label)
    if options.deidentify or opened.header.extensions or opened.notes or not opened.header.is_single:
        write_nifti(path, read_nifti(label))
    else:
        copy_nifti(label, path)


def _findings(of_case: LabelOfCase, read: TransferredLabel) -> tuple[MaskFinding, ...]:
    masks = MaskSet.from_labels(read.labels, of_case.ct.geometry, read.organs)
    checked = check_case(masks, of_case.ct, confirmed=of_case.confirmed)
    return mask_findings(checked, organ_sha256s(masks), masks.geometry)


def label_stamp(label: OriginalLabel) -> str:
    """Hash names, sizes and times of a label's files, and its description; no file is opened.

    Raises:
        OSError: A file is not there.
    """
    seen = hashlib.sha256(_description(label))
    for path in [*_files(label), *_tables(label)]:
        known = path.stat()
        seen.update(f"{path.name}\0{known.st_size}\0{known.st_mtime_ns}\0".encode())
    return seen.hexdigest()


def label_sha256(label: OriginalLabel) -> str:
    """Hash the content of a label's files, and its description.

    Raises:
        UnreadableImageError: A file is not there.
    """
    seen = hashlib.sha256(_description(label))
    for path in [*_files(label), *_tables(label)]:
        name = path.name if label.path.is_dir() or path != label.path else ""
        seen.update(f"{name}\0{file_sha256(path)}\0".encode())
    return seen.hexdigest()


def _files(label: OriginalLabel) -> list[Path]:
    """List the files of a label."""
    if not label.path.is_dir():
        return [label.path, *label.parts]
    return sorted(
        path
        for path in label.path.iterdir()
        if not is_hidden(path) and (is_volume(path) or path.suffix == ".png")
    )


def _tables(label: OriginalLabel) -> list[Path]:
    """List the files beside a label map that may name its values."""
    if label.path.is_dir() or not is_volume(label.path):
        return []
    numbering = label.numbering
    return sidecars(label.path, is_mask=numbering is not None and numbering.is_mask)


def _description(label: OriginalLabel) -> bytes:
    scheme = label.scheme
    description = {
        "organs": label.organs or (scheme.organs if label.ids != NAMED else ()),
        "only_present": label.only_present,
        "values": {name: sorted(values) for name, values in scheme.values.items()},
        "joined": {name: sorted(values) for name, values in scheme.joined.items()},
        "others": sorted(scheme.others),
        "files": {name: list(stems) for name, stems in scheme.files.items()},
    }
    if scheme.ignore:
        description["ignore"] = sorted(scheme.ignore)
    return json.dumps(description, sort_keys=True).encode()
