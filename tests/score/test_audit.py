from collections import Counter
from functools import cache

import numpy as np
import pytest

from omentum.measures.finite_population_bound import CONFIDENCE, Clustered, most_bad
from omentum.score.audit import draw, frame_of, n_cases_to_draw, seed_of, tasks_of

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


def test_a_task_says_nothing_of_the_score():
    (task,) = tasks_of([("a", "liver")], 3, first_rank=8, minutes_a_task=1.5)
    assert (task.round_number, task.case_id, task.organ, task.rank) == (3, "a", "liver", 8)
    assert task.is_audit
    assert (task.attention_ml, task.error_ml, task.n_spots, task.reason) == (0.0, None, 0, "")
    assert task.minutes == 1.5


def simulated_errors(lot: np.random.Generator, kind: str, frame) -> set[tuple[str, str]]:
    """Make up which organs need a major revision."""
    keys = [(case_id, name) for case_id, organs in frame.items() for name in organs]
    share = lot.uniform(0.0, 0.3)
    if kind == "anywhere":
        return {key for key in keys if lot.random() < share}
    if kind == "whole cases":
        bad = {case_id for case_id in frame if lot.random() < share}
        return {key for key in keys if key[0] in bad}
    if kind == "largest cases":
        n_bad = max(1, int(share * len(keys)))
        return set(sorted(keys, key=lambda key: -len(frame[key[0]]))[:n_bad])
    return {key for key in keys if key[1] == "aorta"}  # one organ always


@pytest.mark.parametrize("kind", ["anywhere", "whole cases", "largest cases", "one organ always"])
def test_the_bound_covers_in_at_least_95_percent_of_simulated_projects(kind):
    lot = np.random.default_rng(20)
    shapes = [[7] * 60, [7] * 8 + [2] * 52, list(lot.integers(1, 8, size=60)), [1] * 60]
    frames = [frame_with(sizes) for sizes in shapes]

    @cache
    def bound(shape: int, n_cases: int, n_bad: int) -> int:
        sizes = [int(size) for size in shapes[shape]]
        return most_bad(Clustered(n_members=sum(sizes), n_clusters=60, size=max(sizes)), n_cases, n_bad)

    covered = []
    for project in range(1200):
        shape, n_cases = project % 4, (10, 30, 60)[project // 4 % 3]
        frame = frames[shape]
        bad = simulated_errors(lot, kind, frame)
        found = sum(key in bad for key in draw(frame, n_cases, int(lot.integers(2**63))))
        covered.append(bound(shape, n_cases, found) >= len(bad))
    assert np.mean(covered) >= CONFIDENCE
