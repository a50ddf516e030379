import numpy as np
import pytest

from omentum.tune.schedule import rate_at


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 7, 400])
def test_the_rate_stays_above_0_and_reaches_its_peak(steps, share):
    rates = [rate_at(step, steps, share) for step in range(steps)]
    assert min(rates) > 0
    assert max(rates) == 1.0


def test_it_rises_evenly_then_falls_as_a_cosine():
    rates = np.array([rate_at(step, 100, 0.2) for step in range(100)])
    np.testing.assert_allclose(np.diff(rates[:20]), 0.05)
    assert (np.diff(rates[20:]) < 0).all()
    assert rates[60] == pytest.approx(0.5)
    assert rates[-1] < 0.001


def test_without_warm_up_it_begins_at_its_peak():
    assert rate_at(0, 400) == 1.0
