"""The next task is found by indexes, and noted without waiting for others."""

from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event, text

from omentum.records import TaskState
from omentum.store.database import Database
from omentum.store.open_tasks import OpenFilter
from omentum.store.store import Store

LASTING = timedelta(minutes=1)
FILTERS = (
    OpenFilter(),
    OpenFilter(organ="liver", without=frozenset({7})),
    OpenFilter(own_first=True, beside_own=frozenset({"liver"})),
)


@pytest.fixture
def plans(tmp_path):
    """How SQLite finds what it is asked, statement by statement, from now on."""
    found = []

    def explain(_connection, cursor, statement, parameters, _context, _many):
        if statement.startswith("SELECT"):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            found.append("\n".join(row[3] for row in cursor.fetchall()))

    event.listen(Engine, "before_cursor_execute", explain)
    yield found
    event.remove(Engine, "before_cursor_execute", explain)


@pytest.fixture
def busy(store, case_of, task_of):
    """A store in whose round a task has ended."""
    store.cases.add_all([case_of(name) for name in "abc"])
    store.rounds.start("starter")
    first, *_ = store.tasks.replace(1, [task_of(name, rank) for rank, name in enumerate("abc", start=1)])
    store.tasks.set_state([first.number], TaskState.DONE)
    return store


@pytest.mark.parametrize("only", FILTERS)
def test_neither_tasks_that_ended_nor_cases_that_take_part_are_read_for_the_next_task(busy, plans, only):
    assert busy.open_tasks.claim_first(1, "anna", LASTING, only) == 2
    claim = plans[-1]
    assert "tasks USING INDEX ix_tasks_open" in claim
    assert "SCAN cases USING INDEX ix_cases_excluded" in claim
    assert "SCAN leases" not in claim


def test_what_a_reader_has_is_found_by_the_leases(busy, plans):
    busy.open_tasks.claim_first(1, "anna", LASTING)
    assert [one.number for one in busy.open_tasks.held(1, "anna")] == [2]
    assert plans[-1].startswith("SEARCH leases USING INDEX ix_leases_pool_holder")
    assert "tasks USING INTEGER PRIMARY KEY" in plans[-1]


def test_a_claim_is_noted_while_another_program_writes(postgresql_url, tmp_path, case_of, task_of):
    with Store.open(postgresql_url, tmp_path, wait_seconds=1.0) as store:
        store.cases.add(case_of("a"))
        store.rounds.start("starter")
        (task,) = store.tasks.replace(1, [task_of("a", 1)])
        with (
            closing(Database(postgresql_url, tmp_path, wait_seconds=1.0)) as other,
            other.writing() as writer,
        ):
            writer.execute(text("UPDATE cases SET source = 'elsewhere'"))
            store.tasks.claimed(task)
        assert store.tasks.get(task.number).state is TaskState.CLAIMED
