"""Which tables does a project have?

In:  nothing; migrations make the same tables step by step, and a test compares the two.
Out: one mapped class a table. Rows never leave this room: records do.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    MetaData,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = [
    "AuditRow",
    "Base",
    "CaseRow",
    "CaseScoreRow",
    "FactRow",
    "LedgerRow",
    "NetworkRow",
    "OrganScoreRow",
    "PromotionRow",
    "ReleaseRow",
    "RevisionRow",
    "RoundRow",
    "TaskRow",
    "UtcTime",
]


class UtcTime(TypeDecorator[datetime]):
    """A moment, kept in UTC; SQLite forgets time zones, so that we remember it here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Turn a time into UTC; one without a zone is refused (`ValueError`), as it could be any."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value} has no time zone; make it with datetime.now(UTC)")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Say that what was kept is in UTC."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Common to all tables: how constraints are named, so that a migration can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  (SQLAlchemy reads it from the class)
        datetime: UtcTime,
        dict[str, Any]: JSON,
        list[str]: JSON,
        list[float]: JSON,
        list[list[str]]: JSON,
        list[dict[str, Any]]: JSON,
        float: Double,
    }


class CaseRow(Base):
    """One CT volume of one patient."""

    __tablename__ = "cases"

    case_id: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(index=True)
    ct_path: Mapped[str]
    geometry: Mapped[dict[str, Any]]
    source: Mapped[str]
    original_label_path: Mapped[str | None]
    original_organs: Mapped[list[str]]
    held_out: Mapped[bool]


class LedgerRow(Base):
    """One item of a stage: done (then `reason` is empty), or failed for a reason."""

    __tablename__ = "ledger"

    stage: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str | None]
    detail: Mapped[dict[str, Any]]
    time: Mapped[datetime]


class RoundRow(Base):
    """One turn of the loop."""

    __tablename__ = "rounds"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    network: Mapped[str]
    started: Mapped[datetime]
    finished: Mapped[datetime | None]


class CaseScoreRow(Base):
    """How much attention one case needs in a round."""

    __tablename__ = "case_scores"

    round_number: Mapped[int] = mapped_column(ForeignKey("rounds.number"), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), primary_key=True)
    score: Mapped[float]
    signature: Mapped[str] = mapped_column(server_default=text("''"))


class OrganScoreRow(Base):
    """How much attention one organ of a case needs in a round."""

    __tablename__ = "organ_scores"
    __table_args__ = (
        ForeignKeyConstraint(
            ["round_number", "case_id"],
            ["case_scores.round_number", "case_scores.case_id"],
            ondelete="CASCADE",
        ),
    )

    round_number: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(primary_key=True)
    organ: Mapped[str] = mapped_column(primary_key=True)
    place: Mapped[int]
    attention_voxels: Mapped[int] = mapped_column(BigInteger)
    attention_ml: Mapped[float]
    heat: Mapped[float]
    predicted_ml: Mapped[float] = mapped_column(server_default="0")
    entropy_ml: Mapped[float] = mapped_column(server_default="0")
    error_ml: Mapped[float | None]
    dice_loss: Mapped[float | None]
    spots_ml: Mapped[list[float]] = mapped_column(server_default="[]")
    reasons: Mapped[list[str]] = mapped_column(server_default="[]")


class TaskRow(Base):
    """One organ of one case that an expert should look at in a round."""

    __tablename__ = "tasks"

    round_number: Mapped[int] = mapped_column(ForeignKey("rounds.number"), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), primary_key=True)
    organ: Mapped[str] = mapped_column(primary_key=True)
    rank: Mapped[int]
    attention_ml: Mapped[float]
    state: Mapped[str]
    minutes: Mapped[float | None]
    error_ml: Mapped[float | None]
    n_spots: Mapped[int] = mapped_column(server_default="0")
    reason: Mapped[str] = mapped_column(server_default=text("''"))
    is_audit: Mapped[bool] = mapped_column(server_default=false())
    is_held_out: Mapped[bool] = mapped_column(server_default=false())


class AuditRow(Base):
    """What was drawn by lot in a round."""

    __tablename__ = "audits"

    round_number: Mapped[int] = mapped_column(ForeignKey("rounds.number"), primary_key=True)
    network: Mapped[str]
    weights_sha256: Mapped[str]
    seed: Mapped[int] = mapped_column(BigInteger)
    frame: Mapped[dict[str, Any]]
    n_cases_drawn: Mapped[int]
    drawn: Mapped[list[list[str]]]
    time: Mapped[datetime]


class PromotionRow(Base):
    """One verdict or decision about which network is used."""

    __tablename__ = "promotions"

    number: Mapped[int] = mapped_column(primary_key=True)
    round_number: Mapped[int] = mapped_column(ForeignKey("rounds.number"))
    network: Mapped[str]
    instead_of: Mapped[str]
    outcome: Mapped[str]
    by: Mapped[str]
    why: Mapped[str]
    time: Mapped[datetime]
    organs: Mapped[list[dict[str, Any]]]


class RevisionRow(Base):
    """A mask that an expert drew or accepted."""

    __tablename__ = "revisions"
    __table_args__ = (UniqueConstraint("case_id", "organ", "sha256", "round_number"),)

    number: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"))
    organ: Mapped[str]
    path: Mapped[str]
    sha256: Mapped[str]
    round_number: Mapped[int] = mapped_column(ForeignKey("rounds.number"))
    reader: Mapped[str]
    minutes: Mapped[float | None]
    added_ml: Mapped[float]
    removed_ml: Mapped[float]
    dice_to_before: Mapped[float | None]
    network: Mapped[str]
    time: Mapped[datetime]


class NetworkRow(Base):
    """A network that the project can use."""

    __tablename__ = "networks"

    name: Mapped[str] = mapped_column(primary_key=True)
    folder: Mapped[str | None]
    weights_sha256: Mapped[str]
    parent: Mapped[str | None]
    round_number: Mapped[int | None]


class ReleaseRow(Base):
    """An assembled data set."""

    __tablename__ = "releases"

    version: Mapped[str] = mapped_column(primary_key=True)
    folder: Mapped[str]
    n_cases: Mapped[int]
    manifest_sha256: Mapped[str]
    time: Mapped[datetime]


class FactRow(Base):
    """One fact about the project as a whole."""

    __tablename__ = "facts"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
