"""A database moves as a whole, into either kind, and what is in the way is left alone."""

from contextlib import closing

import pytest

from omentum.errors import ProjectError
from omentum.store.copy_tables import digests_of
from omentum.store.database import Database
from omentum.store.store import Store

URL = "sqlite:///omentum.db"


@pytest.fixture(params=["to sqlite", "to postgresql", "from postgresql"])
def way(request, tmp_path):
    """Where a database is, and where it goes."""
    other = (
        "sqlite:///other.db" if request.param == "to sqlite" else request.getfixturevalue("postgresql_url")
    )
    return (other, URL) if request.param == "from postgresql" else (URL, other)


@pytest.fixture
def source(way, tmp_path, case_of, revision_of, task_of):
    """A database with cases, a task, a claim and revisions."""
    with Store.open(way[0], tmp_path) as store:
        store.cases.add_all([case_of("é 1"), case_of("a", held_out=True)])
        store.rounds.start("starter")
        store.tasks.add(task_of("a", error_ml=1 / 3))
        store.revisions.add(revision_of(comment='a "quoted"\ttext\\ of\ntwo lines'))
        yield store


def held(url, root):
    with closing(Database(url, root, wait_seconds=5.0)) as database, database.reading() as session:
        return digests_of(session)


def test_every_row_is_in_both_databases_and_the_log_is_whole(source, way, tmp_path):
    with source.copied_to(way[1]) as copied:
        pass
    assert held(way[1], tmp_path) == held(way[0], tmp_path) == copied.tables
    assert copied.check.problems == ()
    assert not copied.is_from_before
    with Store.open(way[1], tmp_path) as moved:
        assert moved.revisions.all() == source.revisions.all()
        assert moved.tasks.of_round(1) == source.tasks.of_round(1)
        assert [case.case_id for case in moved.cases.all()] == ["a", "é 1"]


def test_the_moved_database_goes_on_with_the_next_number(source, way, tmp_path, task_of, revision_of):
    with source.copied_to(way[1]):
        pass
    with Store.open(way[1], tmp_path) as moved:
        assert moved.tasks.add(task_of("a", organ="spleen")).number == 2
        assert moved.revisions.add(revision_of()).number == 2
        assert moved.log.check().problems == ()


def test_nobody_writes_to_the_old_database_while_it_moves(source, way, tmp_path, task_of):
    with (
        source.copied_to(way[1]),
        Store.open(way[0], tmp_path, wait_seconds=0.1) as other,
        pytest.raises(ProjectError, match="keeps it locked"),
    ):
        other.tasks.add(task_of("a", organ="spleen"))


def test_a_whole_copy_from_a_move_that_ended_early_is_taken_as_it_is(source, way, tmp_path):
    with pytest.raises(KeyboardInterrupt), source.copied_to(way[1]):
        raise KeyboardInterrupt
    with source.copied_to(way[1]) as copied:
        assert copied.is_from_before
    assert held(way[1], tmp_path) == held(way[0], tmp_path)


def test_a_copy_that_fails_leaves_no_row(source, way, tmp_path, monkeypatch):
    from omentum.store import copy_tables

    def fail(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(copy_tables, "go_on_after", fail)
        with pytest.raises(KeyboardInterrupt), source.copied_to(way[1]):
            pass
    assert all(one.n_rows == 0 for one in held(way[1], tmp_path).values())
    with source.copied_to(way[1]) as copied:
        assert not copied.is_from_before


def test_a_database_that_holds_something_else_is_left_alone(source, way, tmp_path, case_of):
    with Store.open(way[1], tmp_path) as other:
        other.cases.add(case_of("b"))
    before = held(way[1], tmp_path)
    with pytest.raises(ProjectError, match="holds something else already"), source.copied_to(way[1]):
        pass
    assert held(way[1], tmp_path) == before


def test_a_database_does_not_move_to_where_it_is(source, way):
    with pytest.raises(ProjectError, match=r"is in .* already"), source.copied_to(way[0]):
        pass


def test_no_message_shows_a_password(tmp_path):
    url = "postgresql+psycopg://lab:pa55word@/atlas?host=/nowhere&password=pa55word"
    with (
        Store.open(URL, tmp_path) as store,
        pytest.raises(ProjectError) as refused,
        store.copied_to(url),
    ):
        pass
    assert "pa55word" not in str(refused.value)
    assert "lab:***@/atlas" in str(refused.value)
