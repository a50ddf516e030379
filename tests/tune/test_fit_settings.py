from itertools import pairwise

import pytest

from omentum.tune.fit_settings import SCHEDULES, schedule_for


@pytest.mark.parametrize("n_patients", range(3, 16))
def test_below_sixteen_patients_at_most_four_settings_are_tried(n_patients):
    assert 1 <= len(schedule_for(n_patients).settings) <= 4


def test_every_number_of_patients_has_its_schedule():
    assert [one.least for one in SCHEDULES] == sorted({one.least for one in SCHEDULES})
    assert SCHEDULES[0].least == 0
    for earlier, later in pairwise(SCHEDULES):
        assert schedule_for(later.least - 1) is earlier
        assert schedule_for(later.least) is later


def test_settings_that_train_the_same_parts_are_fitted_together():
    for schedule in SCHEDULES:
        parts = schedule.by_part()
        assert len(parts) <= 2
        assert {one for part in parts for one in part.settings} == set(schedule.settings)
        for part in parts:
            assert len({one.trainable for one in part.settings}) == 1
