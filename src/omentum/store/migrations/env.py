"""Run migrations on the connection that `omentum.store.migrate` hands to alembic.

In:  that connection, in the middle of a transaction.
Out: each step up or down that was asked for, run on it.
"""

from alembic import context

from omentum.store.base import TableBase


def _run() -> None:
    context.configure(connection=context.config.attributes["connection"], target_metadata=TableBase.metadata)
    with context.begin_transaction():
        context.run_migrations()


# Alembic executes this file under a name of its own; as a module of the package it only explains itself.
if not __name__.endswith("migrations.env"):
    _run()
