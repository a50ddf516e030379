"""The nouns that stages hand each other: frozen, small, with paths and never arrays."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from omentum.volumes.geometry import Geometry

__all__ = [
    "Audit",
    "Batch",
    "Case",
    "CaseScore",
    "ChosenMask",
    "Failure",
    "LabelledCase",
    "MaskSource",
    "NetworkRecord",
    "OrganScore",
    "Prediction",
    "Release",
    "Revision",
    "Round",
    "Task",
    "TaskState",
]


class MaskSource(StrEnum):
    """Where a mask came from."""

    ORIGINAL = "original"
    """It came with the data set."""
    REVISED = "revised"
    """An expert drew or accepted it."""
    PREDICTED = "predicted"
    """A network made it."""


class TaskState(StrEnum):
    """How far a task has come."""

    QUEUED = "queued"
    EXPORTED = "exported"
    DONE = "done"


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
    """Label map with 32-class indices, if the data set came with one."""
    original_organs: tuple[str, ...] = ()
    """Organs that the data set annotates; any other is unknown, not empty."""
    held_out: bool = False
    """Whether the patient is kept for evaluation and never trained on."""

    @property
    def source_label_path(self) -> Path:
        """The data set's own label in its own ids; not there where that is no single NIfTI file."""
        return self.ct_path.with_name("source_label.nii.gz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What one network made of one case."""

    case_id: str
    network: str
    weights_sha256: str
    folder: Path
    organs: tuple[str, ...]

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
class ChosenMask:
    """The mask that stands for one organ of one case: the best source that there is."""

    organ: str
    source: MaskSource
    path: Path
    """A label map of 32-class indices (original), a 0/1 mask (revised), a set-coded map (predicted)."""
    sha256: str
    """Of the file (original, predicted) or of the voxels and their grid (revised)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledCase:
    """A case with the mask that stands for each organ; an organ that is absent here is unknown."""

    case: Case
    masks: tuple[ChosenMask, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganScore:
    """How much attention one organ of one case needs."""

    organ: str
    attention_voxels: int
    attention_ml: float
    heat: float
    """Sum of the heat map; organs of a case are ordered by it."""
    predicted_ml: float = 0.0
    """Volume of the mask that is shown to people."""
    entropy_ml: float = 0.0
    """Two-sided entropy of the main network (in bits, at most 1 a voxel), summed over the volume, in mL."""
    error_ml: float | None = None
    """Expected volume of what an expert would change; `None` where the recipe does not tell."""
    dice_loss: float | None = None
    """Expected 1 - Dice of the mask that is shown; `None` likewise."""
    spots_ml: tuple[float, ...] = ()
    """Expected error volume of each hot spot, falling."""
    reasons: tuple[str, ...] = ()
    """Plausibility rules that the mask breaks, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseScore:
    """How much attention one case needs; the queue sorts by `score`, falling."""

    case_id: str
    score: float
    organs: tuple[OrganScore, ...]
    signature: str = ""
    """Thumbnail of the CT as hexadecimal digits; those of near-duplicates are alike. Empty if not taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One organ of one case that an expert should look at in a round."""

    round_number: int
    case_id: str
    organ: str
    rank: int
    """Place in the queue, from 1."""
    attention_ml: float
    state: TaskState = TaskState.QUEUED
    minutes: float | None = None
    """Time that it is expected to take; `None` where nobody reckoned."""
    error_ml: float | None = None
    """Expected error volume that the reader meets; `None` likewise."""
    n_spots: int = 0
    """Hot spots that lead the reader; 0 where nothing does."""
    reason: str = ""
    """Why it is in the queue, for people."""
    is_audit: bool = False
    """Whether it was drawn by lot to bound what is still wrong."""
    is_held_out: bool = False
    """Whether it was drawn to judge networks by: of a patient that is never learned from."""

    @property
    def is_whole(self) -> bool:
        """Whether the reader looks at the whole organ and sees no score, as it was not chosen by any."""
        return self.is_audit or self.is_held_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What was drawn by lot in a round, to bound what is still wrong."""

    round_number: int
    network: str
    """Whose predictions are judged."""
    weights_sha256: str
    """Of that network: of others the audit says nothing."""
    seed: int
    frame: Mapping[str, tuple[str, ...]]
    """What it was drawn from: organs by case, both sorted."""
    n_cases_drawn: int
    """Of those in the frame; some may hold a blank and make no task."""
    drawn: tuple[tuple[str, str], ...]
    """Case and organ, in the order of the draw, at most one a case."""
    time: datetime

    @property
    def n_organs(self) -> int:
        """Organs in the frame."""
        return sum(len(organs) for organs in self.frame.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A mask that an expert drew or accepted; its file is never overwritten."""

    case_id: str
    organ: str
    path: Path
    sha256: str
    """Of the file's voxels and grid, and its name."""
    round_number: int
    reader: str
    """Pseudonym."""
    minutes: float | None
    """Time it took; `None` where nobody said."""
    added_ml: float
    removed_ml: float
    dice_to_before: float | None
    """Agreement with the mask that was shown; `None` where both are empty."""
    network: str
    """Whose mask was shown."""
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkRecord:
    """A network that a project can use."""

    name: str
    folder: Path | None
    """Where its weights are; `None` for one shipped in the package or in the user's folder."""
    weights_sha256: str
    parent: str | None = None
    round_number: int | None = None
    """Round whose revisions it was tuned on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One turn of the loop."""

    number: int
    network: str
    """Used to predict in this round."""
    started: datetime
    finished: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An assembled, versioned, checksummed data set."""

    version: str
    folder: Path
    n_cases: int
    manifest_sha256: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One item that a stage could not do, and why."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What became of the items that a stage was given."""

    done: tuple[str, ...]
    skipped: tuple[str, ...]
    """Done by an earlier run."""
    failed: tuple[Failure, ...]
