from collections import Counter
from functools import cache

import numpy as np
import pytest

from omentum.errors import ProjectError
from omentum.measures.finite_population_bound import CONFIDENCE, Clustered, most_bad
from omentum.project.case_life import erase_case, exclude_case
from omentum.records import Task, TaskState
from omentum.score.audit_draw import audit_tasks, draw, frame_of, n_cases_to_draw, seed_of, set_apart

ORGANS = ("aorta", "gall_bladder", "kidney_left", "kidney_right", "liver", "pancreas", "spleen")


def frame_with(sizes) -> dict[str, tuple[str, ...]]:
    return {f"case_{place:03d}": ORGANS[:size] for place, size in enumerate(sizes)}


def test_what_is_due_is_not_in_the_frame():
    unrevised = {"b": ("spleen", "liver"), "a": ("liver",)}
    assert frame_of(unrevised, [("b", "liver"), ("a", "liver"), ("c", "liver")]) == {"b": ("spleen",)}
    assert list(frame_of(unrevised, [])) == ["a", "b"]


def test_no_case_is_drawn_twice():
    frame = frame_with([7] * 20)
    for seed in range(50):
        cases = [case_id for case_id, _ in draw(frame, 20, seed)]
        assert len(set(cases)) == len(cases) == 20


def test_every_organ_is_drawn_as_often_whatever_the_size_of_its_case():
    frame = frame_with([7, 1, 3, 3, 2, 6])
    n_draws = 4000
    counts = Counter(key for seed in range(n_draws) for key in draw(frame, 3, seed))
    assert set(counts) == {(case_id, name) for case_id, organs in frame.items() for name in organs}
    expected = n_draws * 3 / (6 * 7)
    deviations = [(count - expected) / np.sqrt(expected) for count in counts.values()]
    assert max(map(abs, deviations)) < 4.0


def test_the_same_frame_and_weights_give_the_same_draw_and_others_another():
    frame = frame_with([7] * 40)
    seed = seed_of(1, "w" * 64, frame)
    assert seed == seed_of(1, "w" * 64, dict(frame))
    assert draw(frame, 10, seed) == draw(dict(frame), 10, seed)
    others = {
        seed_of(2, "w" * 64, frame),
        seed_of(1, "v" * 64, frame),
        seed_of(1, "w" * 64, frame_with([6] * 40)),
    }
    assert len(others | {seed}) == 4
    assert all(0 <= one < 2**63 for one in others)


def test_blanks_in_small_cases_are_made_up_for_by_drawing_more_cases():
    frame = frame_with([7, 7, 1, 1, 1, 1, 1, 1] * 10)
    n_cases = n_cases_to_draw(frame, 12)
    mean = np.mean([len(draw(frame, n_cases, seed)) for seed in range(300)])
    assert mean == pytest.approx(12, abs=0.6)


def test_no_more_cases_are_drawn_than_there_are():
    assert n_cases_to_draw(frame_with([3, 3]), 50) == 2
    assert n_cases_to_draw({}, 50) == 0
    assert draw({}, 0, seed=1) == ()


def simulated_errors(rng: np.random.Generator, kind: str, frame) -> set[tuple[str, str]]:
    """Make up which organs need a major revision."""
    keys = [(case_id, name) for case_id, organs in frame.items() for name in organs]
    share = rng.uniform(0.0, 0.3)
    if kind == "anywhere":
        return {key for key in keys if rng.random() < share}
    if kind == "whole cases":
        bad = {case_id for case_id in frame if rng.random() < share}
        return {key for key in keys if key[0] in bad}
    if kind == "largest cases":
        n_bad = max(1, int(share * len(keys)))
        return set(sorted(keys, key=lambda key: -len(frame[key[0]]))[:n_bad])
    return {key for key in keys if key[1] == "aorta"}  # one organ always


@pytest.mark.parametrize("kind", ["anywhere", "whole cases", "largest cases", "one organ always"])
def test_the_bound_covers_in_at_least_95_percent_of_simulated_projects(kind):
    rng = np.random.default_rng(20)
    shapes = [[7] * 60, [7] * 8 + [2] * 52, list(rng.integers(1, 8, size=60)), [1] * 60]
    frames = [frame_with(sizes) for sizes in shapes]

    @cache
    def bound(shape: int, n_cases: int, n_bad: int) -> int:
        sizes = [int(size) for size in shapes[shape]]
        return most_bad(Clustered(n_members=sum(sizes), n_clusters=60, size=max(sizes)), n_cases, n_bad)

    covered = []
    for project in range(1200):
        shape, n_cases = project % 4, (10, 30, 60)[project // 4 % 3]
        frame = frames[shape]
        bad = simulated_errors(rng, kind, frame)
        found = sum(key in bad for key in draw(frame, n_cases, int(rng.integers(2**63))))
        covered.append(bound(shape, n_cases, found) >= len(bad))
    assert np.mean(covered) >= CONFIDENCE


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
    assert {(task.attention_ml, task.error_ml, task.n_spots, task.reason) for task in tasks} == {
        (0.0, None, 0, "")
    }
    assert [task.rank for task in tasks] == [9, 10, 11, 12, 13]
    assert all(task.is_audit and task.minutes == 1.0 and task.n_spots == 0 for task in tasks)


def test_the_draw_is_recorded_with_seed_frame_and_weights(predicted):
    tasks = audit_tasks(predicted.workspace, [queued("case-0", "liver")], minutes=4)
    audit = predicted.workspace.store.audits.of_round(1)
    assert (audit.network, audit.weights_sha256) == ("synthetic", "w" * 64)
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
    predicted.next_round("synthetic-r1")
    for case_id in CASES:
        predicted.predict(case_id, {}, network="synthetic-r1")
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
