from dataclasses import replace

import pytest

from omentum.measures.effort import CostModel
from omentum.records import CaseScore, OrganScore
from omentum.score.fill_minutes import fill_minutes
from omentum.score.strategies import StrategyInput, chosen, left_out
from omentum.score.task_selection import planned

COSTS = CostModel()
ENOUGH = 1000.0


def organ(name, error_ml, *, spots_ml=()):
    return OrganScore(
        organ=name,
        attention_voxels=1,
        attention_ml=1.0,
        priority=1.0,
        predicted_ml=100.0,
        error_ml=error_ml,
        dice_loss=0.1,
        spots_ml=spots_ml,
    )


@pytest.fixture
def scores():
    """Two cases: one organ with a hot spot, four without, one where nothing is expected."""
    first = (organ("liver", 9.0, spots_ml=(8.0,)), organ("spleen", 0.4), organ("stomach", 2.0))
    second = (organ("liver", 1.0), organ("pancreas", 3.0), organ("aorta", 0.0))
    return [
        CaseScore(case_id="a", score=11.5, organs=first),
        CaseScore(case_id="b", score=4.0, organs=second),
    ]


def ask(minutes):
    return StrategyInput(costs=COSTS, budget_minutes=minutes, seed=1)


def names(found):
    return [(one.case_id, one.organ.organ) for one in found]


def test_hot_spots_come_first_and_the_rest_by_expected_error_a_minute(scores):
    found = chosen("expected-error", scores, ask(ENOUGH))
    assert names(found) == [
        ("a", "liver"),
        ("a", "stomach"),
        ("b", "pancreas"),
        ("b", "liver"),
        ("a", "spleen"),
    ]
    assert [one.n_spots for one in found] == [1, 0, 0, 0, 0]


def test_a_budget_that_hot_spots_use_up_is_planned_as_before(scores):
    minutes = COSTS.minutes(n_cases=1, n_looks=1, changed_ml=8.0)
    assert chosen("expected-error", scores, ask(minutes)) == planned(scores, COSTS, minutes)


@pytest.mark.parametrize("minutes", [4.0, 5.0, 6.3, 9.0])
def test_the_queue_stays_within_the_minutes(scores, minutes):
    found = chosen("expected-error", scores, ask(minutes))
    spent = COSTS.minutes(
        n_cases=len({one.case_id for one in found}),
        n_looks=len(found),
        changed_ml=sum(one.error_ml for one in found),
    )
    assert spent <= minutes
    assert found[0].organ.spots_ml


def test_where_nothing_has_a_hot_spot_there_is_a_queue_none_the_less(scores):
    cold = [replace(one, organs=tuple(replace(each, spots_ml=()) for each in one.organs)) for one in scores]
    found = chosen("expected-error", cold, ask(ENOUGH))
    assert names(found)[0] == ("a", "liver")
    assert len(found) == 5, "where no error is expected nobody looks"


def test_the_order_of_the_cases_does_not_matter(scores):
    assert fill_minutes([], scores[::-1], COSTS, 5.0) == fill_minutes([], scores, COSTS, 5.0)


def test_organs_without_a_hot_spot_are_not_told_as_left_out(scores):
    paid = chosen("expected-error", scores, ask(1.0))
    assert {one.organ.organ for one in left_out("expected-error", scores, ask(1.0), paid)} <= {"liver"}
