import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omentum.records import OrganScore
from omentum.tune.replay import RULES, ReplayCase, importance_of, replayed

CASES = [f"c{number:02d}" for number in range(8)]


def earlier(case_ids, importance=None, data_set="one"):
    importance = importance or {}
    return [
        ReplayCase(case_id=one, data_set=data_set, importance=importance.get(one, 0.0)) for one in case_ids
    ]


def score(**fields):
    return OrganScore(
        **{"organ": "liver", "attention_voxels": 0, "attention_ml": 0.0, "priority": 0.0, **fields}
    )


def test_the_most_important_come_first_and_only_as_many_as_there_are_slots():
    importance = {case_id: float(number) for number, case_id in enumerate(CASES)}
    assert replayed(earlier(CASES, importance), 2) == ["c07", "c06"]
    assert replayed(earlier(CASES, importance), 100) == CASES[::-1]


def test_cases_of_equal_importance_are_taken_by_name_in_whatever_order_they_come():
    cases = earlier(CASES, {"c03": 1.0})
    expected = ["c03", "c00", "c01", "c02"]
    assert replayed(cases, 4) == expected
    assert replayed(cases[::-1], 4) == expected


@pytest.mark.parametrize("rule", RULES)
def test_without_slots_or_cases_nothing_is_replayed(rule):
    assert replayed(earlier(CASES), 0, rule=rule) == []
    assert replayed([], 3, rule=rule) == []


def test_none_replays_nothing():
    assert replayed(earlier(CASES), 8, rule="none") == []


def test_random_is_by_its_seed_alone_and_blind_to_importance():
    cases = earlier(CASES, {"c07": 9.0})
    drawn = replayed(cases, 3, rule="random", seed=4)
    assert replayed(earlier(CASES[::-1]), 3, rule="random", seed=4) == drawn
    assert {tuple(replayed(cases, 3, rule="random", seed=seed)) for seed in range(20)} > {tuple(drawn)}


sets = st.dictionaries(st.sampled_from("ABCDE"), st.integers(1, 30), min_size=1)


@given(sets, st.integers(0, 80), st.sampled_from(["importance", "random"]), st.randoms())
def test_each_data_set_has_its_share_within_one_and_the_order_of_cases_never_matters(
    sizes, n_slots, rule, chance
):
    cases = [
        ReplayCase(case_id=f"{name}{k}", data_set=name, importance=(k * 7919) % 31)
        for name, size in sizes.items()
        for k in range(size)
    ]
    chosen = replayed(cases, n_slots, rule=rule)
    total = sum(sizes.values())
    assert len(chosen) == len(set(chosen)) == min(n_slots, total)
    for name, size in sizes.items():
        n_own = sum(one.startswith(name) for one in chosen)
        assert n_own <= size
        if n_slots >= len(sizes):
            assert n_own >= 1
        assert n_own <= min(n_slots, total) * size / total + 1
    shuffled = random.Random(chance.random()).sample(cases, len(cases))
    assert replayed(shuffled, n_slots, rule=rule) == chosen


def test_where_every_case_is_a_data_set_of_its_own_the_most_important_are_left():
    cases = [ReplayCase(case_id=one, data_set=one, importance=k) for k, one in enumerate(CASES)]
    assert replayed(cases, 2) == ["c07", "c06"]


def test_importance_counts_doubt_by_the_organs_volume_and_either_signal_as_much():
    small = score(predicted_ml=10.0, entropy_ml=2.0, error_ml=1.0)
    large = score(predicted_ml=1000.0, entropy_ml=20.0, error_ml=10.0)
    unsure = score(predicted_ml=100.0, entropy_ml=30.0, error_ml=0.0)
    disputed = score(predicted_ml=100.0, entropy_ml=0.0, error_ml=30.0)
    found = importance_of({"small": small, "large": large})
    assert found["small"] > found["large"]
    both = importance_of({"unsure": unsure, "disputed": disputed})
    assert both["unsure"] == both["disputed"] == 2.0


def test_under_a_scoring_without_expected_errors_the_volume_of_attention_counts():
    found = importance_of({"a": score(attention_ml=3.0), "b": score(attention_ml=1.0)})
    assert found == {"a": 1.5, "b": 0.5}


def test_an_organ_that_was_not_found_but_is_in_doubt_is_important():
    lost = score(predicted_ml=0.0, entropy_ml=5.0, error_ml=5.0)
    found = score(predicted_ml=50.0, entropy_ml=5.0, error_ml=5.0)
    importance = importance_of({"lost": lost, "found": found})
    assert importance["lost"] > importance["found"] > 0


def test_importance_is_the_same_in_whatever_order_cases_come():
    scores = {
        one: score(predicted_ml=9.0, entropy_ml=0.1 * k, error_ml=0.3**k) for k, one in enumerate(CASES)
    }
    backwards = {one: scores[one] for one in reversed(CASES)}
    assert importance_of(backwards) == importance_of(scores)
