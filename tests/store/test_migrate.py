"""Migrations make the very tables that the code expects."""

import logging
import sqlite3
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from omentum.errors import ProjectError
from omentum.store import migrate
from omentum.store.database import Database
from omentum.store.store import Store
from omentum.store.tables import Base

URL = "sqlite:///omentum.db"


@pytest.fixture
def migrated(tmp_path):
    """A connection to a database that was made by the migrations."""
    Store.open(URL, tmp_path).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'omentum.db'}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_migrations_and_tables_agree(migrated):
    options = {"compare_type": True, "compare_server_default": True}
    context = MigrationContext.configure(migrated, opts=options)
    assert compare_metadata(context, Base.metadata) == []


def test_migrations_and_tables_agree_on_keys_and_constraints(migrated):
    made, expected = create_engine("sqlite://"), {}
    Base.metadata.create_all(made)
    with made.connect() as connection:
        expected = constraints_of(connection)
    made.dispose()
    found = constraints_of(migrated)
    del found["alembic_version"]
    assert found == expected


def constraints_of(connection):
    inspector = inspect(connection)
    return {
        table: (
            inspector.get_pk_constraint(table),
            inspector.get_foreign_keys(table),
            inspector.get_unique_constraints(table),
        )
        for table in inspector.get_table_names()
    }


def test_opening_again_changes_no_byte(tmp_path):
    Store.open(URL, tmp_path).close()
    before = (tmp_path / "omentum.db").read_bytes()
    Store.open(URL, tmp_path).close()
    assert (tmp_path / "omentum.db").read_bytes() == before


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    Store.open(URL, tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "omentum.db")) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.execute("CREATE TABLE dreams (dream TEXT)")
        newer.commit()
    before = (tmp_path / "omentum.db").read_bytes()
    with pytest.raises(ProjectError, match=r"at version 9999, .* install a newer Omentum"):
        Store.open(URL, tmp_path)
    assert (tmp_path / "omentum.db").read_bytes() == before


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(tmp_path, monkeypatch):
    real_upgrade = migrate.command.upgrade

    def fail_at_the_end(*args):
        real_upgrade(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(migrate.command, "upgrade", fail_at_the_end)
    with pytest.raises(KeyboardInterrupt):
        Store.open(URL, tmp_path)
    with closing(sqlite3.connect(tmp_path / "omentum.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    monkeypatch.undo()
    with Store.open(URL, tmp_path) as store:
        assert store.cases.all() == []


def test_an_upgrade_says_nothing(tmp_path, capfd):
    before = logging.getLogger().handlers[:], logging.getLogger().level
    database = Database(URL, tmp_path, wait_seconds=1.0)
    migrate.upgrade(database)
    database.close()
    assert capfd.readouterr() == ("", "")
    assert (logging.getLogger().handlers, logging.getLogger().level) == before
