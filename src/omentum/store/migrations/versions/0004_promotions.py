"""Which network is used and who said so; tasks of held-out patients told apart."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add a table of verdicts and decisions, and a mark to tasks that networks are judged by."""
    op.create_table(
        "promotions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("round_number", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(), nullable=False),
        sa.Column("instead_of", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("organs", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_promotions"),
        sa.ForeignKeyConstraint(["round_number"], ["rounds.number"], name="fk_promotions_round_number"),
    )
    op.add_column("tasks", sa.Column("is_held_out", sa.Boolean(), server_default=sa.false(), nullable=False))
