"""What is wrong with a database is said in a sentence."""

import builtins
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from omentum.errors import ProjectError
from omentum.store.database import Database
from omentum.store.migrate import upgrade

URL = "sqlite:///omentum.db"


@pytest.fixture
def database(tmp_path):
    opened = Database(URL, tmp_path, wait_seconds=1.0)
    with opened.writing() as session:
        session.execute(text("CREATE TABLE numbers (number INTEGER PRIMARY KEY)"))
    yield opened
    opened.close()


@pytest.fixture
def on_postgresql(postgresql_url, tmp_path):
    """Open a PostgreSQL database that has the same table."""
    with closing(Database(postgresql_url, tmp_path, wait_seconds=0.1)) as opened:
        with opened.writing() as session:
            session.execute(text("CREATE TABLE numbers (number INTEGER PRIMARY KEY)"))
        yield opened


def opened_today(url, root, wait_seconds=1.0):
    """Open a database as a store does, and close it."""
    with closing(Database(url, root, wait_seconds=wait_seconds)) as opened:
        upgrade(opened)


def numbers_in(database):
    with database.reading() as session:
        return list(session.scalars(text("SELECT number FROM numbers ORDER BY number")))


def test_a_write_that_fails_half_way_leaves_nothing(database):
    def write_and_stop():
        with database.writing() as session:
            session.execute(text("INSERT INTO numbers VALUES (1)"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_stop()
    assert numbers_in(database) == []


def test_a_reader_sees_one_state_while_another_writes(database, tmp_path):
    other = Database(URL, tmp_path, wait_seconds=1.0)
    with closing(other), database.reading() as session:
        count = text("SELECT count(*) FROM numbers")
        assert session.scalar(count) == 0
        with other.writing() as writer:
            writer.execute(text("INSERT INTO numbers VALUES (1)"))
        assert session.scalar(count) == 0
    assert numbers_in(database) == [1]


def count_numbers(session):
    return session.scalar(text("SELECT count(*) FROM numbers"))


def test_in_one_state_the_same_question_is_asked_once(database):
    asked = []

    def ask(session):
        asked.append(count_numbers(session))
        return asked[-1]

    with database.reading_together():
        assert database.read_once("how many", ask) == 0
        with database.writing() as session:
            session.execute(text("INSERT INTO numbers VALUES (1)"))
        with database.reading_together():
            assert database.read_once("how many", ask) == 0
    assert asked == [0]
    assert database.read_once("how many", ask) == 1
    assert database.read_once("how many", ask) == 1
    assert asked == [0, 1, 1]


def test_a_transaction_that_writes_is_asked_anew_each_time(database):
    with database.reading_together(), database.together():
        for n in (0, 1):
            with database.reading_together():
                assert database.read_once("how many", count_numbers) == n
            with database.writing() as session:
                session.execute(text("INSERT INTO numbers VALUES (:n)"), {"n": n})


def test_who_reads_and_then_writes_waits_for_its_turn(database, tmp_path):
    other = Database(URL, tmp_path, wait_seconds=0.1)
    with closing(other), database.writing() as session:
        session.execute(text("INSERT INTO numbers VALUES (1)"))
        with pytest.raises(ProjectError, match="another program keeps it locked"), other.writing() as late:
            late.execute(text("SELECT count(*) FROM numbers"))
    assert numbers_in(database) == [1]


def test_sqlite_keeps_a_write_ahead_log_and_its_references(database):
    with database.reading() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def test_our_own_mistakes_are_not_dressed_up_as_the_users(database):
    with pytest.raises(IntegrityError), database.writing() as session:
        session.execute(text("INSERT INTO numbers VALUES (1), (1)"))
    with pytest.raises(OperationalError, match="no such table"), database.reading() as session:
        session.execute(text("SELECT * FROM letters"))


def test_a_locked_database_is_refused_after_the_wait(tmp_path):
    with closing(sqlite3.connect(tmp_path / "omentum.db", isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ProjectError, match="another program keeps it locked"):
            opened_today(URL, tmp_path, wait_seconds=0.1)


def test_a_database_of_this_version_opens_while_another_writes(tmp_path):
    opened_today(URL, tmp_path)
    with closing(sqlite3.connect(tmp_path / "omentum.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        opened_today(URL, tmp_path, wait_seconds=0.1)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "omentum.db"
    path.write_bytes(b"\x1f\x8b a gzipped CT, perhaps" * 100)
    before = path.read_bytes()
    with pytest.raises(ProjectError, match=r"omentum\.db: it is no SQLite database"):
        opened_today(URL, tmp_path)
    assert path.read_bytes() == before


def test_a_damaged_database_is_refused(tmp_path):
    path = tmp_path / "omentum.db"
    opened_today(URL, tmp_path)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(ProjectError, match="damaged; move it away and bring a backup back"):
        opened_today(URL, tmp_path)


def test_a_database_in_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ProjectError, match="its folder must exist"):
        opened_today("sqlite:///deeper/omentum.db", tmp_path)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("omentum.db", "is no database URL"),
        ("postgresql+psycopg://me:hunter2@there:port/atlas", "is no database URL"),
        ("me:hunter2@there", "is no database URL"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite://omentum.db", "names no file"),
        ("mysql://me:hunter2@there/atlas", "mysql:// is unknown"),
        ("postgresql://me:hunter2@there/atlas", "known are sqlite and postgresql+psycopg"),
    ],
)
def test_a_url_that_cannot_be_is_refused_without_its_password(tmp_path, url, said):
    with pytest.raises(ProjectError) as caught:
        opened_today(url, tmp_path)
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_postgresql_without_its_driver_says_what_to_install(tmp_path, monkeypatch):
    real_import = builtins.__import__

    def no_psycopg(name, *args, **kwargs):
        if name.partition(".")[0] == "psycopg":
            raise ModuleNotFoundError("No module named 'psycopg'")
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_psycopg)
    with pytest.raises(ProjectError, match=r"pip install omentum\[postgres\]"):
        opened_today("postgresql+psycopg://me@there/atlas", tmp_path)


def test_who_claims_on_sqlite_waits_for_the_writer(database, tmp_path):
    other = Database(URL, tmp_path, wait_seconds=0.1)
    with closing(other), database.writing() as session:
        session.execute(text("INSERT INTO numbers VALUES (1)"))
        with pytest.raises(ProjectError, match="keeps it locked"), other.claiming() as late:
            late.execute(text("SELECT count(*) FROM numbers"))


def test_a_claim_inside_a_larger_transaction_is_part_of_it(database):
    def claim_and_stop():
        with database.together():
            with database.claiming() as session:
                session.execute(text("INSERT INTO numbers VALUES (1)"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        claim_and_stop()
    assert numbers_in(database) == []


def test_claims_on_postgresql_do_not_queue_behind_a_writer(on_postgresql, postgresql_url, tmp_path):
    other = Database(postgresql_url, tmp_path, wait_seconds=0.1)
    with closing(other), on_postgresql.writing() as writer:
        writer.execute(text("INSERT INTO numbers VALUES (1)"))
        with other.claiming() as session:
            session.execute(text("INSERT INTO numbers VALUES (2)"))
        assert numbers_in(other) == [2]
        with pytest.raises(ProjectError, match="another program keeps it locked"), other.writing() as late:
            late.execute(text("SELECT count(*) FROM numbers"))
    assert numbers_in(on_postgresql) == [1, 2]


def test_in_one_state_the_servers_clock_stands_still(on_postgresql):
    with on_postgresql.reading_together(), on_postgresql.reading() as session:
        began = on_postgresql.now(session)
        assert on_postgresql.now(session) == began
    with on_postgresql.reading() as session:
        assert on_postgresql.now(session) > began


def test_a_claim_that_must_wait_for_a_row_gives_up_in_a_sentence(on_postgresql, postgresql_url, tmp_path):
    other = Database(postgresql_url, tmp_path, wait_seconds=0.1)
    same = text("INSERT INTO numbers VALUES (1)")
    with closing(other), on_postgresql.writing() as writer:
        writer.execute(same)
        with pytest.raises(ProjectError, match="keeps it locked"), other.claiming() as session:
            session.execute(same)


def test_the_clock_is_the_databases_and_goes_on_within_a_transaction(database, on_postgresql):
    for one in (database, on_postgresql):
        with one.reading() as session:
            first, second = one.now(session), one.now(session)
        assert first.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - first) < timedelta(minutes=1)
        assert first < second or one.is_sqlite


def test_a_postgresql_server_refuses_what_writes(postgresql_url, tmp_path):
    with (
        closing(Database(postgresql_url, tmp_path, wait_seconds=0.1, read_only=True)) as database,
        pytest.raises(ProjectError, match="takes no writes"),
        database.reading() as session,
    ):
        session.execute(text("CREATE TABLE numbers (number INTEGER)"))
