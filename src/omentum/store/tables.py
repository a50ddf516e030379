"""Define the tables of cases, predictions, scores, rounds and releases; `review_tables` has the others.

Migrations make the same tables step by step, and a test compares the two.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from omentum.store.base import TableBase

__all__ = [
    "ArrivalRow",
    "AuditRow",
    "CaseRow",
    "CaseScoreRow",
    "FactRow",
    "FormerNameRow",
    "LabelVersionRow",
    "LedgerRow",
    "LessonRow",
    "NetworkRow",
    "OrganScoreRow",
    "PredictionRow",
    "PromotionRow",
    "ReleaseRow",
    "RoundRow",
    "TombstoneRow",
]

_EXCLUDED = text("excluded_why IS NOT NULL")
HAS_FINDINGS = text("CAST(findings AS TEXT) != '[]'")
"""The condition of the rows that an index has; a statement must have it, too, to be helped by it."""


class CaseRow(TableBase):
    """One CT volume of one patient."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("ix_cases_excluded", "case_id", sqlite_where=_EXCLUDED, postgresql_where=_EXCLUDED),
    )

    case_id: Mapped[str] = mapped_column(primary_key=True)
    patient_id: Mapped[str] = mapped_column(index=True)
    ct_path: Mapped[str]
    geometry: Mapped[dict[str, Any]]
    source: Mapped[str]
    original_label_path: Mapped[str | None]
    original_organs: Mapped[list[str]]
    held_out: Mapped[bool]
    data_set: Mapped[str] = mapped_column(server_default=text("''"))
    licence: Mapped[str] = mapped_column(server_default=text("''"))
    excluded_why: Mapped[str | None]


class ArrivalRow(TableBase):
    """What was observed when a case was added."""

    __tablename__ = "arrivals"
    __table_args__ = (Index(None, "case_id", sqlite_where=HAS_FINDINGS, postgresql_where=HAS_FINDINGS),)

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), primary_key=True)
    ct_sha256: Mapped[str | None]
    voxels: Mapped[str]
    thumbnail: Mapped[str]
    slices: Mapped[str] = mapped_column(server_default=text("''"))
    identity: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    links: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]")
    same_voxels_as: Mapped[str | None]
    likely_patient_of: Mapped[str | None]
    patient_in_source: Mapped[str | None]
    patients_conflict: Mapped[bool]
    findings: Mapped[list[dict[str, Any]]]
    time: Mapped[datetime | None]


class LabelVersionRow(TableBase):
    """One version of the label that a data set gives for a case."""

    __tablename__ = "label_versions"

    number: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), index=True)
    path: Mapped[str]
    sha256: Mapped[str | None]
    organs: Mapped[list[str]]
    source: Mapped[str]
    source_stamp: Mapped[str]
    source_sha256: Mapped[str]
    notes: Mapped[list[str]]
    findings: Mapped[list[dict[str, Any]]]
    time: Mapped[datetime]


class PredictionRow(TableBase):
    """The prediction of one network for one case."""

    __tablename__ = "predictions"
    __table_args__ = (
        Index(None, "network", "case_id", sqlite_where=HAS_FINDINGS, postgresql_where=HAS_FINDINGS),
    )

    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), primary_key=True)
    network: Mapped[str] = mapped_column(primary_key=True, index=True)
    weights_sha256: Mapped[str]
    masks_sha256: Mapped[str | None]
    settings_sha256: Mapped[str]
    made_with: Mapped[dict[str, Any]]
    organs: Mapped[list[str]]
    organ_sha256s: Mapped[dict[str, str]] = mapped_column(deferred=True)
    origin: Mapped[str]
    source_stamp: Mapped[str]
    unusable: Mapped[dict[str, str]]
    findings: Mapped[list[dict[str, Any]]]
    time: Mapped[datetime]


class TombstoneRow(TableBase):
    """What is left of a case that was erased."""

    __tablename__ = "tombstones"

    pseudonym: Mapped[str] = mapped_column(primary_key=True)
    voxels: Mapped[str]
    why: Mapped[str]
    by: Mapped[str]
    releases: Mapped[list[str]]
    time: Mapped[datetime]


class FormerNameRow(TableBase):
    """A name that a case had before."""

    __tablename__ = "former_names"

    name: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"))


class LedgerRow(TableBase):
    """One item of a stage, a job: whether it is due, claimed by a worker, done, or failed for a reason."""

    __tablename__ = "ledger"
    __table_args__ = (
        Index(None, "stage", "state", "rank", "key"),
        Index(None, "stage", "until"),
        Index(None, "until"),
    )

    stage: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str | None]
    time: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default=text("'due'"))
    rank: Mapped[int] = mapped_column(server_default=text("0"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    worker: Mapped[str | None]
    until: Mapped[datetime | None]
    not_before: Mapped[datetime | None]
    started: Mapped[datetime | None]
    seconds: Mapped[float | None]
    peak_bytes: Mapped[int | None] = mapped_column(BigInteger)


class RoundRow(TableBase):
    """One turn of the loop."""

    __tablename__ = "rounds"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    network: Mapped[str]
    started: Mapped[datetime]
    finished: Mapped[datetime | None]


class CaseScoreRow(TableBase):
    """Attention that one case needs in a round."""

    __tablename__ = "case_scores"

    round_number: Mapped[int] = mapped_column(ForeignKey("rounds.number"), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), primary_key=True)
    score: Mapped[float]
    signature: Mapped[str] = mapped_column(server_default=text("''"))
    made_from: Mapped[dict[str, Any]] = mapped_column(server_default="{}")


class OrganScoreRow(TableBase):
    """Attention that one organ of a case needs in a round."""

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
    priority: Mapped[float] = mapped_column("heat", key="priority")
    predicted_ml: Mapped[float] = mapped_column(server_default="0")
    entropy_ml: Mapped[float] = mapped_column(server_default="0")
    error_ml: Mapped[float | None]
    dice_loss: Mapped[float | None]
    spots_ml: Mapped[list[float]] = mapped_column(server_default="[]")
    reasons: Mapped[list[str]] = mapped_column(server_default="[]")


class AuditRow(TableBase):
    """What was drawn at random in a round."""

    __tablename__ = "audits"

    round_number: Mapped[int] = mapped_column(ForeignKey("rounds.number"), primary_key=True)
    network: Mapped[str]
    weights_sha256: Mapped[str]
    seed: Mapped[int] = mapped_column(BigInteger)
    frame: Mapped[dict[str, Any]]
    n_cases: Mapped[int] = mapped_column(server_default=text("0"))
    n_organs: Mapped[int] = mapped_column(server_default=text("0"))
    most_organs: Mapped[int] = mapped_column(server_default=text("0"))
    n_cases_drawn: Mapped[int]
    drawn: Mapped[list[list[str]]]
    time: Mapped[datetime]


class PromotionRow(TableBase):
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


class NetworkRow(TableBase):
    """A network that the project can use."""

    __tablename__ = "networks"

    name: Mapped[str] = mapped_column(primary_key=True)
    folder: Mapped[str | None]
    weights_sha256: Mapped[str]
    parent: Mapped[str | None]
    round_number: Mapped[int | None]


class LessonRow(TableBase):
    """A mask that a network has learned from."""

    __tablename__ = "lessons"

    network: Mapped[str] = mapped_column(ForeignKey("networks.name"), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"), primary_key=True)
    organ: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str]


class ReleaseRow(TableBase):
    """An assembled data set."""

    __tablename__ = "releases"

    version: Mapped[str] = mapped_column(primary_key=True)
    folder: Mapped[str]
    n_cases: Mapped[int]
    manifest_sha256: Mapped[str]
    time: Mapped[datetime]


class FactRow(TableBase):
    """One fact about the project as a whole."""

    __tablename__ = "facts"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
