"""Find what has findings by index, and keep the sizes of what audits were drawn from."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_SIZES = ("n_cases", "n_organs", "most_organs")
_HAS_FINDINGS = sa.text("CAST(findings AS TEXT) != '[]'")
_AUDITS = sa.table(
    "audits",
    sa.column("round_number", sa.Integer()),
    sa.column("frame", sa.JSON()),
    *(sa.column(name, sa.Integer()) for name in _SIZES),
)


def upgrade() -> None:
    """Add columns and indexes; most rows have no finding, and are in no index of those that have."""
    for name in _SIZES:
        op.add_column("audits", sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0")))
    _keep_sizes(op.get_bind())
    for table, columns in (("predictions", ["network", "case_id"]), ("arrivals", ["case_id"])):
        op.create_index(
            f"ix_{table}_{'_'.join(columns)}",
            table,
            columns,
            sqlite_where=_HAS_FINDINGS,
            postgresql_where=_HAS_FINDINGS,
        )


def downgrade() -> None:
    """Drop columns and indexes."""
    op.drop_index("ix_arrivals_case_id", "arrivals")
    op.drop_index("ix_predictions_network_case_id", "predictions")
    for name in reversed(_SIZES):
        op.drop_column("audits", name)


def _keep_sizes(connection: sa.Connection) -> None:
    for number, frame in connection.execute(sa.select(_AUDITS.c.round_number, _AUDITS.c.frame)).all():
        sizes = [len(organs) for organs in frame.values()]
        values = {"n_cases": len(sizes), "n_organs": sum(sizes), "most_organs": max(sizes, default=0)}
        connection.execute(sa.update(_AUDITS).where(_AUDITS.c.round_number == number).values(values))
