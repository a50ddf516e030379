import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.path import Path as Polygon

from omentum.exchange.exporters.contours import contours


def area(polygon):
    x, y = polygon.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def drawn(polygons, shape):
    """What lies in an odd number of polygons, by another program's test of points."""
    y, x = np.indices(shape)
    points = np.column_stack([x.ravel(), y.ravel()])
    inside = [Polygon(np.vstack([one, one[:1]]), closed=True).contains_points(points) for one in polygons]
    return (np.sum(inside, axis=0) % 2 == 1).reshape(shape)


@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_outlines_enclose_the_very_pixels_and_close_to_their_area(mask):
    polygons = contours(mask)
    if not mask.any():
        assert polygons == []
        return
    np.testing.assert_array_equal(drawn(polygons, mask.shape), mask)
    n_edges = sum(np.abs(np.diff(one, axis=0, append=one[:1])).sum() for one in polygons)
    assert sum(map(area, polygons)) == pytest.approx(mask.sum(), abs=0.006 * n_edges)


@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_points_rounded_to_pixels_are_pixels_of_the_mask(mask):
    for polygon in contours(mask):
        x, y = np.rint(polygon).astype(int).T
        assert mask[y, x].all()


def test_a_hole_is_an_outline_the_other_way_round():
    mask = np.ones((5, 5), dtype=bool)
    mask[2, 2] = False
    outer, inner = sorted(map(area, contours(mask)), reverse=True)
    assert outer == pytest.approx(25, abs=0.2)
    assert inner == pytest.approx(-1, abs=0.05)


def test_pixels_that_touch_by_a_corner_are_two_pieces():
    assert len(contours(np.eye(2, dtype=bool))) == 2
    assert len(contours(~np.eye(2, dtype=bool))) == 2
