"""A SQLite file is read without the right to write to it."""

import os
import pwd
import shutil
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from omentum.errors import ProjectError
from omentum.store.database import Database, is_writable

URL = "sqlite:///omentum.db"


@pytest.fixture
def folder():
    """A folder that any user can reach, with a database that holds the number 1."""
    made = Path(tempfile.mkdtemp(prefix="omentum-"))
    made.chmod(0o755)
    root = made / "50% done? #1"
    root.mkdir()
    with closing(Database(URL, root, wait_seconds=1.0)) as database, database.writing() as session:
        session.execute(text("CREATE TABLE numbers (number INTEGER PRIMARY KEY)"))
        session.execute(text("INSERT INTO numbers VALUES (1)"))
    yield root
    root.chmod(0o755)
    shutil.rmtree(made)


@contextmanager
def without_rights(root):
    """Be a user who may read a folder and its files, and write to none."""
    for path in (*root.iterdir(), root):
        path.chmod(0o555 if path.is_dir() else 0o444)
    if os.geteuid() != 0:
        yield
        return
    nobody = pwd.getpwnam("nobody").pw_uid
    os.setresuid(nobody, nobody, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def numbers_read(root):
    with (
        closing(Database(URL, root, wait_seconds=0.1, read_only=True)) as database,
        database.reading() as session,
    ):
        return list(session.scalars(text("SELECT number FROM numbers ORDER BY number")))


def state_of(root):
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_size) for path in (root, *root.iterdir())}


def write(path, number):
    """Open a file as another program does, write to it, and keep it open."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("INSERT INTO numbers VALUES (?)", (number,))
    return other


def killed_while_writing(root):
    """Leave what a program leaves that is killed: its last writes in the log."""
    with closing(write(root / "omentum.db", 2)):
        saved = {path.name: path.read_bytes() for path in root.iterdir()}
    for name, content in saved.items():
        (root / name).write_bytes(content)


def test_who_may_only_read_reads_and_changes_nothing(folder):
    before = state_of(folder)
    assert is_writable(folder, URL)
    with without_rights(folder):
        assert not is_writable(folder, URL)
        assert numbers_read(folder) == [1]
    assert state_of(folder) == before


def test_who_may_only_read_sees_what_another_writes_meanwhile(folder):
    with closing(write(folder / "omentum.db", 2)) as other, without_rights(folder):
        assert numbers_read(folder) == [1, 2]
        other.execute("INSERT INTO numbers VALUES (3)")
        assert numbers_read(folder) == [1, 2, 3]


def test_the_log_that_a_killed_program_left_is_read_too(folder):
    killed_while_writing(folder)
    before = state_of(folder)
    with without_rights(folder):
        assert numbers_read(folder) == [1, 2]
    assert state_of(folder) == before


def test_a_log_that_cannot_be_read_without_writing_is_told(folder):
    killed_while_writing(folder)
    (folder / "omentum.db-shm").unlink()
    with without_rights(folder), pytest.raises(ProjectError, match="its last writes are still in a file"):
        numbers_read(folder)


def test_what_was_read_while_the_file_changed_is_not_trusted(folder, monkeypatch):
    # A folder that only others may write to: this user's SQLite takes no lock there.
    monkeypatch.setattr("omentum.store.sqlite.is_writable", lambda _path: False)
    database = Database(URL, folder, wait_seconds=0.1, read_only=True)

    def read_meanwhile():
        with database.reading() as session:
            session.scalar(text("SELECT count(*) FROM numbers"))
            write(folder / "omentum.db", 2).close()

    with pytest.raises(ProjectError, match="another user wrote to it while it was read"):
        read_meanwhile()
    assert numbers_read(folder) == [1, 2]


@pytest.mark.parametrize("write", ["writing", "claiming", "together"])
def test_what_writes_is_refused_where_a_project_is_open_for_reading_only(tmp_path, write):
    with (
        closing(Database(URL, tmp_path, wait_seconds=0.1, read_only=True)) as database,
        pytest.raises(ProjectError, match="is open for reading only"),
        getattr(database, write)(),
    ):
        pass


def test_reading_makes_no_database(tmp_path):
    with pytest.raises(ProjectError, match="there is no such file"):
        numbers_read(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_may_not_be_read_is_told(folder, monkeypatch):
    with without_rights(folder):
        monkeypatch.setattr(os, "access", lambda _path, mode: mode == os.F_OK)
        with pytest.raises(ProjectError, match="you may not read this file"):
            numbers_read(folder)


def test_a_project_on_a_server_is_writable_where_its_folder_is(folder):
    url = "postgresql+psycopg://me@there/atlas"
    assert is_writable(folder, url)
    with without_rights(folder):
        assert not is_writable(folder, url)
    assert not is_writable(folder / "missing", url)
