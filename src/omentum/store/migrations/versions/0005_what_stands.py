"""Facts get tables of their own; readers claim tasks, and revisions know their base."""

import sqlalchemy as sa
from alembic import op

from omentum.store.migrations import rows_0005, rows_0005_back, schema_0005

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the new tables, and bring what the ledger's details and a fact held into them."""
    connection = op.get_bind()
    kept = rows_0005.read_old(connection)
    op.drop_table("revisions")
    op.drop_table("tasks")
    op.drop_column("ledger", "detail")
    op.add_column("cases", sa.Column("data_set", sa.String(), nullable=False, server_default=sa.text("''")))
    op.add_column("cases", sa.Column("licence", sa.String(), nullable=False, server_default=sa.text("''")))
    op.add_column("cases", sa.Column("excluded_why", sa.String(), nullable=True))
    op.add_column("case_scores", sa.Column("made_from", sa.JSON(), nullable=False, server_default="{}"))
    schema_0005.make_tables()
    rows_0005.write_new(connection, kept)


def downgrade() -> None:
    """Go back to the old tables; refuse, with counts, where they cannot hold what there is."""
    connection = op.get_bind()
    rows_0005_back.refuse_what_cannot_go_back(connection)
    kept = rows_0005_back.read_new(connection)
    for table in ("lessons", "confirmations", "decisions", "revisions", "leases", "tasks"):
        op.drop_table(table)
    for table in ("former_names", "tombstones", "predictions", "label_versions", "arrivals"):
        op.drop_table(table)
    for column in ("data_set", "licence", "excluded_why"):
        op.drop_column("cases", column)
    op.drop_column("case_scores", "made_from")
    op.add_column("ledger", sa.Column("detail", sa.JSON(), nullable=False, server_default="{}"))
    schema_0005.make_old_tables()
    rows_0005_back.write_old(connection, kept)
