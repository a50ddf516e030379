"""A database that a project has moved away from is read, and refuses every write; a move back lifts that."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from omentum.errors import ProjectError
from omentum.store.copy_tables import all_tables
from omentum.store.database import Database
from omentum.store.store import Store

URL = "sqlite:///omentum.db"
MOVED = r"takes no writes, as the project has moved to .*; start the program again"


@pytest.fixture(params=["to sqlite", "to postgresql", "from postgresql"])
def way(request, tmp_path):
    """Where a database is, and where it goes; the names have what SQL has to be told of."""
    other = (
        "sqlite:///it's 100%.db"
        if request.param == "to sqlite"
        else request.getfixturevalue("postgresql_url").replace("/tmp", "%2Ftmp")
    )
    return (other, URL) if request.param == "from postgresql" else (URL, other)


@pytest.fixture
def source(way, tmp_path, case_of):
    """A database with a case and a job; a program that has it open."""
    with Store.open(way[0], tmp_path) as store:
        store.cases.add(case_of("a"))
        store.rounds.start("starter")
        store.ledger.offer("predict starter", ["a"])
        yield store


def test_programs_that_have_it_open_read_on_and_are_told_where_it_went(source, way, tmp_path, case_of):
    with source.copied_to(way[1]) as copied:
        pass
    for write in (
        lambda: source.cases.add(case_of("b")),
        lambda: source.ledger.claim("predict starter", "here:1:a", 1, timedelta(seconds=9)),
        lambda: source.ledger.mark_done("predict starter", "a"),
        lambda: source.facts.set("x", "y"),
        lambda: source.cases.exclude("a", "motion"),
    ):
        with pytest.raises(ProjectError, match=MOVED) as refused:
            write()
        assert copied.name in str(refused.value)
    assert source.cases.names() == {"a"}
    with Store.open(way[1], tmp_path) as moved:
        moved.cases.add(case_of("b"))
        assert moved.ledger.claim("predict starter", "here:1:a", 1, timedelta(seconds=9)) == ["a"]


def test_every_table_is_closed(source, way, tmp_path):
    with source.copied_to(way[1]):
        pass
    database = Database(way[0], tmp_path, wait_seconds=5.0)
    for table in all_tables():
        with pytest.raises(ProjectError, match=MOVED), database.writing() as session:
            session.execute(text(f"INSERT INTO {table.name} DEFAULT VALUES"))
    database.close()


def test_a_move_that_does_not_come_to_its_end_closes_nothing(source, way, case_of):
    with pytest.raises(KeyboardInterrupt), source.copied_to(way[1]):
        raise KeyboardInterrupt
    source.cases.add(case_of("b"))


def test_a_move_back_opens_the_database_again(source, way, tmp_path, case_of):
    with source.copied_to(way[1]):
        pass
    with source.copied_to(way[1]) as again:
        assert again.is_from_before, "the same move may be made again"
    with Store.open(way[1], tmp_path) as moved, moved.copied_to(way[0]) as back:
        assert back.is_from_before
    source.cases.add(case_of("b"))
    assert source.cases.names() == {"a", "b"}
