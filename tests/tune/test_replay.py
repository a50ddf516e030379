import pytest

from omentum.tune.replay import replayed

CASES = [f"c{number:02d}" for number in range(8)]


def test_the_most_important_come_first_and_only_their_share():
    importance = {case_id: float(number) for number, case_id in enumerate(CASES)}
    assert replayed(CASES, importance, 0.25) == ["c07", "c06"]
    assert replayed(CASES, importance, 1.0) == CASES[::-1]


def test_cases_of_equal_importance_are_taken_by_name_in_whatever_order_they_come():
    importance = {"c03": 1.0}
    expected = ["c03", "c00", "c01", "c02"]
    assert replayed(CASES, importance, 0.5) == expected
    assert replayed(CASES[::-1], importance, 0.5) == expected


def test_what_nobody_scored_counts_as_unimportant():
    assert replayed(["a", "b"], {"b": 0.1}, 0.5) == ["b"]


@pytest.mark.parametrize("n_cases", [1, 2, 3])
def test_a_small_share_is_still_one_case(n_cases):
    assert len(replayed(CASES[:n_cases], {}, 0.01)) == 1


def test_a_share_of_0_or_no_cases_is_nothing():
    assert replayed(CASES, {"c01": 5.0}, 0.0) == []
    assert replayed([], {"c01": 5.0}, 1.0) == []


def test_importance_of_cases_that_have_no_label_of_the_organ_is_ignored():
    assert replayed(["a"], {"z": 9.0}, 1.0) == ["a"]
