from collections import Counter
from dataclasses import replace

import pytest

from omentum.errors import ConfigError
from omentum.measures.effort import CostModel
from omentum.project.settings import SCORINGS
from omentum.records import CaseScore, OrganScore
from omentum.score.strategies import StrategyInput, chosen, register, strategy_of
from omentum.score.task_selection import planned

ASK = StrategyInput(costs=CostModel(), budget_minutes=float("inf"), seed=1)


def organ(name, *, predicted_ml=100.0, entropy_ml=1.0, error_ml=2.0, priority=1.0):
    return OrganScore(
        organ=name,
        attention_voxels=1,
        attention_ml=1.0,
        priority=priority,
        predicted_ml=predicted_ml,
        entropy_ml=entropy_ml,
        error_ml=error_ml,
        dice_loss=0.1,
        spots_ml=(error_ml,) if error_ml else (),
    )


@pytest.fixture
def scores():
    """Two cases of three organs; in `a` the network found no gall bladder."""
    return [
        CaseScore(
            case_id="a",
            score=1.0,
            organs=(
                organ("gall_bladder", predicted_ml=0.0, entropy_ml=0.5),
                organ("liver", entropy_ml=9.0, error_ml=0.0),
                organ("spleen", entropy_ml=3.0, error_ml=12.0),
            ),
        ),
        CaseScore(
            case_id="b",
            score=2.0,
            organs=(organ("gall_bladder"), organ("liver", entropy_ml=8.0), organ("spleen", priority=0.0)),
        ),
    ]


def names(choices):
    return [(one.case_id, one.organ.organ) for one in choices]


@pytest.mark.parametrize("scoring", SCORINGS)
def test_the_default_is_the_strategy_of_the_scoring(scoring):
    assert strategy_of("default", scoring) == scoring


def test_expected_error_is_the_plan_and_opens_hot_spots(scores):
    choices = chosen("expected-error", scores, ASK)
    assert choices == planned(scores, ASK.costs, ASK.budget_minutes)
    assert choices[0].organ.error_ml == 12.0
    assert all(one.n_spots for one in choices)


def test_published_goes_by_score_and_heat(scores):
    assert names(chosen("published", scores, ASK))[0] == ("b", "gall_bladder")
    assert ("b", "spleen") not in names(chosen("published", scores, ASK))


def test_entropy_goes_by_the_sum_over_an_organ(scores):
    found = names(chosen("entropy", scores, ASK))
    assert found[:3] == [("a", "liver"), ("b", "liver"), ("a", "spleen")]
    assert len(found) == 6


@pytest.mark.parametrize("name", ["random", "foreground-random"])
def test_chance_has_a_seed_and_does_not_know_the_order_of_the_cases(scores, name):
    first = chosen(name, scores, ASK)
    assert chosen(name, scores[::-1], ASK) == first
    assert len(set(names(first))) == 6
    assert any(chosen(name, scores, replace(ASK, seed=seed)) != first for seed in range(5))


def test_random_draws_every_organ_first_equally_often(scores):
    firsts = Counter(names(chosen("random", scores, replace(ASK, seed=seed)))[0] for seed in range(600))
    assert len(firsts) == 6
    assert all(60 < number < 140 for number in firsts.values())


def test_foreground_random_draws_where_there_is_a_mask_first(scores):
    for seed in range(50):
        assert names(chosen("foreground-random", scores, replace(ASK, seed=seed)))[-1] == (
            "a",
            "gall_bladder",
        )


@pytest.mark.parametrize("name", ["random", "foreground-random", "entropy"])
def test_strategies_without_spots_show_whole_organs_as_far_as_the_minutes_go(scores, name):
    choices = chosen(name, scores, replace(ASK, budget_minutes=5.0))
    assert {one.n_spots for one in choices} == {0}
    spent = CostModel().minutes(
        n_cases=len({one.case_id for one in choices}),
        n_looks=len(choices),
        changed_ml=sum(one.error_ml for one in choices),
    )
    assert 0 < len(choices) < 6
    assert spent <= 5.0 or len(choices) == 1


def test_without_expected_errors_the_whole_ranking_is_queued(scores):
    blind = [
        replace(one, organs=tuple(replace(each, error_ml=None, spots_ml=()) for each in one.organs))
        for one in scores
    ]
    assert len(chosen("random", blind, replace(ASK, budget_minutes=1.0))) == 6


def test_an_unknown_strategy_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match="the strategies are default, class-stratified, entropy"):
        strategy_of("best", "published")


def test_a_strategy_that_needs_other_scores_is_refused():
    with pytest.raises(ConfigError, match="it needs scoring 'expected-error'"):
        strategy_of("entropy", "published")


def test_a_name_is_never_taken_twice():
    with pytest.raises(ValueError, match="already taken"):
        register("random")(lambda *_: [])
