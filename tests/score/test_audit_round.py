import pytest

from omentum.errors import ProjectError
from omentum.project.case_life import erase_case, exclude_case
from omentum.records import Task, TaskState
from omentum.score.audit_round import audit_tasks, set_apart

CASES = [f"case-{place}" for place in range(8)]


@pytest.fixture
def predicted(atlas):
    """Eight cases with three organs each, all predicted."""
    atlas.add(*CASES)
    for case_id in CASES:
        atlas.predict(case_id, {"liver": atlas.box((3, 15), (3, 15), (3, 15))})
    return atlas


def queued(case_id: str, organ: str, rank: int = 1) -> Task:
    return Task(round_number=1, case_id=case_id, organ=organ, rank=rank, attention_ml=1.0)


def keys(tasks) -> list[tuple[str, str]]:
    return [(task.case_id, task.organ) for task in tasks]


def send_out(workspace, tasks) -> None:
    kept = workspace.store.tasks.replace(1, tasks)
    workspace.store.tasks.set_state([task.number for task in kept], TaskState.CLAIMED)


def test_as_many_whole_organs_are_drawn_as_the_minutes_pay_for(predicted):
    queue = [queued(case_id, "liver", rank) for rank, case_id in enumerate(CASES, start=1)]
    tasks = audit_tasks(predicted.workspace, queue, minutes=5.9)
    assert len(tasks) == len({task.case_id for task in tasks}) == 5
    assert [task.rank for task in tasks] == [9, 10, 11, 12, 13]
    assert all(task.is_audit and task.minutes == 1.0 and task.n_spots == 0 for task in tasks)


def test_the_draw_is_recorded_with_seed_frame_and_weights(predicted):
    tasks = audit_tasks(predicted.workspace, [queued("case-0", "liver")], minutes=4)
    audit = predicted.workspace.store.audits.of_round(1)
    assert (audit.network, audit.weights_sha256) == ("made-up", "w" * 64)
    assert list(audit.drawn) == keys(tasks)
    assert list(audit.frame) == CASES
    assert audit.frame["case-0"] == ("pancreas", "spleen")
    assert audit.frame["case-1"] == ("liver", "pancreas", "spleen")


def test_drawing_again_gives_the_same_tasks(predicted):
    queue = [queued("case-0", "liver")]
    first = audit_tasks(predicted.workspace, queue, minutes=4)
    assert audit_tasks(predicted.workspace, queue, minutes=4) == first
    send_out(predicted.workspace, first)
    assert keys(audit_tasks(predicted.workspace, [], minutes=8)) == keys(first)
    assert set_apart(predicted.workspace) == set(keys(first))


def test_until_its_tasks_go_out_a_new_queue_or_budget_draws_anew(predicted):
    audit_tasks(predicted.workspace, [], minutes=2)
    assert set_apart(predicted.workspace) == frozenset()
    queue = [queued(case_id, "liver", rank) for rank, case_id in enumerate(CASES, start=1)]
    tasks = audit_tasks(predicted.workspace, queue, minutes=6)
    assert len(tasks) == 6
    assert not {"liver"} & {task.organ for task in tasks}
    assert audit_tasks(predicted.workspace, queue, minutes=0.5) == []
    assert predicted.workspace.store.audits.of_round(1).drawn == ()


def test_what_is_original_revised_or_begun_is_not_drawn_from(predicted):
    predicted.add("labelled", original={"liver": predicted.box((3, 9), (3, 9), (3, 9))})
    predicted.predict("labelled", {})
    predicted.hand_in("case-1", "spleen", predicted.box((3, 9), (3, 9), (3, 9)))
    send_out(predicted.workspace, [queued("case-2", "pancreas")])
    audit_tasks(predicted.workspace, [], minutes=3)
    frame = predicted.workspace.store.audits.of_round(1).frame
    assert frame["labelled"] == ("pancreas", "spleen")
    assert frame["case-1"] == ("liver", "pancreas")
    assert frame["case-2"] == ("liver", "spleen")


def test_with_no_minutes_nothing_is_drawn_nor_noted(predicted):
    assert audit_tasks(predicted.workspace, [], minutes=0.0) == []
    assert predicted.workspace.store.audits.all() == []


def test_predictions_of_several_weights_are_not_audited_together(predicted):
    predicted.predict("case-3", {}, weights="v" * 64)
    with pytest.raises(ProjectError, match="2 sets of weights"):
        audit_tasks(predicted.workspace, [], minutes=3)


def test_readers_own_minutes_replace_the_reckoned_ones(predicted):
    tasks = audit_tasks(predicted.workspace, [], minutes=2)
    send_out(predicted.workspace, tasks)
    for task in tasks:
        predicted.hand_in(task.case_id, task.organ, predicted.box((3, 9), (3, 9), (3, 9)), minutes=2.5)
    predicted.next_round("made-up-r1")
    for case_id in CASES:
        predicted.predict(case_id, {}, network="made-up-r1")
    second = audit_tasks(predicted.workspace, [], minutes=8.0)
    assert {task.minutes for task in second} == {2.5}
    assert len(second) <= round(3 * 24 / 22)
    assert not set(keys(second)) & set(keys(tasks))


def test_a_case_that_is_excluded_or_erased_once_the_audit_is_out_has_no_task(predicted):
    tasks = audit_tasks(predicted.workspace, [], minutes=4)
    send_out(predicted.workspace, tasks)
    first, second, *others = tasks
    exclude_case(predicted.workspace, first.case_id, "motion")
    erase_case(predicted.workspace, second.case_id, why="consent withdrawn", by="reader-1")
    again = audit_tasks(predicted.workspace, [], minutes=4)
    assert keys(again) == keys(others)
    kept = predicted.workspace.store.tasks.replace(1, again)
    assert {task.case_id: task.state for task in kept}[first.case_id] is TaskState.SKIPPED
