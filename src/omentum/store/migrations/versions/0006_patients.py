"""What the source of a CT says of its patient, what ties a case to others, and hashes of single slices."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add columns to arrivals; of cases that are there, nothing is known."""
    op.add_column("arrivals", sa.Column("slices", sa.String(), nullable=False, server_default=sa.text("''")))
    op.add_column("arrivals", sa.Column("identity", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("arrivals", sa.Column("links", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """Drop the columns; cases keep their patients."""
    for column in ("slices", "identity", "links"):
        op.drop_column("arrivals", column)
