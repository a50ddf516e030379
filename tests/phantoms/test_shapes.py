"""Signed distances, against distances measured by brute force."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from omentum.phantoms.shapes import capsule, ellipsoid, outline, smooth_max, smooth_min, smooth_path, turned


@pytest.fixture
def grid() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points 1 mm apart, from -30 to 30 mm."""
    axis = np.arange(-30, 31, dtype=np.float32)
    return axis[:, None, None], axis[None, :, None], axis[None, None, :]


def brute_distance(inside: np.ndarray) -> np.ndarray:
    return distance_transform_edt(~inside) - distance_transform_edt(inside)


def test_a_sphere_has_its_volume_and_true_distances(grid):
    distance = ellipsoid(grid, (1.0, -2.0, 3.0), (15.0, 15.0, 15.0))
    assert (distance < 0).sum() == pytest.approx(4 / 3 * np.pi * 15**3, rel=0.02)
    assert np.abs(distance - brute_distance(distance < 0)).max() < 1.5


def test_an_ellipsoid_is_near_its_true_distance_at_the_surface(grid):
    distance = ellipsoid(grid, (0.0, 0.0, 0.0), (24.0, 12.0, 16.0))
    brute = brute_distance(distance < 0)
    near = np.abs(brute) < 3
    assert np.abs(distance - brute)[near].mean() < 0.7


def test_turning_an_ellipsoid_by_a_right_angle_swaps_its_axes(grid):
    upright = ellipsoid(grid, (0, 0, 0), (20.0, 10.0, 5.0))
    lying = ellipsoid(grid, (0, 0, 0), (10.0, 20.0, 5.0), (0.0, 0.0, 90.0))
    assert lying == pytest.approx(upright, abs=1e-3)


def test_turning_points_keeps_their_lengths():
    points = tuple(np.random.default_rng(1).standard_normal(20).astype(np.float32) for _ in range(3))
    moved = turned(points, (10.0, -25.0, 40.0))
    before, after = (np.sqrt(sum(axis**2 for axis in each)) for each in (points, moved))
    assert after == pytest.approx(before, rel=1e-5)


def test_a_capsule_is_as_wide_as_its_radii_say(grid):
    distance = capsule(grid, (-20, 0, 0, 4.0), (20, 0, 0, 8.0))
    widths = [(distance[30 + x, :, 30] < 0).sum() for x in (-18, 0, 18)]
    assert widths == pytest.approx([8, 12, 16], abs=1.5)


def test_smooth_max_lies_above_the_maximum_by_a_quarter_of_the_blend_at_most():
    first = np.linspace(-20, 20, 81, dtype=np.float32)
    blended = smooth_max(first, -first, 8.0)
    above = blended - np.maximum(first, -first)
    assert above.min() >= 0.0
    assert above.max() == pytest.approx(2.0)
    assert above[np.abs(first) > 4].max() == 0.0


def test_smooth_min_mirrors_smooth_max():
    first, second = np.random.default_rng(2).standard_normal((2, 50)).astype(np.float32) * 5
    assert smooth_min(first, second, 6.0) == pytest.approx(-smooth_max(-first, -second, 6.0))


def test_an_outline_has_the_width_and_depth_asked_for():
    axis = np.arange(-100, 101, dtype=np.float32)
    x, y = axis[:, None], axis[None, :]
    ends = (np.float32(-30.0), np.float32(50.0))
    inside = outline(x, y, np.full_like(x, 60.0), ends) < 0
    assert np.ptp(axis[inside.any(axis=1)]) == pytest.approx(120, abs=2)
    assert axis[inside.any(axis=0)].min() == pytest.approx(-30, abs=1)
    assert axis[inside.any(axis=0)].max() == pytest.approx(50, abs=1)


def test_a_smooth_path_passes_its_knots_and_keeps_its_radii_in_range():
    knots = np.array([(0, 0, 0, 5), (10, 30, 0, 9), (40, 30, 10, 4), (60, 0, 0, 6)], dtype=float)
    path = smooth_path(knots, 1.0)
    nearest = np.linalg.norm(path[None, :, :3] - knots[:, None, :3], axis=2).min(axis=1)
    assert nearest.max() < 1.0
    assert (path[:, 3].min(), path[:, 3].max()) == (4.0, pytest.approx(9.0, abs=0.2))


def test_two_knots_make_one_straight_piece():
    assert len(smooth_path([(0, 0, 0, 1), (10, 0, 0, 1)], 2.0)) == 2
