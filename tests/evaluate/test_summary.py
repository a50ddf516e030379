import pytest

from omentum.evaluate.summary import best_places, mean, side_by_side, summarised


@pytest.fixture
def rounds(agreement):
    """Two rounds; the second compares one organ more."""
    first = [agreement("a", "liver", 0.9), agreement("b", "liver", 0.8), agreement("a", "pancreas", None)]
    second = [agreement("a", "liver", 0.95), agreement("a", "spleen", 0.7), agreement("b", "pancreas", 0.5)]
    return [summarised(first), summarised(second)]


def test_organ_means_leave_out_what_says_nothing(rounds):
    liver, pancreas = rounds[0].organs
    assert (liver.organ, liver.n_cases, liver.dice) == ("liver", 2, pytest.approx(0.85))
    assert liver.surface_dice == pytest.approx(0.75)
    assert (pancreas.organ, pancreas.n_cases, pancreas.dice) == ("pancreas", 0, None)


def test_overall_mean_counts_each_organ_once(agreement):
    many = [agreement(str(case), "liver", 1.0) for case in range(9)]
    summary = summarised([*many, agreement("0", "pancreas", 0.5)])
    assert summary.dice == pytest.approx(0.75)
    assert summary.n_cases == 9


def test_organs_come_by_rising_index(rounds):
    assert [one.organ for one in rounds[1].organs] == ["spleen", "liver", "pancreas"]


def test_summary_of_nothing_is_empty():
    nothing = summarised([])
    assert (nothing.organs, nothing.n_cases, nothing.dice) == ((), 0, None)


def test_rounds_side_by_side_show_what_is_missing_as_missing(rounds):
    rows = side_by_side(rounds)
    assert list(rows) == ["spleen", "liver", "pancreas", None]
    assert [one and one.dice for one in rows["spleen"]] == [None, 0.7]
    assert [one.n_cases for one in rows["liver"]] == [2, 1]
    assert [one and one.dice for one in rows["pancreas"]] == [None, 0.5]
    assert rows[None] == rounds


def test_round_that_was_not_evaluated_has_a_place_and_no_values(rounds):
    rows = side_by_side([rounds[0], None, rounds[1]])
    assert len(rows) > 1
    assert all(means[1] is None for means in rows.values())


def test_rounds_that_were_never_evaluated_make_no_table():
    assert side_by_side([None, None]) == {}


def test_best_is_marked_among_two_or_more_and_equals_as_shown_are_both_best():
    assert best_places([0.1, 0.3, 0.2]) == {1}
    assert best_places([0.30004, 0.3, 0.2]) == {0, 1}
    assert best_places([0.3]) == frozenset()
    assert best_places([None, None]) == frozenset()


def test_mean_of_nothing_is_none():
    assert mean([]) is None
    assert mean([1.0, None, 2.0]) == 1.5
