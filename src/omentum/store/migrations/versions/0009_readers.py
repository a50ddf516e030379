"""People, tokens, assignments, catch trials and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_MADE = (
    "people",
    "access_tokens",
    "assignments",
    "catch_trials",
    "catch_readings",
    "log_entries",
    "log_anchors",
)


def upgrade() -> None:
    """Add the tables, and an index by which the open tasks of a long round are found."""
    op.create_index("ix_tasks_round_number_state_rank", "tasks", ["round_number", "state", "rank"])
    op.create_index("ix_revisions_reader_task_number", "revisions", ["reader", "task_number"])
    op.add_column("leases", sa.Column("is_dealt", sa.Boolean(), nullable=False, server_default=sa.false()))
    _add_people()
    _add_catch_trials()
    _add_log()


def downgrade() -> None:
    """Drop the tables; accounts, trials and the log are lost."""
    op.drop_index("ix_revisions_reader_task_number", "revisions")
    op.drop_index("ix_tasks_round_number_state_rank", "tasks")
    op.drop_column("leases", "is_dealt")
    for name in reversed(_MADE):
        op.drop_table(name)


def _add_people() -> None:
    op.create_table(
        "people",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("is_disabled", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sessions_from", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_people"),
    )
    op.create_table(
        "access_tokens",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_access_tokens"),
        sa.ForeignKeyConstraint(["person"], ["people.name"], name="fk_access_tokens_person"),
    )
    op.create_index("ix_access_tokens_sha256", "access_tokens", ["sha256"], unique=True)
    op.create_index("ix_access_tokens_person", "access_tokens", ["person"])
    op.create_table(
        "assignments",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("organ", sa.String(), nullable=True),
        sa.Column("share", sa.Double(), nullable=True),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_assignments"),
    )
    op.create_index("ix_assignments_reader", "assignments", ["reader"])


def _add_catch_trials() -> None:
    op.create_table(
        "catch_trials",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("task_number", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("organ", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("planted_sha256", sa.String(), nullable=False),
        sa.Column("true_sha256", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("error_ml", sa.Double(), nullable=False),
        sa.Column("is_major", sa.Boolean(), nullable=False),
        sa.Column("centre_mm", sa.JSON(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_catch_trials"),
        sa.ForeignKeyConstraint(["task_number"], ["tasks.number"], name="fk_catch_trials_task_number"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_catch_trials_case_id"),
    )
    op.create_index("ix_catch_trials_task_number", "catch_trials", ["task_number"], unique=True)
    op.create_index("ix_catch_trials_case_id", "catch_trials", ["case_id"])
    op.create_table(
        "catch_readings",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("trial_number", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("says", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("is_found", sa.Boolean(), nullable=False),
        sa.Column("left_ml", sa.Double(), nullable=False),
        sa.Column("minutes", sa.Double(), nullable=True),
        sa.Column("added_ml", sa.Double(), nullable=False),
        sa.Column("removed_ml", sa.Double(), nullable=False),
        sa.Column("dice_to_base", sa.Double(), nullable=True),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_catch_readings"),
        sa.ForeignKeyConstraint(
            ["trial_number"], ["catch_trials.number"], name="fk_catch_readings_trial_number"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_catch_readings_case_id"),
    )
    op.create_index("ix_catch_readings_trial_number", "catch_readings", ["trial_number"])
    op.create_index("ix_catch_readings_case_id", "catch_readings", ["case_id"])


def _add_log() -> None:
    op.create_table(
        "log_entries",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("previous_sha256", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_log_entries"),
    )
    op.create_index("ix_log_entries_action_number", "log_entries", ["action", "number"])
    op.create_table(
        "log_anchors",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("n_entries", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_log_anchors"),
    )
