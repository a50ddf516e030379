"""Define the tables of review: tasks, leases, activities, revisions, decisions, confirmations and notes."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, false, text
from sqlalchemy.orm import Mapped, mapped_column

from omentum.store.base import TableBase

__all__ = [
    "ActivityRow",
    "CaseNoteRow",
    "ConfirmationRow",
    "DecisionRow",
    "LeaseRow",
    "RevisionRow",
    "TaskRow",
]

_OPEN = text("state IN ('queued', 'claimed', 'submitted')")


class TaskRow(TableBase):
    """One organ of one case, or a whole CT, that a person should look at in a round."""

    __tablename__ = "tasks"
    __table_args__ = (
        Index(None, "round_number", "rank"),
        Index(None, "round_number", "state", "rank"),
        Index("ix_tasks_open", "round_number", "rank", sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index(None, "case_id", "organ"),
        {"sqlite_autoincrement": True},  # a number that people have seen never stands for another task
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    round_number: Mapped[int] = mapped_column(ForeignKey("rounds.number"))
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"))
    organ: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    rank: Mapped[int]
    network: Mapped[str]
    shown_sha256: Mapped[str | None]
    n_readings: Mapped[int]
    attention_ml: Mapped[float]
    minutes: Mapped[float | None]
    error_ml: Mapped[float | None]
    n_spots: Mapped[int]
    reason: Mapped[str]


class LeaseRow(TableBase):
    """One item that at most one holder may have at a time: a reading of a task, a job of a worker."""

    __tablename__ = "leases"
    __table_args__ = (Index(None, "pool", "holder"), Index(None, "pool", "rank"))

    pool: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    rank: Mapped[int]
    reserved_for: Mapped[str | None]
    is_dealt: Mapped[bool] = mapped_column(server_default=false())
    holder: Mapped[str | None]
    until: Mapped[datetime | None]
    ended: Mapped[bool] = mapped_column(server_default=false())


class ActivityRow(TableBase):
    """A sign that a reader was at work on a task; the task itself may be gone from the queue."""

    __tablename__ = "activities"
    __table_args__ = (Index(None, "reader", "time"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    task_number: Mapped[int] = mapped_column(index=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), index=True)
    organ: Mapped[str]
    reader: Mapped[str]
    seconds: Mapped[float]
    actions: Mapped[dict[str, int]]
    time: Mapped[datetime]


class RevisionRow(TableBase):
    """A mask that a reader submitted for an organ of a case."""

    __tablename__ = "revisions"
    __table_args__ = (Index(None, "case_id", "organ"), Index(None, "reader", "task_number"))

    number: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"))
    organ: Mapped[str]
    path: Mapped[str]
    sha256: Mapped[str]
    round_number: Mapped[int] = mapped_column(ForeignKey("rounds.number"))
    reader: Mapped[str]
    says: Mapped[str]
    base_sha256: Mapped[str | None]
    base_source: Mapped[str | None]
    network: Mapped[str]
    task_number: Mapped[int | None] = mapped_column(ForeignKey("tasks.number"), index=True)
    minutes: Mapped[float | None]
    added_ml: Mapped[float | None]
    removed_ml: Mapped[float | None]
    dice_to_base: Mapped[float | None]
    conflicts_with: Mapped[int | None]
    findings: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]")
    comment: Mapped[str] = mapped_column(server_default=text("''"))
    origin: Mapped[str] = mapped_column(server_default=text("''"))
    time: Mapped[datetime]


class DecisionRow(TableBase):
    """A person's decision about which mask of an organ stands."""

    __tablename__ = "decisions"
    __table_args__ = (Index(None, "case_id", "organ"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"))
    organ: Mapped[str]
    kind: Mapped[str]
    stands: Mapped[str]
    revision_number: Mapped[int | None]
    by: Mapped[str]
    why: Mapped[str]
    time: Mapped[datetime]


class ConfirmationRow(TableBase):
    """A person's word that a finding is no error."""

    __tablename__ = "confirmations"

    number: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), index=True)
    organ: Mapped[str]
    rule: Mapped[str]
    mask_sha256: Mapped[str]
    by: Mapped[str]
    why: Mapped[str]
    time: Mapped[datetime]


class CaseNoteRow(TableBase):
    """What a reader noted about a case."""

    __tablename__ = "case_notes"

    number: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), index=True)
    kind: Mapped[str]
    text: Mapped[str]
    by: Mapped[str]
    withdrawn_by: Mapped[str]
    time: Mapped[datetime]
