"""A round's queue, and how far its tasks are."""

from dataclasses import replace

import pytest

from omentum.errors import ProjectError, ReviewError, UnknownCaseError
from omentum.records import Task, TaskState


def task(case_id, rank, organ="liver", state=TaskState.QUEUED):
    return Task(
        round_number=1, case_id=case_id, organ=organ, rank=rank, attention_ml=10.0 / rank, state=state
    )


def places(tasks):
    return [(each.rank, each.case_id, each.organ, each.state.value) for each in tasks]


def test_tasks_come_by_rank(busy_store):
    queue = [task("b", 2), task("a", 1), task("a", 3, "spleen")]
    kept = busy_store.tasks.replace(1, queue)
    assert kept == [queue[1], queue[0], queue[2]]
    assert busy_store.tasks.of_round(1) == kept
    assert busy_store.tasks.of_round(2) == []


def test_a_state_is_set_and_asked_for(busy_store):
    busy_store.tasks.replace(1, [task("a", 1), task("b", 2), task("c", 3)])
    busy_store.tasks.set_state(1, [("c", "liver"), ("a", "liver")], TaskState.EXPORTED)
    busy_store.tasks.set_state(1, [("a", "liver")], TaskState.DONE)
    assert places(busy_store.tasks.of_round(1, TaskState.EXPORTED)) == [(3, "c", "liver", "exported")]
    assert places(busy_store.tasks.of_round(1, TaskState.DONE)) == [(1, "a", "liver", "done")]
    assert places(busy_store.tasks.of_round(1, TaskState.QUEUED)) == [(2, "b", "liver", "queued")]


def test_an_unknown_task_sets_no_state(busy_store):
    busy_store.tasks.replace(1, [task("a", 1)])
    with pytest.raises(ReviewError, match="no task for 'spleen' of 'a'"):
        busy_store.tasks.set_state(1, [("a", "liver"), ("a", "spleen")], TaskState.DONE)
    assert busy_store.tasks.of_round(1, TaskState.DONE) == []


def test_a_new_queue_keeps_what_was_begun_and_drops_what_was_not(busy_store):
    busy_store.tasks.replace(1, [task("a", 1), task("b", 2), task("c", 3), task("c", 4, "spleen")])
    busy_store.tasks.set_state(1, [("b", "liver")], TaskState.DONE)
    busy_store.tasks.set_state(1, [("c", "liver")], TaskState.EXPORTED)
    kept = busy_store.tasks.replace(1, [task("c", 1), task("a", 2, "aorta")])
    assert places(kept) == [
        (1, "c", "liver", "exported"),
        (2, "a", "aorta", "queued"),
        (3, "b", "liver", "done"),
    ]
    assert busy_store.tasks.of_round(1) == kept


def test_an_empty_queue_leaves_only_what_was_begun(busy_store):
    busy_store.tasks.replace(1, [task("a", 1), task("b", 2)])
    busy_store.tasks.set_state(1, [("b", "liver")], TaskState.EXPORTED)
    assert places(busy_store.tasks.replace(1, [])) == [(1, "b", "liver", "exported")]


def test_tasks_need_a_round_and_cases_that_exist(busy_store):
    busy_store.tasks.replace(1, [task("a", 1)])
    with pytest.raises(UnknownCaseError, match="'z'"):
        busy_store.tasks.replace(1, [task("z", 1)])
    with pytest.raises(ProjectError, match="no round 2"):
        busy_store.tasks.replace(2, [task("a", 1)])
    assert places(busy_store.tasks.of_round(1)) == [(1, "a", "liver", "queued")]


def test_what_a_task_costs_and_why_it_is_there_is_kept(busy_store):
    costly = replace(
        task("a", 1), minutes=2.5, error_ml=5.0, n_spots=2, reason="on the right side", is_audit=True
    )
    assert busy_store.tasks.replace(1, [costly]) == [costly]
    assert busy_store.tasks.of_round(1) == [costly]
