"""Records of review: tasks, claims, revisions and decisions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from omentum.records.cases import MaskSource
from omentum.records.findings import WHOLE_CT, MaskFinding

__all__ = ["Decision", "DecisionKind", "ReaderAnswer", "Revision", "Task", "TaskKind", "TaskState"]


class TaskState(StrEnum):
    """How far a task has come."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    """A reader has it."""
    SUBMITTED = "submitted"
    """A mask was submitted; another reading or a person's confirmation is still needed."""
    IN_ADJUDICATION = "in adjudication"
    """The readings disagree; a person has to decide."""
    DONE = "done"
    SKIPPED = "skipped"
    """Left out, with a reason."""

    @property
    def is_open(self) -> bool:
        """Whether a reader's mask is still wanted."""
        return self in (TaskState.QUEUED, TaskState.CLAIMED)


class TaskKind(StrEnum):
    """Why a task exists."""

    ATTENTION = "attention"
    """Its mask is probably wrong."""
    FINDING = "finding"
    """A plausibility rule is sure that its mask, or the CT, is wrong."""
    AUDIT = "audit"
    """It was drawn at random, to bound what is still wrong."""
    HELD_OUT = "held-out"
    """It was drawn to judge networks by, from a patient that is never learned from."""
    REQUESTED = "requested"
    """A person asked for it."""
    CATCH = "catch"
    """Its mask carries a planted error, and no reader is told so."""

    @property
    def told(self) -> str:
        """What readers are told of it: a catch trial is one of attention.

        Example:
            >>> TaskKind.CATCH.told, TaskKind.AUDIT.told
            ('attention', 'audit')
        """
        return (TaskKind.ATTENTION if self is TaskKind.CATCH else self).value


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One organ of one case for a person to look at, or a whole CT."""

    round_number: int
    case_id: str
    organ: str
    """The organ, or `WHOLE_CT`."""
    rank: int
    """Place in the queue, from 1."""
    attention_ml: float
    kind: TaskKind = TaskKind.ATTENTION
    state: TaskState = TaskState.QUEUED
    network: str = ""
    """Whose mask is shown; empty where none is, or where an older version did not keep it."""
    shown_sha256: str | None = None
    """Hash of the mask that is shown; `None` where none is, or where it is not known."""
    n_readings: int = 1
    """How many readers are to revise it, none of whom sees the others' masks."""
    minutes: float | None = None
    """Time that it is expected to take; `None` if the scoring does not estimate it."""
    error_ml: float | None = None
    """Expected error volume that the reader meets; `None` if the scoring does not estimate it."""
    n_spots: int = 0
    """Hot spots that lead the reader; 0 where nothing does."""
    reason: str = ""
    """Why it is in the queue, for people; why it was skipped, where it was."""
    number: int | None = None
    """Given by the database."""

    @property
    def key(self) -> tuple[str, str]:
        """Case and organ."""
        return self.case_id, self.organ

    @property
    def is_audit(self) -> bool:
        """Whether it was drawn at random to bound what is still wrong."""
        return self.kind is TaskKind.AUDIT

    @property
    def is_held_out(self) -> bool:
        """Whether it was drawn to judge networks by."""
        return self.kind is TaskKind.HELD_OUT

    @property
    def is_catch(self) -> bool:
        """Whether it is a catch trial."""
        return self.kind is TaskKind.CATCH

    @property
    def is_of_ct(self) -> bool:
        """Whether it is about the whole CT."""
        return self.organ == WHOLE_CT

    @property
    def is_whole(self) -> bool:
        """Whether the reader looks at the whole organ and sees no score, as it was not chosen by any."""
        return self.is_audit or self.is_held_out

    @property
    def is_independent(self) -> bool:
        """Whether its answer is compared, and so is of somebody who has not drawn the organ before."""
        return self.is_whole or self.is_catch or self.n_readings > 1


class ReaderAnswer(StrEnum):
    """What a reader says of the mask that was shown."""

    ACCEPTED = "accepted"
    """It is right as it is."""
    REVISED = "revised"
    """It is right after these changes."""
    ABSENT = "absent"
    """The organ is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A mask that a reader submitted for an organ; append-only, and its file is never overwritten."""

    case_id: str
    organ: str
    path: Path
    sha256: str
    """Of the mask's voxels and grid, and the file's name."""
    round_number: int
    """Round of its task; the current one without a task."""
    reader: str
    """Pseudonym."""
    says: ReaderAnswer
    base_sha256: str | None = None
    """Hash of the mask that was shown; `None` if that is unknown."""
    base_source: MaskSource | None = None
    """Where the mask that was shown came from; `None` if that is unknown."""
    network: str = ""
    """Whose mask was shown; empty where none was."""
    task_number: int | None = None
    """The task that it was submitted for; `None` without one."""
    minutes: float | None = None
    """Time it took; `None` if not said."""
    added_ml: float | None = None
    """Volume added to the base; `None` where the base is no longer there to compare with."""
    removed_ml: float | None = None
    """Volume removed from the base; `None` as for `added_ml`."""
    dice_to_base: float | None = None
    """Agreement with the base; `None` where both are empty, or the base is no longer there."""
    conflicts_with: int | None = None
    """Number of the revision that it contradicts without having seen it; `None` where there is none."""
    findings: tuple[MaskFinding, ...] = ()
    """What the plausibility rules say of the mask."""
    comment: str = ""
    """The reader's own words."""
    origin: str = ""
    """What the file looked like that it was imported from, where such imports are repeated."""
    time: datetime
    """When it was submitted."""
    number: int | None = None
    """Given by the database; rises with each revision."""

    @property
    def key(self) -> tuple[str, str]:
        """Case and organ."""
        return self.case_id, self.organ

    @property
    def betters(self) -> bool:
        """Whether it changed the mask that was shown."""
        return self.says is not ReaderAnswer.ACCEPTED and self.base_sha256 != self.sha256


class DecisionKind(StrEnum):
    """How a person came to decide which mask stands."""

    PREFER = "prefer"
    """A revision stands over the original label, or the original label again."""
    ADJUDICATE = "adjudicate"
    """Readings disagreed, and one of them stands."""
    RESTORE = "restore"
    """An earlier mask stands again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A person's decision about which mask of an organ stands; append-only, the last one counts."""

    case_id: str
    organ: str
    kind: DecisionKind
    stands: MaskSource = MaskSource.REVISED
    revision_number: int | None = None
    """The revision that stands; `None` for the last word among them, or where none stands."""
    by: str
    """Pseudonym."""
    why: str = ""
    time: datetime
    number: int | None = None
    """Given by the database."""
