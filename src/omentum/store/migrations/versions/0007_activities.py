"""Signs that readers are at work on tasks, from which their minutes are measured."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add a table of signs of work."""
    op.create_table(
        "activities",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("task_number", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("organ", sa.String(), nullable=False),
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("actions", sa.JSON(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_activities"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name="fk_activities_case_id"),
    )
    op.create_index("ix_activities_task_number", "activities", ["task_number"])
    op.create_index("ix_activities_case_id", "activities", ["case_id"])
    op.create_index("ix_activities_reader_time", "activities", ["reader", "time"])


def downgrade() -> None:
    """Drop the table; hand-ins keep their minutes."""
    op.drop_table("activities")
