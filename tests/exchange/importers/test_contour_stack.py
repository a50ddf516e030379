import numpy as np
import pytest

from omentum.exchange.importers.contour_stack import (
    Plane,
    least_distance,
    regular_distance,
    runs_of,
    slices_of,
)

SPACING_MM = (1.0, 1.0)
U, V = np.meshgrid(np.arange(41), np.arange(41), indexing="ij")


def disk(radius, u=20, v=20):
    return (U - u) ** 2 + (V - v) ** 2 < radius**2


def stack(heights, radius=12.0):
    return [Plane(float(height), disk(radius)) for height in heights]


def slices(planes, distance=1.0):
    return {z: area for z, area in slices_of(planes, distance, SPACING_MM) if area.any()}


def test_planes_on_slices_stay_as_they_are():
    planes = [Plane(float(z), disk(5 + z)) for z in range(3, 9)]
    found = slices(planes)
    assert sorted(found) == list(range(3, 9))
    assert all((found[z] == disk(5 + z)).all() for z in found)


@pytest.mark.parametrize("off", [0.15, 1 / 3, 0.5, 0.65, 0.85])
def test_planes_between_slices_keep_the_volume_and_the_place(off):
    found = slices(stack(np.arange(4, 20) + off))
    assert len(found) == 16
    assert abs(np.mean(list(found)) - (11.5 + off)) <= 0.5
    assert all((area == disk(12)).all() for area in found.values())


def test_a_cone_is_interpolated_to_the_radius_in_between():
    found = slices([Plane(z + 0.5, disk(4 + 2 * z)) for z in range(8)])
    for z in range(1, 7):
        radius = np.sqrt(found[z].sum() / np.pi)
        assert radius == pytest.approx(3 + 2 * z, abs=0.4)


def test_two_planes_that_merge_are_interpolated_as_pieces_of_one():
    apart = disk(6, u=12) | disk(6, u=28)
    found = slices([Plane(0.0, apart), Plane(2.0, disk(14))], 2.0)
    assert (found[1] & disk(14)).sum() > 0.9 * found[1].sum()
    assert apart.sum() < found[1].sum() < disk(14).sum()


def test_a_piece_of_one_plane_alone_reaches_half_way_to_the_next():
    lone = disk(3, u=35, v=35)
    found = slices([Plane(0.0, disk(8) | lone), Plane(4.0, disk(8))], 4.0)
    assert [z for z in range(5) if (found[z] & lone).any()] == [0, 1]
    assert all((found[z] & ~lone == disk(8)).all() for z in range(5))


def test_a_structure_that_was_drawn_on_every_third_slice_is_filled_between_and_half_way_beyond():
    heights = np.arange(6, 25, 3)
    assert regular_distance(heights) == 3
    assert sorted(slices(stack(heights), 3.0)) == list(range(5, 26))


def test_a_gap_of_more_than_one_and_a_half_distances_stays_empty():
    heights = [2, 3, 4, 5, 7, 8, 9, 30]
    assert regular_distance(heights) == 1
    assert [len(run) for run in runs_of(stack(heights), 1.0)] == [4, 3, 1]
    assert sorted(slices(stack(heights))) == heights


def test_planes_denser_than_slices_are_averaged_and_none_is_dropped():
    heights = np.arange(4, 20, 0.25)
    assert regular_distance(heights) == 0.25
    found = slices(stack(heights), 0.25)
    assert len(found) == 16
    for most, few in ((12, 2), (2, 12)):
        uneven = [Plane(height, disk(most if n % 4 else few)) for n, height in enumerate(heights)]
        found = slices(uneven, 0.25)
        assert all((found[z] == disk(most)).all() for z in range(5, 19))


def test_a_few_scattered_planes_do_not_say_at_which_distance_somebody_drew():
    assert regular_distance([10, 40, 41, 90]) is None
    assert regular_distance([4, 6]) is None
    assert sorted(slices(stack([4, 6]), least_distance([4, 6]))) == [4, 6]


def test_slices_that_do_not_lie_on_the_ct_are_given_too():
    assert sorted(slices(stack([-2.0, -1.0, 0.0, 1.0]))) == [-2, -1, 0, 1]
