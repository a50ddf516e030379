"""Records of a release that exports need: its cases, as paths and never arrays."""

from dataclasses import dataclass
from pathlib import Path

from omentum.records import MaskSource

__all__ = ["ReleasedCase", "ReleasedMask"]


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
