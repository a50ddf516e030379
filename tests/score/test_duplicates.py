import numpy as np
import pytest

from omentum.score.duplicates import ALIKE_LEVELS, Thumbnails


@pytest.fixture
def thumbnails():
    """Ten patients, then the fourth once more with noise."""
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 256, (10, 512))
    again = np.clip(levels[3] + rng.normal(0, 2, 512), 0, 255)
    return [row.astype(np.uint8).tobytes().hex() for row in [*levels, again]]


def test_the_same_patient_again_is_found_from_both_sides(thumbnails):
    found = Thumbnails(thumbnails)
    assert found.like(3) == [10]
    assert found.like(10) == [3]


def test_other_patients_are_not_alike(thumbnails):
    assert not any(Thumbnails(thumbnails[:10]).like(number) for number in range(10))


def test_alike_is_a_mean_difference_of_so_many_levels():
    grey = [bytes([level] * 64).hex() for level in (100, 100 + int(ALIKE_LEVELS), 101 + int(ALIKE_LEVELS))]
    assert Thumbnails(grey).like(0) == [1]
    assert Thumbnails(grey).like(1) == [0, 2]


def test_a_case_without_a_thumbnail_is_like_no_other():
    assert Thumbnails(["", "0000", "", "00"]).like(0) == []
    assert Thumbnails(["", "0000", "", "00"]).like(3) == []
    assert Thumbnails([]).like(0) == []


def test_a_quicker_search_finds_what_all_pairs_would():
    rng = np.random.default_rng(2)
    levels = np.clip(rng.integers(90, 110, (40, 1)) + rng.integers(-8, 9, (40, 32)), 0, 255).astype(np.uint8)
    found = Thumbnails([row.tobytes().hex() for row in levels])
    apart = np.abs(levels[:, None].astype(int) - levels[None]).mean(axis=2)
    for number in range(40):
        assert found.like(number) == [
            other for other in range(40) if other != number and apart[number, other] <= ALIKE_LEVELS
        ]
