"""Random draws, from which the audit bounds the errors that are left."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add a table: one draw a round, with all that it was drawn from."""
    op.create_table(
        "audits",
        sa.Column("round_number", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("weights_sha256", sa.String(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("frame", sa.JSON(), nullable=False),
        sa.Column("n_cases_drawn", sa.Integer(), nullable=False),
        sa.Column("drawn", sa.JSON(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("round_number", name="pk_audits"),
        sa.ForeignKeyConstraint(["round_number"], ["rounds.number"], name="fk_audits_round_number"),
    )
