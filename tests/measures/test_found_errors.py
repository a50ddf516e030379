"""A planted error counts as found by what the reader put right."""

import numpy as np
import pytest

from omentum.measures.found_errors import is_found, left_share

TRUE = np.arange(100) < 50


def mask(first: int, last: int) -> np.ndarray:
    return (np.arange(100) >= first) & (np.arange(100) < last)


def test_who_accepts_what_is_shown_has_missed_it_and_who_repairs_it_has_found_it():
    for shown in (mask(0, 80), mask(0, 30)):
        assert not is_found(shown, TRUE, shown, limit=0.9)
        assert is_found(shown, TRUE, TRUE, limit=0.9)


@pytest.mark.parametrize(("last", "found"), [(64, True), (66, False)])
def test_half_of_its_volume_has_to_be_put_right(last, found):
    assert left_share(mask(0, 80), TRUE, mask(0, last)) == pytest.approx((last - 50) / 30)
    assert is_found(mask(0, 80), TRUE, mask(0, last), limit=0.95) is found


def test_a_major_error_is_missed_where_the_answer_is_no_major_revision_of_what_was_shown():
    shown = mask(0, 62)  # Dice 0.893 to the true mask
    answer = mask(0, 55)
    assert left_share(shown, TRUE, answer) < 0.5
    assert not is_found(shown, TRUE, answer, limit=0.9)
    assert is_found(shown, TRUE, TRUE, limit=0.9)


def test_who_says_that_the_organ_is_absent_has_not_found_what_was_added():
    shown, nothing = mask(0, 80), mask(0, 0)
    assert left_share(shown, TRUE, nothing) == 0.0
    assert not is_found(shown, TRUE, nothing, limit=0.9)


def test_an_answer_that_is_worse_than_what_was_shown_has_found_nothing():
    assert not is_found(mask(0, 60), TRUE, mask(40, 50), limit=0.95)


def test_a_minor_error_is_found_by_half_of_its_volume_alone():
    shown = mask(0, 52)
    assert is_found(shown, TRUE, mask(0, 51), limit=0.5)
    assert not is_found(shown, TRUE, shown, limit=0.5)
