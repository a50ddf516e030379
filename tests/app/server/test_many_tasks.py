"""What a reader asks for costs as many questions to the database, however many tasks there are."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import current_thread

from sqlalchemy import Engine, event

from omentum.app.server import kept_counts
from omentum.records import Task
from omentum.review.claims import claim_next
from omentum.review.tasks import ANY_TASK


@contextmanager
def statements() -> Iterator[list[str]]:
    """Note the statements that requests send to databases, with their values.

    Who may come in is read once a second besides.
    """
    noted: list[str] = []

    def note(_connection, _cursor, statement, parameters, *_more) -> None:
        if not current_thread().name.startswith("accounts"):
            noted.append(f"{statement} {parameters}")

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def add_tasks(project, n: int) -> None:
    """Put tasks of cases without files at the end of the queue."""
    case, store = project.store.cases.get("a"), project.store
    names = [f"more_{number}" for number in range(n)]
    store.cases.add_all([replace(case, case_id=name, patient_id=name, source=name) for name in names])
    tasks = [*store.tasks.of_round(1)]
    tasks += [
        Task(round_number=1, case_id=name, organ="liver", rank=len(tasks) + rank, attention_ml=1.0)
        for rank, name in enumerate(names, start=1)
    ]
    store.tasks.replace(1, tasks)


def asked_of(client) -> dict[str, int]:
    """Count the statements of each request, the first of its kind left out."""
    found = {}
    for name, ask in {
        "queue": lambda: client.get("/api/queue"),
        "next": lambda: client.post("/api/tasks/next", json={"warm": False}),
        "new next": lambda: client.post("/api/tasks/next", json={"without": [1], "warm": False}),
        "detail": lambda: client.get("/api/tasks/1"),
    }.items():
        with statements() as noted:
            answer = ask()
        assert answer.status_code == 200
        found[name] = len(noted)
    return found


def test_more_tasks_take_no_more_statements(client, queued):
    client.post("/api/tasks/next", json={"warm": False})
    client.post("/api/tasks/next", json={"without": [1], "warm": False})
    few = asked_of(client)
    add_tasks(queued.workspace, 60)
    assert asked_of(client) == few


def test_nothing_is_read_twice_to_tell_the_details_of_a_task(client):
    with statements() as noted:
        assert client.get("/api/tasks/1").status_code == 200
    asked = [one for one in noted if one.startswith("SELECT")]
    of_case = [one for one in asked if "FROM tasks" not in one]
    assert len(of_case) == len(set(of_case)) > 5


def test_readers_who_hold_tasks_cost_others_no_statement(client, queued):
    client.post("/api/tasks/next", json={"warm": False})
    add_tasks(queued.workspace, 30)
    client.post("/api/tasks/next", json={"without": [1], "warm": False})
    few = asked_of(client)
    leases = queued.workspace.store.leases
    for number in range(20):
        leases.claim("tasks 1", f"reader-{number}", 1, timedelta(hours=1))
    assert asked_of(client) == few


def test_a_large_number_of_free_tasks_is_counted_once_a_minute(queued, monkeypatch):
    monkeypatch.setattr(kept_counts, "EXACT_BELOW", 3)
    seconds = iter([0.0, 10.0, 20.0, 61.0, 62.0])
    counts = kept_counts.KeptCounts(queued.workspace, lambda: next(seconds))
    assert counts.n_free("anna", ANY_TASK) == 4
    claim_next(queued.workspace, "anna")
    assert counts.n_free("anna", ANY_TASK) == 4
    assert counts.n_free("ben", ANY_TASK) == 3
    assert counts.n_free("anna", ANY_TASK) == 3


def test_a_small_number_of_free_tasks_is_counted_anew(queued):
    counts = kept_counts.KeptCounts(queued.workspace)
    assert counts.n_free("anna", ANY_TASK) == 4
    claim_next(queued.workspace, "anna")
    assert counts.n_free("anna", ANY_TASK) == 3


def test_tasks_that_are_read_twice_take_no_statement_each(client, queued):
    add_tasks(queued.workspace, 10)
    asked_of(client)
    queued.workspace.store.tasks.want_readings(5, 2)
    few = asked_of(client)["queue"]
    for number in range(6, 13):
        queued.workspace.store.tasks.want_readings(number, 2)
    assert asked_of(client)["queue"] == few
