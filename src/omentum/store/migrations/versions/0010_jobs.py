"""Jobs: what is due and who works on it, beside what is done and what failed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009a"

_MADE = ("state", "rank", "attempts", "worker", "until", "not_before", "started", "seconds", "peak_bytes")


def upgrade() -> None:
    """Add the columns; every row so far is done or failed."""
    for column in (
        sa.Column("state", sa.String(), nullable=False, server_default=sa.text("'due'")),
        sa.Column("rank", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("peak_bytes", sa.BigInteger(), nullable=True),
    ):
        op.add_column("ledger", column)
    op.execute("UPDATE ledger SET state = CASE WHEN reason IS NULL THEN 'done' ELSE 'failed' END")
    op.create_index("ix_ledger_stage_state_rank_key", "ledger", ["stage", "state", "rank", "key"])
    op.create_index("ix_ledger_stage_until", "ledger", ["stage", "until"])
    op.create_index("ix_ledger_until", "ledger", ["until"])


def downgrade() -> None:
    """Drop the columns; who has what is lost, and what is not done is due again by not being there."""
    op.execute("DELETE FROM ledger WHERE state IN ('due', 'claimed')")
    op.drop_index("ix_ledger_until", "ledger")
    op.drop_index("ix_ledger_stage_until", "ledger")
    op.drop_index("ix_ledger_stage_state_rank_key", "ledger")
    for name in reversed(_MADE):
        op.drop_column("ledger", name)
