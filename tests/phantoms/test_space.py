"""The coarse grid: places, boxes, tubes."""

import numpy as np
import pytest

from omentum.phantoms.space import FAR_MM, STEP_MM, make_space, stream


@pytest.fixture(scope="module")
def still_space():
    """A patient of average size who is not displaced."""
    return make_space(3, np.eye(3), warp_mm=0.0)


@pytest.fixture(scope="module")
def moved_space():
    return make_space(3, np.diag([1.1, 0.9, 1.05]), warp_mm=4.0)


def test_without_displacement_atlas_and_scanner_agree(still_space):
    x, y, z = still_space.points
    assert (x[0, 0, 0], y[0, 0, 0], z[0, 0, 0]) == tuple(still_space.origin_mm)
    assert x[10, 0, 0] - x[0, 0, 0] == 10 * STEP_MM


def test_nodes_lie_where_the_grid_was_asked_for():
    ends = np.array([[-50.0, 10.0, 100.0], [70.0, 90.0, 220.0]])
    space = make_space(3, np.eye(3), warp_mm=0.0, ends_mm=ends)
    for axis in range(3):
        places = space.node_mm(axis)
        assert (places[0], places[-1]) == tuple(ends[:, axis])
        assert np.diff(places) == pytest.approx(STEP_MM)
        line = np.moveaxis(space.points[axis], axis, 0)[:, 0, 0]
        assert line == pytest.approx(places)


def test_a_longer_period_displaces_as_far_but_more_evenly():
    short, long = (make_space(3, np.eye(3), warp_mm=4.0, period_mm=period) for period in (40.0, 160.0))
    straight = make_space(3, np.eye(3), warp_mm=0.0)
    shifts = [space.points[1] - straight.points[1] for space in (short, long)]
    assert shifts[0].std() == pytest.approx(shifts[1].std(), rel=0.4)
    assert np.diff(shifts[0], axis=0).std() > 2 * np.diff(shifts[1], axis=0).std()


def test_displacement_is_smooth_and_bounded(moved_space):
    unmoved = make_space(3, np.diag([1.1, 0.9, 1.05]), warp_mm=0.0)
    shift = moved_space.points[0] - unmoved.points[0]
    assert 1.0 < np.abs(shift).max() <= moved_space.reach_mm + 1e-3
    assert np.abs(np.diff(shift, axis=0)).max() < STEP_MM


@pytest.mark.parametrize("low", [(-100, 0, -60), (20, 40, 10)])
def test_a_box_holds_every_node_of_its_part_of_the_atlas(moved_space, low):
    high = tuple(value + 50 for value in low)
    inside = np.ones(moved_space.shape, dtype=bool)
    for axis, least, most in zip(moved_space.points, low, high, strict=True):
        inside &= (axis >= least) & (axis <= most)
    outside_box = inside.copy()
    outside_box[moved_space.box(low, high)] = False
    assert inside.any()
    assert not outside_box.any()


def test_a_straight_tube_has_its_volume(still_space):
    box, distance = still_space.tube([(0, 0, -80, 15), (0, 0, 0, 15), (0, 0, 80, 15)])
    expected = np.pi * 15**2 * 160 + 4 / 3 * np.pi * 15**3
    assert (distance < 0).sum() * STEP_MM**3 == pytest.approx(expected, rel=0.05)
    assert distance.max() <= FAR_MM
    assert distance.shape == still_space.at(box)[0].shape


def test_a_flat_tube_is_narrower_along_that_axis(still_space):
    knots = [(0, 0, -40, 21), (0, 0, 40, 21)]
    box, distance = still_space.tube(knots, flat=(1.0, 2.0, 1.0))
    x, y, _ = still_space.at(box)
    inside = distance < 0
    assert np.ptp(x[inside]) == pytest.approx(40, abs=STEP_MM)
    assert np.ptp(y[inside]) == pytest.approx(20, abs=STEP_MM)


def test_streams_differ_by_name_and_repeat_by_seed():
    first = stream(4, "liver").random(3)
    assert (stream(4, "liver").random(3) == first).all()
    assert (stream(4, "spleen").random(3) != first).all()
    assert (stream(5, "liver").random(3) != first).all()
