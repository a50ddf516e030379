"""Expected errors, what they cost to mend, and tasks that were drawn at random."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns; rows that are there already have no estimate."""
    _add("case_scores", sa.Column("signature", sa.String(), nullable=False, server_default=sa.text("''")))
    _add(
        "organ_scores",
        sa.Column("predicted_ml", sa.Double(), nullable=False, server_default="0"),
        sa.Column("entropy_ml", sa.Double(), nullable=False, server_default="0"),
        sa.Column("error_ml", sa.Double(), nullable=True),
        sa.Column("dice_loss", sa.Double(), nullable=True),
        sa.Column("spots_ml", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("reasons", sa.JSON(), nullable=False, server_default="[]"),
    )
    _add(
        "tasks",
        sa.Column("minutes", sa.Double(), nullable=True),
        sa.Column("error_ml", sa.Double(), nullable=True),
        sa.Column("n_spots", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reason", sa.String(), nullable=False, server_default=sa.text("''")),
        sa.Column("is_audit", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def _add(table: str, *columns: sa.Column[object]) -> None:
    for column in columns:
        op.add_column(table, column)
