"""A round's queue, how far its tasks are, and what a new queue leaves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from omentum.errors import ProjectError, ReviewError, UnknownCaseError
from omentum.records import TaskKind, TaskState
from omentum.store.tasks import pool_of

POOL = pool_of(1)
DAY = timedelta(days=1)


def places(tasks):
    return [(each.rank, each.case_id, each.organ, each.state.value) for each in tasks]


def claimed(store, holder, n=10, keys=None):
    return [lease.key for lease in store.leases.claim(POOL, holder, n, DAY, keys=keys)]


def test_tasks_come_by_rank_with_the_numbers_that_they_were_given(each_store, task_of):
    queue = [task_of("b", 2), task_of("a", 1), task_of("a", 3, "spleen")]
    kept = each_store.tasks.replace(1, queue)
    assert [replace(one, number=None) for one in kept] == [queue[1], queue[0], queue[2]]
    assert each_store.tasks.of_round(1) == kept
    assert each_store.tasks.of_round(2) == []
    assert [each_store.tasks.get(one.number) for one in kept] == kept
    assert each_store.tasks.get(999) is None
    assert each_store.tasks.of_case("a") == [kept[0], kept[2]]


def test_a_state_is_set_asked_for_and_counted(busy_store, task_of):
    a, b, c = busy_store.tasks.replace(1, [task_of("a", 1), task_of("b", 2), task_of("c", 3)])
    busy_store.tasks.set_state([c.number, a.number], TaskState.CLAIMED)
    busy_store.tasks.set_state([a.number], TaskState.DONE)
    busy_store.tasks.set_state([b.number], TaskState.SKIPPED, reason="no organ to see")
    assert busy_store.tasks.of_round(1, TaskState.CLAIMED) == [replace(c, state=TaskState.CLAIMED)]
    assert busy_store.tasks.counts(1) == {TaskState.DONE: 1, TaskState.SKIPPED: 1, TaskState.CLAIMED: 1}
    assert busy_store.tasks.get(b.number).reason == "no organ to see"
    assert busy_store.tasks.open_of("a", "liver") == []
    assert [one.number for one in busy_store.tasks.open_of("c", "liver")] == [c.number]


def test_an_unknown_task_sets_no_state(busy_store, task_of):
    (a,) = busy_store.tasks.replace(1, [task_of("a", 1)])
    with pytest.raises(ReviewError, match="no task 77"):
        busy_store.tasks.set_state([a.number, 77], TaskState.DONE)
    assert busy_store.tasks.of_round(1) == [a]


def test_a_new_queue_keeps_what_was_begun_and_drops_what_was_not(each_store, task_of):
    a, b, c, d = each_store.tasks.replace(
        1, [task_of("a", 1), task_of("b", 2), task_of("c", 3), task_of("c", 4, "spleen")]
    )
    each_store.tasks.claimed(replace(c, network="starter", shown_sha256="5ee"))
    each_store.tasks.set_state([b.number], TaskState.DONE)
    kept = each_store.tasks.replace(1, [task_of("c", 1, network="other"), task_of("a", 2, "aorta")])
    assert places(kept) == [
        (1, "c", "liver", "claimed"),
        (2, "a", "aorta", "queued"),
        (3, "b", "liver", "done"),
    ]
    assert (kept[0].number, kept[0].network, kept[0].shown_sha256) == (c.number, "starter", "5ee")
    assert each_store.tasks.of_round(1) == kept
    on_offer = {str(one.number) for one in (kept[0], kept[1])}
    assert set(each_store.leases.free(POOL)) == on_offer
    assert {str(one.number) for one in (a, d)}.isdisjoint(on_offer)


def test_a_new_queue_keeps_tasks_that_somebody_has_although_nobody_noted_it(busy_store, task_of):
    a, b = busy_store.tasks.replace(1, [task_of("a", 1), task_of("b", 2)])
    assert claimed(busy_store, "anna", 1) == [str(a.number)]
    assert busy_store.tasks.replace(1, []) == [a]
    assert busy_store.leases.free(POOL) == []
    assert [lease.key for lease in busy_store.leases.held(POOL, "anna")] == [str(a.number)]
    assert busy_store.tasks.get(b.number) is None


def test_a_new_queue_keeps_tasks_that_are_reserved_and_for_whom(each_store, task_of):
    _, b = each_store.tasks.replace(1, [task_of("a", 1), task_of("b", 2)])
    each_store.tasks.reserve([b.number], "ben")
    kept = each_store.tasks.replace(1, [task_of("c", 1)])
    assert places(kept) == [(1, "c", "liver", "queued"), (2, "b", "liver", "queued")]
    assert claimed(each_store, "anna") == [str(kept[0].number)]
    each_store.tasks.replace(1, [task_of("b", 1)])
    assert claimed(each_store, "anna") == []
    assert claimed(each_store, "ben") == [str(b.number)]
    each_store.tasks.reserve([b.number], None)
    each_store.leases.give_back(POOL, str(b.number), "ben")
    assert claimed(each_store, "anna") == [str(b.number)]


def test_a_new_queue_keeps_both_tasks_of_an_organ_where_one_is_done_and_one_was_asked_for(
    busy_store, task_of, revision_of
):
    (done,) = busy_store.tasks.replace(1, [task_of("a", 1)])
    busy_store.revisions.add(revision_of(task_number=done.number))
    busy_store.tasks.set_state([done.number], TaskState.DONE)
    asked = busy_store.tasks.add(task_of("a", kind=TaskKind.REQUESTED, reason="look again"))
    assert asked.rank == 2
    kept = busy_store.tasks.replace(1, [task_of("a", 1), task_of("b", 2)])
    assert [(one.number, one.state, one.kind) for one in kept if one.case_id == "a"] == [
        (asked.number, TaskState.QUEUED, TaskKind.REQUESTED),
        (done.number, TaskState.DONE, TaskKind.ATTENTION),
    ]
    assert [one.number for one in busy_store.tasks.open_of("a", "liver")] == [asked.number]


def test_a_task_that_is_to_be_read_again_goes_to_somebody_else_and_stays(each_store, task_of, revision_of):
    (task,) = each_store.tasks.replace(1, [task_of("a", 1)])
    key = str(task.number)
    assert claimed(each_store, "anna") == [key]
    each_store.revisions.add(revision_of(task_number=task.number))
    each_store.leases.end(POOL, key, "anna")
    each_store.tasks.set_state([task.number], TaskState.DONE)
    assert claimed(each_store, "ben") == []
    each_store.tasks.want_readings(task.number, 2)
    assert places(each_store.tasks.replace(1, [])) == [(1, "a", "liver", "queued")]
    assert claimed(each_store, "anna") == [], "she has read it"
    assert claimed(each_store, "ben") == [key]
    assert claimed(each_store, "carl") == [], "two readings were wanted"


def test_what_is_done_or_skipped_can_be_claimed_no_more(busy_store, task_of):
    kept = busy_store.tasks.replace(1, [task_of("a", 1), task_of("b", 2), task_of("c", 3)])
    busy_store.tasks.set_state([kept[0].number], TaskState.DONE)
    busy_store.tasks.set_state([kept[1].number], TaskState.SKIPPED)
    assert busy_store.leases.free(POOL) == [str(kept[2].number)]


def test_tasks_need_a_round_and_cases_that_exist(busy_store, task_of):
    (a,) = busy_store.tasks.replace(1, [task_of("a", 1)])
    with pytest.raises(UnknownCaseError, match="'z'"):
        busy_store.tasks.replace(1, [task_of("z", 1)])
    with pytest.raises(ProjectError, match="no round 2"):
        busy_store.tasks.replace(2, [task_of("a", 1)])
    with pytest.raises(UnknownCaseError, match="'z'"):
        busy_store.tasks.add(task_of("z", 1))
    assert busy_store.tasks.of_round(1) == [a]
    assert busy_store.leases.free(POOL) == [str(a.number)]


def test_what_a_task_costs_and_why_it_is_there_is_kept(busy_store, task_of):
    costly = task_of(
        minutes=2.5,
        error_ml=5.0,
        n_spots=2,
        reason="on the right side",
        kind=TaskKind.AUDIT,
        network="starter",
        shown_sha256="5ee",
        n_readings=3,
    )
    (kept,) = busy_store.tasks.replace(1, [costly])
    assert replace(kept, number=None) == costly
    assert busy_store.tasks.of_round(1) == [kept]
    assert [claimed(busy_store, name) for name in "abcd"] == [[str(kept.number)]] * 3 + [[]]


def test_numbers_of_tasks_come_by_kind(busy_store, task_of):
    kinds = (TaskKind.AUDIT, TaskKind.ATTENTION, TaskKind.HELD_OUT)
    tasks = [task_of("a", rank, f"organ-{rank}", kind=kind) for rank, kind in enumerate(kinds, start=1)]
    audit, _, held_out = busy_store.tasks.replace(1, tasks)
    assert busy_store.tasks.numbers_of(TaskKind.AUDIT, TaskKind.HELD_OUT) == {audit.number, held_out.number}
    assert busy_store.tasks.numbers_of(TaskKind.REQUESTED) == set()
