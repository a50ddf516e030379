"""Indexes by which the next task is found, however many tasks have ended and cases take part."""

import sqlalchemy as sa
from alembic import op

revision = "0009a"
down_revision = "0009"

_ONLY_OF = {
    "ix_tasks_open": ("tasks", ["round_number", "rank"], "state IN ('queued', 'claimed', 'submitted')"),
    "ix_cases_excluded": ("cases", ["case_id"], "excluded_why IS NOT NULL"),
}


def upgrade() -> None:
    """Index the open tasks of a round by rank, and the cases that are excluded."""
    for name, (table, columns, rows) in _ONLY_OF.items():
        op.create_index(name, table, columns, sqlite_where=sa.text(rows), postgresql_where=sa.text(rows))


def downgrade() -> None:
    """Drop the indexes."""
    for name, (table, *_) in _ONLY_OF.items():
        op.drop_index(name, table)
