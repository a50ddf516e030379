"""Records of cases: the CT, its arrival, its original labels, and predictions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from omentum.records.findings import MaskFinding
from omentum.records.patients import PatientIdentity, PatientLink
from omentum.volumes.geometry import Geometry

__all__ = ["Arrival", "Case", "LabelVersion", "MaskSource", "Prediction", "Tombstone"]


class MaskSource(StrEnum):
    """Where a mask came from."""

    ORIGINAL = "original"
    """It came with the data set."""
    REVISED = "revised"
    """An expert drew or accepted it."""
    PREDICTED = "predicted"
    """A network made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One CT volume of one patient."""

    case_id: str
    patient_id: str
    ct_path: Path
    """NIfTI inside the project, on the source's own grid."""
    geometry: Geometry
    source: str
    """Where it was added from, for people."""
    original_label_path: Path | None = None
    """Label map with 32-class indices, if the data set came with one; of several versions the last."""
    original_organs: tuple[str, ...] = ()
    """Organs that the data set annotates; any other is unknown, not empty."""
    held_out: bool = False
    """Whether the patient is kept for evaluation and never trained on."""
    data_set: str = ""
    """Name of the data set that it is of; empty if unknown."""
    licence: str = ""
    """Licence of that data set; empty if unknown."""
    excluded_why: str | None = None
    """Why the case takes no part; `None` while it takes part."""

    @property
    def source_label_path(self) -> Path:
        """The data set's own label in its own ids, of the same version as `original_label_path`.

        It is not there where the label is no single NIfTI file.
        """
        label_path = self.original_label_path or self.ct_path.with_name("original_label.nii.gz")
        return label_path.with_name(label_path.name.replace("original", "source", 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What was observed when a case was added."""

    case_id: str
    ct_sha256: str | None = None
    """Hash of `ct.nii.gz` as it was written; `None` for cases of an older version."""
    voxels: str = ""
    """Hash of the voxels with their axes along R, A, S; empty if it was not taken."""
    thumbnail: str = ""
    """Block means as hexadecimal digits; those of near-duplicates are alike. Empty if not taken."""
    slices: str = ""
    """Hashes of some of its slices, 16 hexadecimal digits each; empty for cases of an older version."""
    identity: PatientIdentity = field(default_factory=PatientIdentity)
    """What its source says of its patient."""
    links: tuple[PatientLink, ...] = ()
    """What ties it to other cases, and what contradicts that."""
    same_voxels_as: str | None = None
    """Case with the very same voxels."""
    likely_patient_of: str | None = None
    """Case that is likely of the same patient."""
    patient_in_source: str | None = None
    """The patient that the source names, where that is not the one that the case counts for."""
    patients_conflict: bool = False
    """Whether two patients who were both known before seem to be one."""
    findings: tuple[MaskFinding, ...] = ()
    """Findings about the CT itself, such as accepted values that are not HU."""
    time: datetime | None = None
    """When it was added; `None` for cases of an older version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelVersion:
    """One version of the label that a data set gives for a case; append-only, the last one counts."""

    case_id: str
    path: Path
    """Label map with 32-class indices on the CT's grid."""
    sha256: str | None
    """Hash of that file; `None` where an older version of the program did not keep it."""
    organs: tuple[str, ...]
    """Organs that it annotates."""
    source: str = ""
    """Where it was read from, for people."""
    source_stamp: str = ""
    """Size and time of what it was read from, so that an unchanged label is not read again."""
    source_sha256: str = ""
    """Hash of what it was read from, and of what was asked of it."""
    notes: tuple[str, ...] = ()
    """What was decided when it was read, for people."""
    findings: tuple[MaskFinding, ...] = ()
    """What the plausibility rules say of it."""
    time: datetime
    number: int | None = None
    """Given by the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The prediction of one network for one case."""

    case_id: str
    network: str
    weights_sha256: str
    folder: Path
    organs: tuple[str, ...]
    masks_sha256: str | None = None
    """Hash of `masks.nii.gz` as it was written; `None` where an older version did not keep it."""
    made_with: Mapping[str, Any] = field(default_factory=dict)
    """All settings that decide what it is: a prediction made with others is due again."""
    origin: str = ""
    """Where it was imported from; empty for what was predicted here."""
    source_stamp: str = ""
    """What the files that it was imported from looked like."""
    unusable: Mapping[str, str] = field(default_factory=dict)
    """Why a file that came with it could not be used, by organ."""
    findings: tuple[MaskFinding, ...] = ()
    """What the plausibility rules say of its masks and of the CT."""
    time: datetime | None = None
    """When it was made; `None` before it is recorded."""

    @property
    def masks_path(self) -> Path:
        """The set-coded map on the CT's grid."""
        return self.folder / "masks.nii.gz"

    @property
    def probabilities_path(self) -> Path:
        """Probabilities (uint8) on the network's grid, inside each organ's box."""
        return self.folder / "probabilities.zarr.zip"

    @property
    def summary_path(self) -> Path:
        """Volumes, settings and times; written last, so where it is, all is."""
        return self.folder / "summary.json"

    @property
    def preview_path(self) -> Path:
        """A picture of the masks on the CT."""
        return self.folder / "preview.png"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """What is left of a case that was erased: enough to recognise it, and nothing that names it."""

    pseudonym: str
    """Keyed hash of the case's name."""
    voxels: str
    """Hash of its voxels, by which the same CT is recognised when it comes again; empty if unknown."""
    why: str
    by: str
    """Pseudonym of who erased it."""
    releases: tuple[str, ...]
    """Releases that still hold it."""
    time: datetime
