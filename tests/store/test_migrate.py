"""Migrations make the very tables that the code expects."""

import logging
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from omentum.errors import ProjectError
from omentum.store import migrate, review_tables, tables  # noqa: F401  (they fill TableBase.metadata)
from omentum.store.base import TableBase
from omentum.store.database import Database

URL = "sqlite:///omentum.db"
FIRST = "def upgrade(): op.execute('CREATE TABLE numbers (number INTEGER)')"
SECOND = """
from omentum.errors import ProjectError
def upgrade():
    op.execute("CREATE TABLE sums (total INTEGER)")
def downgrade():
    op.execute("DROP TABLE sums")
    if 7 in op.get_bind().exec_driver_sql("SELECT number FROM numbers").scalars():
        raise ProjectError("a 7 does not fit into version 01")
"""
THIRD = """
def upgrade():
    op.execute("CREATE TABLE letters (letter TEXT)")
def downgrade():
    op.execute("DROP TABLE letters")
"""


@contextmanager
def opened(root, url=URL, **changes):
    with closing(Database(url, root, wait_seconds=1.0, **changes)) as database:
        yield database


def upgrade(root):
    with opened(root) as database:
        migrate.upgrade(database)


@pytest.fixture(params=[migrate.upgrade, migrate.make_or_upgrade], ids=["in steps", "at once"])
def make(request):
    """Both ways to make the tables."""
    return request.param


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated(request, tmp_path, make):
    """A connection to a database that was made by the migrations, or at once."""
    url = URL if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    with opened(tmp_path, url) as database:
        make(database)
        with database.reading() as session:
            yield session.connection()


@pytest.fixture
def versions(tmp_path, monkeypatch):
    """Three versions of a small database: the second can be taken back unless it holds a 7."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    shutil.copy(Path(migrate.__file__).parent / "migrations" / "env.py", folder)
    for revision, before, steps in (("01", None, FIRST), ("02", "01", SECOND), ("03", "02", THIRD)):
        head = f"from alembic import op\nrevision = {revision!r}\ndown_revision = {before!r}\n"
        (folder / "versions" / f"v{revision}.py").write_text(head + steps)

    def config():
        made = Config()
        made.set_main_option("script_location", str(folder))
        return made

    monkeypatch.setattr(migrate, "_config", config)
    monkeypatch.setattr(migrate, "HEAD", "03")


def test_the_head_is_that_of_the_migrations():
    assert migrate._scripts().get_heads() == [migrate.HEAD]


def test_a_database_that_is_up_to_date_opens_without_alembic(tmp_path):
    upgrade(tmp_path)
    program = f"""
import sys
from pathlib import Path
from omentum.store.store import Store
with Store.open({URL!r}, Path({str(tmp_path)!r})) as store:
    print("alembic" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_migrations_and_tables_agree(migrated):
    # PostgreSQL cannot compare two values of JSON, hence no defaults there.
    options = {"compare_type": True, "compare_server_default": migrated.dialect.name == "sqlite"}
    context = MigrationContext.configure(migrated, opts=options)
    assert compare_metadata(context, TableBase.metadata) == []


def test_migrations_and_tables_agree_on_keys_and_constraints(tmp_path):
    made, expected = create_engine("sqlite://"), {}
    TableBase.metadata.create_all(made)
    with made.connect() as connection:
        expected = constraints_of(connection)
    made.dispose()
    upgrade(tmp_path)
    with opened(tmp_path) as database, database.reading() as session:
        found = constraints_of(session.connection())
    del found["alembic_version"]
    assert found == expected


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_tables_that_are_made_at_once_are_those_of_all_migrations(tmp_path, request, kind):
    found = []
    for make in (migrate.upgrade, migrate.make_or_upgrade):
        url = URL if kind == "sqlite" else request.getfixturevalue("postgresql_url")
        with opened(tmp_path, url) as database:
            make(database)
            with database.reading() as session:
                found.append((constraints_of(session.connection()), columns_of(session.connection())))
            with database.writing() as session:
                TableBase.metadata.drop_all(session.connection())
                session.execute(text("DROP TABLE alembic_version"))
    assert found[0] == found[1]


def columns_of(connection):
    """Names, types, defaults and indexes of each table, in an order of their own."""
    inspector = inspect(connection)
    return {
        table: (
            {one["name"]: (str(one["type"]), one["nullable"], one["default"]) for one in columns},
            sorted(map(_stated, inspector.get_indexes(table))),
            inspector.get_check_constraints(table),
        )
        for table in inspector.get_table_names()
        for columns in [inspector.get_columns(table)]
    }


def _stated(index):
    options = {name: str(value) for name, value in index["dialect_options"].items()}
    return str({**index, "dialect_options": options})


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
    upgrade(tmp_path)
    before = (tmp_path / "omentum.db").read_bytes()
    upgrade(tmp_path)
    assert (tmp_path / "omentum.db").read_bytes() == before


def test_a_database_of_a_newer_version_is_refused_and_left_alone(tmp_path):
    upgrade(tmp_path)
    with closing(sqlite3.connect(tmp_path / "omentum.db")) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.execute("CREATE TABLE dreams (dream TEXT)")
        newer.commit()
    before = (tmp_path / "omentum.db").read_bytes()
    with pytest.raises(ProjectError, match=r"at version 9999, .* install a newer Omentum"):
        upgrade(tmp_path)
    assert (tmp_path / "omentum.db").read_bytes() == before


def test_an_upgrade_that_fails_leaves_the_database_as_it_was(tmp_path, monkeypatch):
    real_upgrade = command.upgrade

    def fail_at_the_end(*args):
        real_upgrade(*args)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "upgrade", fail_at_the_end)
    with pytest.raises(KeyboardInterrupt):
        upgrade(tmp_path)
    with closing(sqlite3.connect(tmp_path / "omentum.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    monkeypatch.undo()
    upgrade(tmp_path)
    with opened(tmp_path) as database:
        migrate.check_current(database)


def test_an_upgrade_says_nothing(tmp_path, capfd):
    before = logging.getLogger().handlers[:], logging.getLogger().level
    database = Database(URL, tmp_path, wait_seconds=1.0)
    migrate.upgrade(database)
    database.close()
    assert capfd.readouterr() == ("", "")
    assert (logging.getLogger().handlers, logging.getLogger().level) == before


def test_a_database_of_an_older_version_is_told_of_and_not_changed_by_reading(tmp_path):
    path = tmp_path / "omentum.db"
    upgrade(tmp_path)
    with closing(sqlite3.connect(path)) as older:
        older.execute("UPDATE alembic_version SET version_num = '0003'")
        older.commit()
    before = path.read_bytes()
    with opened(tmp_path, read_only=True) as database:
        with pytest.raises(ProjectError, match=r"older version \(0003, this Omentum has \w+\): any command"):
            migrate.check_current(database)
        with pytest.raises(ProjectError, match="is open for reading only"):
            migrate.upgrade(database)
    assert path.read_bytes() == before


def test_reading_refuses_a_newer_version_and_an_empty_database(tmp_path):
    (tmp_path / "omentum.db").touch()
    with opened(tmp_path, read_only=True) as database, pytest.raises(ProjectError, match=r"\(none, this"):
        migrate.check_current(database)
    upgrade(tmp_path)
    with closing(sqlite3.connect(tmp_path / "omentum.db")) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    with opened(tmp_path, read_only=True) as database, pytest.raises(ProjectError, match="install a newer"):
        migrate.check_current(database)


@pytest.fixture(params=["sqlite", "postgresql"])
def at_third(request, tmp_path, versions):
    """The small database at its third version."""
    url = URL if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    with opened(tmp_path, url) as database:
        migrate.upgrade(database)
        yield database


def tables_in(database):
    with database.reading() as session:
        return set(inspect(session.connection()).get_table_names()) - {"alembic_version"}


def test_a_database_goes_back_to_an_earlier_version_and_forth_again(at_third):
    migrate.downgrade(at_third, "01")
    assert tables_in(at_third) == {"numbers"}
    migrate.downgrade(at_third, "01")
    migrate.upgrade(at_third)
    assert tables_in(at_third) == {"numbers", "sums", "letters"}


def test_a_way_back_that_a_migration_refuses_changes_nothing(at_third):
    with at_third.writing() as session:
        session.execute(text("INSERT INTO numbers VALUES (7)"))
    with pytest.raises(ProjectError, match="a 7 does not fit into version 01"):
        migrate.downgrade(at_third, "01")
    assert tables_in(at_third) == {"numbers", "sums", "letters"}
    migrate.check_current(at_third)


def test_there_is_no_way_back_to_what_is_not_earlier(tmp_path, versions):
    with opened(tmp_path) as database:
        with pytest.raises(ProjectError, match="at version none and cannot go back to '01'"):
            migrate.downgrade(database, "01")
        migrate.upgrade(database)
        migrate.downgrade(database, "02")
        for to in ("03", "base", "-1"):
            with pytest.raises(ProjectError, match=f"cannot go back to '{to}'; name one of 01, 02"):
                migrate.downgrade(database, to)


def test_a_version_without_a_way_back_is_named(tmp_path):
    upgrade(tmp_path)
    with opened(tmp_path) as database, pytest.raises(ProjectError, match="no way back from version 000"):
        migrate.downgrade(database, "0001")
