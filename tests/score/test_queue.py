import pytest

from omentum.measures.effort import CostModel
from omentum.records import CaseScore, OrganScore, TaskState
from omentum.score import queue
from omentum.score.queue import attention_size_rows, priority_rows, ranked
from omentum.score.strategies import StrategyInput, chosen
from omentum.score.task_selection import SelectedOrgan

COSTS = CostModel()


def tasks_of(scores, round_number):
    """Make the tasks of a round in the published order."""
    choices = chosen("published", scores, StrategyInput(costs=COSTS, budget_minutes=60.0, seed=0))
    return queue.tasks_of(choices, COSTS, round_number)


def organ(name, heat, ml=1.0):
    return OrganScore(organ=name, attention_voxels=int(heat > 0), attention_ml=ml, priority=heat)


@pytest.fixture
def scores():
    """Three cases out of order; `b` and `c` score alike."""
    return [
        CaseScore(case_id="a", score=5.0, organs=(organ("liver", 2.0), organ("aorta", 0.0))),
        CaseScore(case_id="c", score=9.0, organs=(organ("spleen", 1.0, 0.5), organ("pancreas", 7.0, 3.5))),
        CaseScore(case_id="b", score=9.0, organs=(organ("stomach", 4.0),)),
    ]


def test_cases_come_by_falling_score_and_equals_by_name(scores):
    assert [case.case_id for case in ranked(scores)] == ["b", "c", "a"]
    assert ranked(reversed(scores)) == ranked(scores)


def test_tasks_go_through_the_cases_in_order_and_in_each_by_falling_heat(scores):
    tasks = tasks_of(scores, round_number=3)
    assert [(task.case_id, task.organ) for task in tasks] == [
        ("b", "stomach"),
        ("c", "pancreas"),
        ("c", "spleen"),
        ("a", "liver"),
    ]
    assert [task.rank for task in tasks] == [1, 2, 3, 4]
    assert {task.round_number for task in tasks} == {3}
    assert {task.state for task in tasks} == {TaskState.QUEUED}


def test_task_carries_the_volume_that_needs_attention(scores):
    volumes = {(task.case_id, task.organ): task.attention_ml for task in tasks_of(scores, 1)}
    assert volumes["c", "pancreas"] == 3.5


def test_organs_without_attention_make_no_task(scores):
    assert not [task for task in tasks_of(scores, 1) if task.organ == "aorta"]


def test_round_without_attention_has_no_tasks():
    quiet = CaseScore(case_id="a", score=0.0, organs=(organ("liver", 0.0),))
    assert tasks_of([quiet], 1) == []
    assert tasks_of([], 1) == []


def test_priority_rows_name_a_case_and_its_organs_by_falling_heat(scores):
    assert priority_rows(scores) == [["b", "stomach"], ["c", "pancreas", "spleen"], ["a", "liver"]]


def test_attention_size_rows_come_by_falling_size():
    assert attention_size_rows({"a": 0.25, "b": 0.5}) == [["b", "0.5"], ["a", "0.25"]]


def test_tasks_of_unknown_errors_have_no_minutes_and_are_all_queued(scores):
    assert {(task.minutes, task.error_ml, task.n_spots) for task in tasks_of(scores, 1)} == {(None, None, 0)}


@pytest.fixture
def kidney():
    return OrganScore(
        organ="kidney_left",
        attention_voxels=1,
        attention_ml=9.0,
        priority=1.0,
        error_ml=8.0,
        spots_ml=(5.0, 2.0),
        reasons=("on the right side",),
    )


def test_minutes_of_tasks_sum_up_to_what_the_round_takes(kidney):
    choices = [SelectedOrgan(case_id=name, organ=kidney, is_led=True) for name in "ab"]
    choices.append(SelectedOrgan(case_id="a", organ=OrganScore(**{**fields(kidney), "organ": "liver"})))
    tasks = queue.tasks_of(choices, COSTS, 1)
    assert [task.minutes for task in tasks] == pytest.approx(
        [0.5 + 0.5 + 0.3 * 7, 0.5 + 0.5 + 0.3 * 7, 0.5 + 0.3 * 8]
    )
    assert [(task.error_ml, task.n_spots) for task in tasks] == [(7.0, 2), (7.0, 2), (8.0, 0)]


def fields(score):
    return {name: getattr(score, name) for name in OrganScore.__dataclass_fields__}


def test_a_broken_rule_is_named_with_its_organ(kidney):
    (task,) = queue.tasks_of([SelectedOrgan(case_id="a", organ=kidney, is_led=True)], COSTS, 1)
    assert task.reason == "kidney_left: on the right side"


def test_without_a_broken_rule_the_spots_are_the_reason(kidney):
    plain = OrganScore(**{**fields(kidney), "reasons": ()})
    single = OrganScore(**{**fields(plain), "spots_ml": (5.0,)})
    choices = [SelectedOrgan(case_id=organ.organ, organ=organ, is_led=True) for organ in (single, plain)]
    choices.append(SelectedOrgan(case_id="c", organ=plain))
    reasons = [task.reason for task in queue.tasks_of(choices, COSTS, 1)]
    assert reasons == ["probably wrong at 1 spot", "probably wrong at 2 spots", ""]
