"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make every table, those that others refer to first."""
    _make_cases_and_rounds()
    _make_scores()
    _make_work()
    _make_networks_and_releases()


def _make_cases_and_rounds() -> None:
    op.create_table(
        "cases",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("patient_id", sa.String(), nullable=False),
        sa.Column("ct_path", sa.String(), nullable=False),
        sa.Column("geometry", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("original_label_path", sa.String(), nullable=True),
        sa.Column("original_organs", sa.JSON(), nullable=False),
        sa.Column("held_out", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name="pk_cases"),
    )
    op.create_index("ix_cases_patient_id", "cases", ["patient_id"])
    op.create_table(
        "rounds",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("started", _TIME, nullable=False),
        sa.Column("finished", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_rounds"),
    )


def _make_scores() -> None:
    op.create_table(
        "case_scores",
        sa.Column("round_number", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("round_number", "case_id", name="pk_case_scores"),
        sa.ForeignKeyConstraint(["round_number"], ["rounds.number"], name="fk_case_scores_round_number"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_case_scores_case_id"),
    )
    op.create_table(
        "organ_scores",
        sa.Column("round_number", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("organ", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("attention_voxels", sa.BigInteger(), nullable=False),
        sa.Column("attention_ml", sa.Double(), nullable=False),
        sa.Column("heat", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("round_number", "case_id", "organ", name="pk_organ_scores"),
        sa.ForeignKeyConstraint(
            ["round_number", "case_id"],
            ["case_scores.round_number", "case_scores.case_id"],
            name="fk_organ_scores_round_number_case_id",
            ondelete="CASCADE",
        ),
    )


def _make_work() -> None:
    op.create_table(
        "ledger",
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("stage", "key", name="pk_ledger"),
    )
    op.create_table(
        "tasks",
        sa.Column("round_number", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("organ", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("attention_ml", sa.Double(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("round_number", "case_id", "organ", name="pk_tasks"),
        sa.ForeignKeyConstraint(["round_number"], ["rounds.number"], name="fk_tasks_round_number"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_tasks_case_id"),
    )
    op.create_table(
        "revisions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("organ", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("round_number", sa.Integer(), nullable=False),
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("minutes", sa.Double(), nullable=True),
        sa.Column("added_ml", sa.Double(), nullable=False),
        sa.Column("removed_ml", sa.Double(), nullable=False),
        sa.Column("dice_to_before", sa.Double(), nullable=True),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_revisions"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_revisions_case_id"),
        sa.ForeignKeyConstraint(["round_number"], ["rounds.number"], name="fk_revisions_round_number"),
        sa.UniqueConstraint(
            "case_id",
            "organ",
            "sha256",
            "round_number",
            name="uq_revisions_case_id_organ_sha256_round_number",
        ),
    )


def _make_networks_and_releases() -> None:
    op.create_table(
        "networks",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=True),
        sa.Column("weights_sha256", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("round_number", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_networks"),
    )
    op.create_table(
        "releases",
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("n_cases", sa.Integer(), nullable=False),
        sa.Column("manifest_sha256", sa.String(), nullable=False),
        sa.Column("time", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_releases"),
    )
    op.create_table(
        "facts",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_facts"),
    )
