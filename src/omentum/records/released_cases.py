"""Records of a release that exports and imports need: its cases, as paths and never arrays."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from omentum.records import DecisionKind, MaskSource, ReaderAnswer

__all__ = [
    "LINEAGE_NAME",
    "MANIFEST_NAME",
    "SUMS_NAME",
    "ReleasedCase",
    "ReleasedMask",
    "ReleasedOrigin",
    "TracedMask",
]

LINEAGE_NAME = "lineage.json"
MANIFEST_NAME = "manifest.json"
SUMS_NAME = "SHA256SUMS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedMask:
    """One organ of a case of a release."""

    organ: str
    source: MaskSource
    path: Path
    """uint8 0/1, on the CT's grid."""
    volume_ml: float
    made_by: str = ""
    """Network or reader (pseudonym); empty for what came with the data set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedCase:
    """One case of a release, as exports need it."""

    case_id: str
    patient_id: str
    data_set: str
    """Name of the data set that it came from."""
    held_out: bool
    folder: Path
    """In the release."""
    masks: tuple[ReleasedMask, ...]
    """Of each organ that is known, in the order in which the combined map is painted."""
    prediction_path: Path | None = None
    """The set-coded map that the release was made from; `None` where it is no longer in the project."""
    original_label_path: Path | None = None
    """The label of the data set, as 32-class indices; `None` where it is gone or there is none."""
    source_label_path: Path | None = None
    """That label as it came, in its own ids; `None` where it is gone or was no single NIfTI file."""

    @property
    def ct_path(self) -> Path:
        """The CT."""
        return self.folder / "ct.nii.gz"

    @property
    def labels_path(self) -> Path:
        """The combined map, 32-class indices."""
        return self.folder / "combined_labels.nii.gz"

    @property
    def organs(self) -> tuple[str, ...]:
        """The organs that are known; any other is unknown, not empty."""
        return tuple(mask.organ for mask in self.masks)


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedMask:
    """A mask of a release of another project, with all that its lineage says of where it came from."""

    organ: str
    source: MaskSource
    path: Path
    """uint8 0/1, on the CT's grid."""
    time: datetime
    """When it came in, was made, or was submitted."""
    reader: str = ""
    """Pseudonym; empty for what no reader revised."""
    says: ReaderAnswer | None = None
    """What the reader said of the mask that was shown."""
    round_number: int = 1
    """Round of that project in which it was revised."""
    network: str = ""
    """The network that predicted it, or whose mask the reader was shown."""
    weights_sha256: str = ""
    """Of the network that predicted it."""
    base_sha256: str | None = None
    """Hash of the mask that the reader was shown."""
    revision_sha256: str = ""
    """Hash of the revised mask's voxels and grid."""
    decided: DecisionKind | None = None
    """How a person decided that it stands; `None` where no person did."""
    decided_by: str = ""
    """Pseudonym of that person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedOrigin:
    """What a release of another project says of a CT; every file of it is as it was released."""

    case_id: str
    """Name of the case in that release."""
    patient_id: str
    """Pseudonym that that project gave, or the name of the patient's case."""
    held_out: bool
    """Whether that project keeps the patient for evaluation."""
    ct_sha256: str
    folder: Path
    """Of the case."""
    masks: tuple[TracedMask, ...] = ()
