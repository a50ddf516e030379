import numpy as np
import pytest

from omentum.exchange.importers.contour_planes import Contour, PlaneBox, box_around, filled_plane

BOX = PlaneBox((0, 0), (20, 20))


def square(low, high, *, is_xor=False):
    corners = np.array([(low, low), (high, low), (high, high), (low, high)], dtype=float)
    return Contour(0.0, corners, is_xor)


def pixels(*spans):
    """The box with squares of pixels set, then emptied, then set, each inside the one before."""
    area = np.zeros(BOX.shape, dtype=bool)
    for place, (low, high) in enumerate(spans):
        area[low:high, low:high] = place % 2 == 0
    return area


def filled(*contours):
    return filled_plane(contours, BOX)


def test_a_contour_in_another_is_a_hole_and_one_in_a_hole_is_a_piece():
    area, is_crossed = filled(square(6.5, 9.5), square(1.5, 14.5), square(3.5, 12.5))
    np.testing.assert_array_equal(area, pixels((2, 15), (4, 13), (7, 10)))
    assert not is_crossed


@pytest.mark.parametrize(
    "again",
    [
        lambda corners: corners,
        lambda corners: corners[::-1],
        lambda corners: np.roll(corners, 2, axis=0),
        lambda corners: corners + 0.03,
    ],
)
def test_a_contour_that_is_stored_twice_counts_once(again):
    one = square(2.5, 9.5)
    area, is_crossed = filled(one, one._replace(corners=again(one.corners)))
    np.testing.assert_array_equal(area, pixels((3, 10)))
    assert not is_crossed


def test_contours_that_overlap_in_part_are_joined_and_told():
    area, is_crossed = filled(square(1.5, 8.5), square(5.5, 12.5))
    np.testing.assert_array_equal(area, pixels((2, 9)) | pixels((6, 13)))
    assert is_crossed


def test_a_bar_across_a_bay_is_joined_although_its_corners_lie_inside():
    bay = np.array(
        [
            (1.5, 1.5),
            (15.5, 1.5),
            (15.5, 12.5),
            (10.5, 12.5),
            (10.5, 5.5),
            (6.5, 5.5),
            (6.5, 12.5),
            (1.5, 12.5),
        ]
    )
    bar = np.array([(2.5, 8.5), (14.5, 8.5), (14.5, 10.5), (2.5, 10.5)])
    area, is_crossed = filled(Contour(0.0, bay), Contour(0.0, bar))
    assert is_crossed
    assert area[2:16, 9:11].all()


def test_a_keyhole_is_a_hole():
    outer, inner = square(1.5, 14.5).corners, square(5.5, 9.5).corners
    keyhole = np.vstack([outer, outer[:1], inner[:1], inner[::-1], outer[:1]])
    area, _ = filled(Contour(0.0, keyhole))
    np.testing.assert_array_equal(area, pixels((2, 15), (6, 10)))


def test_contours_of_exclusive_or_are_combined_by_it_even_where_they_overlap_in_part():
    area, is_crossed = filled(square(1.5, 8.5, is_xor=True), square(5.5, 12.5, is_xor=True))
    np.testing.assert_array_equal(area, pixels((2, 9)) ^ pixels((6, 13)))
    assert not is_crossed


def test_a_box_reaches_as_far_as_the_contours_also_beyond_the_grid():
    one = Contour(0.0, np.array([(-3.5, 2.0), (4.0, 2.0), (4.0, 6.5)]))
    assert box_around([one]) == PlaneBox((-4, 2), (9, 6))
    area, _ = filled_plane([one], box_around([one]))
    assert area.sum() > 10


def test_random_polygons_are_filled_as_the_plain_rule_fills_them():
    random = np.random.default_rng(3)
    u, v = np.meshgrid(np.arange(20), np.arange(20), indexing="ij")
    for _ in range(20):
        corners = random.uniform(0, 19, (9, 2))
        inside = np.zeros(BOX.shape, dtype=bool)
        for (x, y), (next_x, next_y) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            cut = (y <= v) != (next_y <= v)
            inside ^= cut & (u >= x + (v - y) / (next_y - y) * (next_x - x))
        area, _ = filled(Contour(0.0, corners))
        np.testing.assert_array_equal(area, inside)
