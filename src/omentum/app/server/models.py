"""The JSON that routes give."""

from typing import Literal

from pydantic import BaseModel

__all__ = [
    "CaseOut",
    "ConfirmedOut",
    "DetailOut",
    "DraftOut",
    "EventOut",
    "FindingOut",
    "GeometryOut",
    "GivenOut",
    "HistoryOut",
    "HotSpotOut",
    "LeftOutOut",
    "NextOut",
    "NoteOut",
    "OrganOut",
    "OtherCtOut",
    "QueueOut",
    "RenewedOut",
    "RevisionOut",
    "SaveOut",
    "SessionOut",
    "TaskOrganOut",
    "TaskOut",
]


class OrganOut(BaseModel):
    """An organ, with the one colour that it has everywhere."""

    organ: str
    index: int
    name: str
    colour: tuple[int, int, int]
    kind: str
    partner: str | None


class SessionOut(BaseModel):
    """Who reads, in which project."""

    reader: str
    roles: list[str]
    login: Literal["link", "password", "proxy"]
    project: str
    round: int
    network: str
    networks: list[str]
    version: str
    is_demo: bool
    lease_minutes: float
    last_event: int
    flags: list[str]
    organs: list[OrganOut]


class TaskOut(BaseModel):
    """One organ of one case to look at; of audit and held-out tasks nothing tells how they scored."""

    task: int
    round: int
    case: str
    organ: str
    name: str
    kind: str
    state: str
    is_whole: bool
    is_of_ct: bool
    n_readings: int
    rank: int
    attention_ml: float | None
    error_ml: float | None
    n_spots: int | None
    minutes: float | None
    reason: str
    holder: str | None
    until: str | None
    n_drafts: int


class GeometryOut(BaseModel):
    """The grid of a CT."""

    shape: tuple[int, int, int]
    affine: list[list[float]]
    spacing_mm: tuple[float, float, float]
    orientation: str
    voxel_ml: float


class HotSpotOut(BaseModel):
    """A place where the mask is probably wrong."""

    number: int
    said: str
    volume_ml: float
    error_ml: float | None
    low_voxel: tuple[int, int, int]
    high_voxel: tuple[int, int, int]
    centre_mm: tuple[float, float, float]


class TaskOrganOut(BaseModel):
    """The mask that an edit of an organ begins with, and whether the task may change it."""

    organ: str
    base: str | None
    source: str | None
    volume_ml: float | None
    is_editable: bool
    why_locked: str


class OtherCtOut(BaseModel):
    """Another CT of the same patient."""

    case: str
    source: str
    geometry: GeometryOut


class NoteOut(BaseModel):
    """What a reader noted about a case."""

    note: int
    case: str
    kind: str
    text: str
    by: str
    time: str
    is_withdrawn: bool


class DraftOut(BaseModel):
    """What a reader has drawn, and not saved."""

    draft: str
    task: int
    time: str
    n_bytes: int
    organs: list[str]
    is_stale: bool
    why: str


class DetailOut(TaskOut):
    """All that a page needs to open a task."""

    geometry: GeometryOut
    has_attention: bool
    hot_spots: list[HotSpotOut]
    region: list[int]
    base: str | None
    base_source: str | None
    network: str
    organs: list[TaskOrganOut]
    masks: list[str]
    findings: list[str]
    rules: list[str]
    """Of a task about a whole CT: those whose findings are open, to confirm."""
    other_cts: list[OtherCtOut]
    notes: list[NoteOut]
    drafts: list[DraftOut]


class QueueOut(BaseModel):
    """The tasks of the round for one reader."""

    round: int
    counts: dict[str, int]
    mine: list[TaskOut]
    next: list[TaskOut]
    n_free: int


class LeftOutOut(BaseModel):
    """A task that was passed over, as its files cannot be read."""

    task: int
    case: str
    organ: str
    reason: str


class NextOut(BaseModel):
    """The next task, claimed; `null` where none is free."""

    task: DetailOut | None
    n_free: int
    left_out: list[LeftOutOut]


class RenewedOut(BaseModel):
    """Until when a reader has a task."""

    until: str


class GivenOut(BaseModel):
    """Whether the reader had the task that was given back."""

    given: bool


class RevisionOut(BaseModel):
    """What became of one organ of a save."""

    organ: str
    revision: int
    sha256: str
    says: str
    stands: bool
    why_not: str
    added_ml: float | None
    removed_ml: float | None
    dice_to_base: float | None
    findings: list[str]


class SaveOut(BaseModel):
    """What became of a save."""

    save: str
    task: int
    state: Literal["queued", "done", "failed"]
    bases: dict[str, str]
    revisions: list[RevisionOut]
    said: str


class EventOut(BaseModel):
    """One thing that happened to an organ."""

    time: str | None
    what: str
    by: str
    said: str
    revision: int | None
    stands: bool


class HistoryOut(BaseModel):
    """All that happened to an organ."""

    case: str
    organ: str
    stands: str | None
    why: str
    events: list[EventOut]


class CaseOut(BaseModel):
    """One CT."""

    case: str
    source: str
    excluded_why: str | None
    geometry: GeometryOut
    findings: list[str]
    notes: list[NoteOut]
    other_cts: list[OtherCtOut]


class FindingOut(BaseModel):
    """A finding that was confirmed to be no error."""

    organ: str
    rule: str


class ConfirmedOut(BaseModel):
    """The findings that were confirmed."""

    confirmed: list[FindingOut]
