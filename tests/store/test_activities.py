from datetime import UTC, datetime, timedelta

import pytest

from omentum.store.database import Database
from omentum.store.mentions import Mentions

MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock(monkeypatch):
    """A clock of the database that is set by hand; each entry is a number of seconds since noon."""
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    shown = {"seconds": 0.0}
    monkeypatch.setattr(Database, "now", lambda *_: noon + timedelta(seconds=shown["seconds"]))

    def set_to(seconds):
        shown["seconds"] = seconds
        return noon + timedelta(seconds=seconds)

    return set_to


@pytest.fixture
def tasks(each_store, task_of):
    """A liver to look at in each of two cases."""
    return each_store.tasks.replace(1, [task_of("a", 1), task_of("b", 2)])


@pytest.fixture
def sign(each_store, clock):
    """Function: note that a reader is at work on a task at a time: `sign(task, 30)`."""

    def note(task, seconds, reader="anna", **actions):
        clock(seconds)
        return each_store.activities.add(task, reader, actions, idle_after=MINUTE)

    return note


def test_time_between_signs_counts_and_a_break_does_not(each_store, tasks, sign):
    counted = [sign(tasks[0], seconds).seconds for seconds in (0, 20, 80, 141, 150)]
    assert counted == [0, 20, 60, 0, 9]
    assert each_store.activities.seconds(tasks[0].number, "anna") == 89


def test_time_counts_once_for_a_reader_with_two_tasks_open_and_for_each_of_two_readers(
    each_store, tasks, sign
):
    for seconds in range(0, 101, 10):
        sign(tasks[seconds // 10 % 2], seconds)
        sign(tasks[0], seconds, "ben")
    assert each_store.activities.seconds_by_reader() == {"anna": 100, "ben": 100}
    assert each_store.activities.seconds(tasks[1].number, "anna") == 50
    assert each_store.activities.seconds(tasks[1].number, "ben") == 0


def test_a_clock_that_was_set_back_takes_nothing_away(each_store, tasks, sign):
    assert [sign(tasks[0], seconds).seconds for seconds in (0, 30, 10)] == [0, 30, 0]


def test_time_is_asked_for_between_two_moments(each_store, tasks, sign, clock):
    for seconds in (0, 10, 20, 40):
        sign(tasks[0], seconds)
    asked = {"since": clock(10), "until": clock(39)}
    assert each_store.activities.seconds(tasks[0].number, "anna", **asked) == 10


def test_signs_come_back_as_they_were_noted(each_store, tasks, sign):
    first, second = sign(tasks[0], 0, brush=3), sign(tasks[0], 5)
    assert each_store.activities.of_task(tasks[0].number) == [first, second]
    assert (first.case_id, first.organ, first.reader) == ("a", "liver", "anna")
    assert (first.actions, second.actions) == ({"brush": 3}, {})


def test_signs_outlive_their_task_and_go_with_their_case(each_store, tasks, sign, task_of):
    sign(tasks[0], 0)
    sign(tasks[1], 30)
    each_store.tasks.replace(1, [task_of("b", 1)])
    assert each_store.tasks.get(tasks[0].number) is None
    each_store.case_rows.rename("a", "z")
    assert [one.case_id for one in each_store.activities.of_task(tasks[0].number)] == ["z"]
    each_store.case_rows.erase("z", Mentions(("z",), "gone"))
    assert each_store.activities.of_task(tasks[0].number) == []


def test_a_single_sign_is_no_measured_time(each_store, tasks, sign):
    sign(tasks[0], 0)
    sign(tasks[1], 30)
    sign(tasks[1], 200, "ben")
    assert each_store.activities.measured() == {(tasks[1].number, "anna")}
