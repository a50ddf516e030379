"""A backup holds every row of a database at one moment, and brings back just that, or nothing."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import delete

from fixtures.large_project import fill_project
from fixtures.large_size import LargeProject
from omentum.errors import BackupError, ProjectError
from omentum.store import migrate
from omentum.store.backup import read_backup, restore_backup, write_backup
from omentum.store.copy_tables import copy_tables, digests_of, is_unused
from omentum.store.database import Database
from omentum.store.review_tables import LeaseRow, RevisionRow, TaskRow
from omentum.store.store import Store
from omentum.store.tasks import pool_of

URL = "sqlite:///omentum.db"
SIZE = LargeProject(n_cases=5, n_rounds=3)
SECRET = b"\x07" * 32


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """The folder of a project whose database has rows of most kinds."""
    root = tmp_path_factory.mktemp("filled") / "atlas"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("omentum.project.paths._write_secret", lambda path: path.write_text(SECRET.hex()))
        fill_project(root, SIZE)
    return root


@pytest.fixture
def source(filled):
    """That database, open for reading only."""
    with closing(Database(URL, filled, wait_seconds=5.0, read_only=True, secret=lambda: SECRET)) as database:
        yield database


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request, tmp_path):
    """An empty database of each kind, with today's tables."""
    url = URL if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    with closing(Database(url, tmp_path, wait_seconds=5.0, secret=lambda: SECRET)) as database:
        migrate.upgrade(database)
        yield database


def held(database):
    with database.reading() as session:
        return digests_of(session)


def test_a_database_has_no_row_until_it_is_used(target):
    with target.reading() as session:
        assert is_unused(session)


def test_every_row_arrives_as_it_is_in_each_kind_of_database(source, target):
    with source.reading() as read, target.writing() as session:
        copied = copy_tables(read, session)
    assert copied == held(source) == held(target)
    assert copied["revisions"].n_rows > 0
    assert copied["organ_scores"].n_rows == 5 * 32 * 3


def test_a_backup_of_each_kind_of_database_brings_back_every_row(source, target, tmp_path):
    with source.reading() as read, target.writing() as session:
        copy_tables(read, session)
    made = write_backup(target, tmp_path / "backups/a.db")
    before = held(target)
    with target.writing() as session:
        session.execute(delete(RevisionRow).where(RevisionRow.number > 2))
    check = restore_backup(target, read_backup(made.path))
    after = held(target)
    assert {name for name in before if before[name] != after[name]} == {"log_entries"}
    assert check.problems == ()
    assert after["log_entries"].n_rows == before["log_entries"].n_rows + 1


def test_a_number_that_people_have_seen_is_not_given_again(source, target, tmp_path):
    with source.reading() as read, target.writing() as session:
        copy_tables(read, session)
        last = session.query(TaskRow).order_by(TaskRow.number.desc()).first().number
        session.execute(delete(LeaseRow).where(LeaseRow.key == str(last)))
        session.execute(delete(TaskRow).where(TaskRow.number == last))
    restore_backup(target, write_backup(target, tmp_path / "a.db"))
    with target.writing() as session:
        kept = session.query(TaskRow).first()
        values = {column.key: getattr(kept, column.key) for column in TaskRow.__table__.columns}
        session.add(TaskRow(**{**values, "number": None}))
        session.flush()
        assert session.query(TaskRow).order_by(TaskRow.number.desc()).first().number == last + 1


def test_a_backup_is_for_its_owner_alone_and_one_file(source, tmp_path):
    write_backup(source, tmp_path / "a.db")
    read_backup(tmp_path / "a.db")
    assert [path.name for path in tmp_path.iterdir()] == ["a.db"]
    assert (tmp_path / "a.db").stat().st_mode & 0o777 == 0o600


def test_a_backup_is_never_overwritten(source, tmp_path):
    (tmp_path / "a.db").write_text("mine")
    with pytest.raises(BackupError, match="is there already"):
        write_backup(source, tmp_path / "a.db")
    assert (tmp_path / "a.db").read_text() == "mine"


def test_what_is_being_written_meanwhile_is_not_waited_for_and_not_in_it(each_store, tmp_path, task_of):
    with each_store.together():
        each_store.tasks.add(task_of("a"))
        made = in_a_thread(lambda: each_store.back_up(tmp_path / "backups/a.db"))
    assert read_backup(made.path).tables["tasks"].n_rows == 0
    assert len(each_store.tasks.of_round(1)) == 1


def in_a_thread(function):
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(function).result(timeout=60)


CHANGES = (
    "UPDATE revisions SET organ = 'colon' WHERE number = 1",
    "DELETE FROM log_entries WHERE number = 2",
    "UPDATE cases SET held_out = 1 - held_out",
    "DROP TABLE facts",
    "UPDATE sqlite_sequence SET seq = 1",
    "UPDATE omentum_backup SET manifest = replace(manifest, 'time', 'Time')",
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_backup_that_was_changed_is_refused(source, tmp_path, change):
    write_backup(source, tmp_path / "a.db")
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute(change)
        connection.commit()
    with pytest.raises(BackupError, match=r"not (hold )?what was written"):
        read_backup(tmp_path / "a.db")


def test_a_file_that_is_cut_off_or_no_backup_is_refused(source, store, tmp_path):
    path = tmp_path / "a.db"
    write_backup(source, path)
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"no database at all" * 1000):
        path.write_bytes(content)
        with pytest.raises(ProjectError, match=r"no backup|damaged"):
            read_backup(path)
    with pytest.raises(BackupError, match="no backup"):
        read_backup(tmp_path / "omentum.db")
    with pytest.raises(BackupError, match="no such file"):
        read_backup(tmp_path / "b.db")


def test_a_backup_of_an_older_version_gets_todays_tables_and_itself_stays(target, source, tmp_path):
    with closing(Database("sqlite:///older.db", tmp_path, wait_seconds=5.0)) as older:
        migrate.upgrade(older)
        with source.reading() as read, older.writing() as session:
            copy_tables(read, session)
        migrate.downgrade(older, "0010")
        made = write_backup(older, tmp_path / "a.db")
    before = made.path.read_bytes()
    restore_backup(target, read_backup(made.path))
    assert held(target)["cases"] == held(source)["cases"]
    assert made.version == "0010"
    assert made.path.read_bytes() == before


def test_a_backup_of_a_newer_version_is_refused(source, target, tmp_path):
    made = write_backup(source, tmp_path / "newer.db")
    with closing(sqlite3.connect(made.path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("DROP TABLE omentum_backup")
        connection.commit()
    with closing(Database("sqlite:///newer.db", tmp_path, wait_seconds=5.0)) as newer:
        made = write_backup(newer, tmp_path / "a.db")
    with pytest.raises(ProjectError, match="install a newer Omentum"):
        restore_backup(target, read_backup(made.path))
    with target.reading() as session:
        assert is_unused(session)


def test_a_backup_with_a_broken_audit_log_is_taken_only_where_a_person_says_so(source, target, tmp_path):
    with source.reading() as read, target.writing() as session:
        copy_tables(read, session)
        session.get(RevisionRow, 1).organ = "colon"
    made = write_backup(target, tmp_path / "a.db")
    before = held(target)
    with pytest.raises(BackupError, match="its audit log is not as it was written"):
        restore_backup(target, made)
    assert held(target) == before
    assert restore_backup(target, made, accept_log=True).problems


def test_claims_come_back_as_they_were(each_store, tmp_path, task_of):
    (task,) = each_store.tasks.replace(1, [task_of("a")])
    each_store.leases.claim(pool_of(1), "reader-1", 1, timedelta(days=1))
    before = each_store.leases.all(pool_of(1))
    made = each_store.back_up(tmp_path / "a.db")
    each_store.leases.give_back(pool_of(1), str(task.number), "reader-1")
    each_store.restore(made)
    assert each_store.leases.all(pool_of(1)) == before


def test_a_project_that_was_just_made_is_told_from_one_that_is_used(tmp_path, case_of):
    with Store.open(URL, tmp_path) as store:
        assert store.is_just_made()
        store.rounds.start("starter")
        store.facts.set("a", "b")
        assert store.is_just_made()
        store.cases.add(case_of("a"))
        assert not store.is_just_made()
