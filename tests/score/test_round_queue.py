import json
from dataclasses import replace
from datetime import timedelta

import pytest

from omentum.errors import ConfigError
from omentum.measures.effort import CostModel
from omentum.project.settings import Settings
from omentum.records import CaseScore, OrganScore, TaskState
from omentum.score.round_queue import costs_of, queue_options, queue_path, queue_round, read_queue, totals
from omentum.score.stage import score_round


@pytest.fixture
def predicted(atlas):
    box = atlas.box((3, 11), (3, 11), (3, 11))
    atlas.add("a", "b")
    for case_id in ("a", "b"):
        atlas.predict(case_id, {}, unsure={"liver": box, "spleen": box})
    return atlas


def test_how_a_queue_was_made_is_kept_with_the_round(predicted):
    score_round(predicted.workspace)
    path = queue_path(predicted.workspace)
    assert path == predicted.workspace.folder.round_dir(1) / "queue.json"
    made = json.loads(path.read_text())
    assert made == read_queue(predicted.workspace)
    assert (made["strategy"], made["seed"], made["budget_minutes"]) == ("published", 1, None)
    assert made["costs"] == {
        "minutes_per_case": 0.5,
        "minutes_per_look": 0.5,
        "minutes_per_ml": 0.3,
        "whole_look_factor": 1.0,
        "by_organ": {},
        "n_records": 0,
    }


def test_the_strategy_of_the_settings_makes_the_queue_and_one_that_is_asked_for_goes_first(predicted):
    settings = predicted.workspace.settings.changed(strategy="random")
    predicted.workspace = replace(predicted.workspace, settings=settings)
    score_round(predicted.workspace)
    assert read_queue(predicted.workspace)["strategy"] == "random"
    assert len(predicted.workspace.store.tasks.of_round(1)) == 6
    score_round(predicted.workspace, strategy="published")
    assert len(predicted.workspace.store.tasks.of_round(1)) == 4


def test_a_budget_is_refused_before_anything_is_scored_where_minutes_are_not_estimated(predicted):
    with pytest.raises(ConfigError, match=r"--budget is '45 min', but scoring 'published' does not tell"):
        score_round(predicted.workspace, budget_minutes=45.0)
    assert predicted.workspace.store.scores.of_round(1) == []


def test_a_strategy_that_is_not_known_is_refused_before_anything_is_scored():
    with pytest.raises(ConfigError, match="strategy is 'best'"):
        queue_options(Settings(), "best")


def test_measured_minutes_move_the_prices_of_their_organ(predicted):
    score_round(predicted.workspace)
    store = predicted.workspace.store
    task = next(one for one in store.tasks.of_round(1) if one.key == ("a", "liver"))
    for _ in range(2):
        store.activities.add(task, "reader-1", {}, idle_after=timedelta(seconds=60))
    predicted.hand_in("a", "liver", predicted.box((3, 15), (3, 15), (3, 15)), minutes=600.0)
    costs, n_records = costs_of(predicted.workspace)
    assert (n_records, set(costs.by_organ)) == (1, {"liver"})
    assert costs.of_task("liver", 5.0) > costs.of_task("spleen", 5.0) > CostModel().of_task("spleen", 5.0)
    score_round(predicted.workspace)
    assert set(read_queue(predicted.workspace)["costs"]["by_organ"]) == {"liver"}


def test_recorded_minutes_move_the_prices_of_the_next_queue(predicted):
    score_round(predicted.workspace)
    predicted.hand_in("a", "liver", predicted.box((3, 15), (3, 15), (3, 15)), minutes=600.0)
    costs, n_records = costs_of(predicted.workspace)
    assert n_records == 1
    assert costs.minutes_per_ml > 0.3
    score_round(predicted.workspace)
    made = read_queue(predicted.workspace)["costs"]
    assert made == {**made, "minutes_per_ml": costs.minutes_per_ml, "n_records": 1}


def test_sums_are_unknown_where_no_task_was_reckoned(predicted):
    score_round(predicted.workspace)
    summed = totals(predicted.workspace.store.tasks.of_round(1))
    assert summed == {"tasks": 4, "cases": 2, "minutes": None, "error_ml": None}


@pytest.fixture
def expected():
    """Scores with expected errors: twenty minutes of spots in `a`, two in `b`."""

    def organ(*spots_ml):
        return OrganScore(
            organ="liver",
            attention_voxels=1,
            attention_ml=1.0,
            priority=1.0,
            error_ml=sum(spots_ml),
            spots_ml=spots_ml,
        )

    return [
        CaseScore(case_id="a", score=60.0, organs=(organ(20.0, 20.0, 20.0),)),
        CaseScore(case_id="b", score=3.0, organs=(organ(3.0),)),
    ]


def test_what_the_budget_does_not_pay_for_is_not_in_the_queue(predicted, expected):
    options = replace(queue_options(Settings()), strategy="expected-error", budget_minutes=20.0)
    (task,) = queue_round(predicted.workspace, expected, options)
    assert (task.case_id, task.n_spots, task.error_ml) == ("a", 3, 60.0)
    assert task.minutes == pytest.approx(0.5 + 0.5 + 0.3 * 60)
    made = read_queue(predicted.workspace)
    assert made["totals"] == {"tasks": 1, "cases": 1, "minutes": task.minutes, "error_ml": 60.0}


def test_tasks_that_people_began_stay_when_the_budget_shrinks(predicted, expected):
    options = replace(queue_options(Settings()), strategy="expected-error", budget_minutes=60.0)
    _, of_b = queue_round(predicted.workspace, expected, options)
    predicted.workspace.store.tasks.set_state([of_b.number], TaskState.CLAIMED)
    kept = queue_round(predicted.workspace, expected, replace(options, budget_minutes=20.0))
    assert [(one.case_id, one.state.value) for one in kept] == [("a", "queued"), ("b", "claimed")]
