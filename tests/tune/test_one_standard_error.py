import math

import numpy as np
import pytest

from omentum.tune.one_standard_error import best_gain, gain_of


def test_the_standard_error_is_that_of_the_mean_over_patients():
    gain = gain_of([0.01, 0.03, 0.02, 0.06])
    assert gain.mean == pytest.approx(0.03)
    assert gain.standard_error == pytest.approx(np.std([1, 3, 2, 6], ddof=1) / 100 / 2)
    assert gain.threshold > gain.standard_error, "few patients need more than one standard error"


def test_with_many_patients_the_threshold_is_one_standard_error():
    gain = gain_of(np.random.default_rng(0).normal(size=400).tolist())
    assert gain.threshold == pytest.approx(gain.standard_error, rel=0.01)


@pytest.mark.parametrize("differences", [[], [0.3]])
def test_one_patient_shows_nothing(differences):
    gain = gain_of(differences)
    assert gain.threshold == math.inf
    assert not gain.is_shown


def test_two_patients_show_a_gain_only_where_they_agree():
    assert gain_of([0.05, 0.06]).is_shown
    assert not gain_of([0.01, 0.09]).is_shown


def test_a_small_gain_of_two_or_three_that_agree_may_be_chance():
    assert not gain_of([0.018, 0.018]).is_shown
    assert not gain_of([0.01, 0.01, 0.01]).is_shown
    assert gain_of([0.01, 0.01, 0.01, 0.01]).is_shown


def test_where_no_child_is_shown_to_be_better_the_parent_stays():
    unsure, worse = gain_of([0.3, -0.2, 0.0, 0.01]), gain_of([-0.1, -0.1, -0.1])
    assert best_gain([]) is None
    assert best_gain([unsure, worse]) is None


def test_of_children_that_are_shown_to_gain_the_best_is_taken():
    unsure, little = gain_of([0.5, -0.2, 0.0, 0.0]), gain_of([0.01, 0.01, 0.012, 0.01])
    assert best_gain([unsure, little, gain_of([0.02, 0.03, 0.02, 0.03])]) == 2
    assert best_gain([unsure, little]) == 1, (
        "a smaller gain that is shown goes before a larger one that is not"
    )


def test_children_with_nothing_to_learn_seldom_take_the_place_of_their_parent():
    rng = np.random.default_rng(5)
    taken = [gain_of(rng.normal(0, 0.02, 8).tolist()).is_shown for _ in range(2000)]
    assert np.mean(taken) == pytest.approx(0.159, abs=0.03), "the risk of one standard error"
