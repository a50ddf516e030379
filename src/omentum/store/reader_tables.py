"""Define the tables of readers: people, tokens, assignments, catch trials and the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from omentum.store.base import TableBase

__all__ = [
    "AccessTokenRow",
    "AssignmentRow",
    "CatchReadingRow",
    "CatchTrialRow",
    "LogAnchorRow",
    "LogEntryRow",
    "PersonRow",
]


class PersonRow(TableBase):
    """A person who may come in, by pseudonym."""

    __tablename__ = "people"

    name: Mapped[str] = mapped_column(primary_key=True)
    roles: Mapped[list[str]]
    password_hash: Mapped[str | None]
    is_disabled: Mapped[bool] = mapped_column(server_default=false())
    time: Mapped[datetime]
    sessions_from: Mapped[datetime]


class AccessTokenRow(TableBase):
    """A personal token of a program; only its hash is kept."""

    __tablename__ = "access_tokens"
    __table_args__ = (Index(None, "sha256", unique=True),)

    number: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("people.name"), index=True)
    label: Mapped[str]
    sha256: Mapped[str]
    time: Mapped[datetime]
    until: Mapped[datetime | None]
    revoked: Mapped[datetime | None]


class AssignmentRow(TableBase):
    """A rule by which tasks are dealt to a reader."""

    __tablename__ = "assignments"

    number: Mapped[int] = mapped_column(primary_key=True)
    reader: Mapped[str] = mapped_column(index=True)
    organ: Mapped[str | None]
    share: Mapped[float | None]
    time: Mapped[datetime]


class CatchTrialRow(TableBase):
    """A task whose mask carries a planted error."""

    __tablename__ = "catch_trials"
    __table_args__ = (Index(None, "task_number", unique=True),)

    number: Mapped[int] = mapped_column(primary_key=True)
    task_number: Mapped[int] = mapped_column(ForeignKey("tasks.number"))
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), index=True)
    organ: Mapped[str]
    path: Mapped[str]
    planted_sha256: Mapped[str]
    true_sha256: Mapped[str]
    kind: Mapped[str]
    error_ml: Mapped[float]
    is_major: Mapped[bool]
    centre_mm: Mapped[list[float]]
    seed: Mapped[int] = mapped_column(BigInteger)
    time: Mapped[datetime]


class CatchReadingRow(TableBase):
    """What a reader answered to a catch trial."""

    __tablename__ = "catch_readings"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    trial_number: Mapped[int] = mapped_column(ForeignKey("catch_trials.number"), index=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), index=True)
    reader: Mapped[str]
    says: Mapped[str]
    path: Mapped[str]
    sha256: Mapped[str]
    is_found: Mapped[bool]
    left_ml: Mapped[float]
    minutes: Mapped[float | None]
    added_ml: Mapped[float]
    removed_ml: Mapped[float]
    dice_to_base: Mapped[float | None]
    findings: Mapped[list[dict[str, Any]]]
    comment: Mapped[str]
    time: Mapped[datetime]


class LogEntryRow(TableBase):
    """One line of the audit log; each carries the hash of the one before."""

    __tablename__ = "log_entries"
    __table_args__ = (Index(None, "action", "number"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    actor: Mapped[str]
    action: Mapped[str]
    about: Mapped[dict[str, Any]]
    previous_sha256: Mapped[str]
    sha256: Mapped[str]
    time: Mapped[datetime]


class LogAnchorRow(TableBase):
    """A place outside the database where count and hash of the log were written."""

    __tablename__ = "log_anchors"

    number: Mapped[int] = mapped_column(primary_key=True)
    n_entries: Mapped[int]
    sha256: Mapped[str]
    place: Mapped[str]
    time: Mapped[datetime]
