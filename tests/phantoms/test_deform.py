"""Parts of a map on the coarse grid: where they lie, how large they are."""

import numpy as np
import pytest

from omentum.phantoms.anatomy_map import Part
from omentum.phantoms.deform import AnatomyPlacement, fit_placement, placed
from omentum.phantoms.space import FAR_MM, make_space

MIDDLE = np.array([20.0, 30.0, -10.0])


@pytest.fixture(scope="module")
def space():
    return make_space(0, np.eye(3), warp_mm=0.0)


def ball(middle=MIDDLE, radius_mm: float = 24.0, step_mm: float = 3.0) -> Part:
    """A ball's distances on a grid of its own, 12 mm round it."""
    reach = radius_mm + 12.0
    at = np.arange(-reach, reach + 1e-6, step_mm)
    x, y, z = np.meshgrid(at, at, at, indexing="ij")
    return Part(
        tissue="ball",
        distance=(np.sqrt(x**2 + y**2 + z**2) - radius_mm).astype(np.float32),
        origin_mm=np.asarray(middle) - reach,
        step_mm=np.full(3, step_mm),
    )


def whole(space, found) -> np.ndarray:
    """Distances on the whole coarse grid."""
    box, distance = found
    everywhere = np.full(space.shape, FAR_MM, dtype=np.float32)
    everywhere[box] = distance
    return everywhere


def radius(space, middle) -> np.ndarray:
    return np.sqrt(sum((axis - c) ** 2 for axis, c in zip(space.points, middle, strict=True)))


@pytest.mark.parametrize("moved_mm", [(0.0, 0.0, 0.0), (15.0, -7.0, 4.0)])
def test_a_ball_keeps_its_distances_where_it_is_moved_to(space, moved_mm):
    seen = whole(space, placed(space, ball(), AnatomyPlacement(), moved_mm))
    exact = radius(space, MIDDLE + moved_mm) - 24.0
    near = np.abs(exact) < 10
    assert seen[near] == pytest.approx(exact[near], abs=0.6)
    assert (seen[exact > np.sqrt(3) * 36.0 - 24.0] == FAR_MM).all()


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_placement_scales_places_and_distances(space, factor):
    placement = AnatomyPlacement((factor,) * 3, (6.0, 0.0, -9.0))
    middle = (MIDDLE - (6.0, 0.0, -9.0)) / factor
    seen = whole(space, placed(space, ball(), placement))
    exact = radius(space, middle) - 24.0 / factor
    assert seen[np.abs(exact) < 7] == pytest.approx(exact[np.abs(exact) < 7], abs=0.8)


def test_a_placement_goes_back_to_the_atlas():
    placement = AnatomyPlacement((2.0, 1.0, 0.5), (10.0, 0.0, -4.0))
    assert placement.back(np.array([[30.0, 5.0, 6.0]])).tolist() == [[10.0, 5.0, 20.0]]


def test_a_warped_grid_moves_a_part_no_further_than_its_reach():
    warped = make_space(5, np.eye(3), warp_mm=4.0)
    seen = whole(warped, placed(warped, ball(), AnatomyPlacement()))
    straight = make_space(5, np.eye(3), warp_mm=0.0)
    inside = seen < 0
    assert inside.sum() * 64.0 == pytest.approx(4 / 3 * np.pi * 24.0**3, rel=0.25)
    assert (radius(straight, MIDDLE)[inside] < 24.0 + np.sqrt(3) * warped.reach_mm).all()


def test_a_part_beyond_the_grid_is_nowhere(space):
    box, distance = placed(space, ball((900.0, 0.0, 0.0)), AnatomyPlacement())
    assert (distance == FAR_MM).all()
    assert distance.shape == tuple(span.stop - span.start for span in box)


def test_the_fitted_placement_is_the_one_that_made_the_guest():
    middles = {"a": (0, 0, 0), "b": (60, 10, 30), "c": (-50, 40, 10), "d": (10, 70, -40)}
    host = {name: ball(middle) for name, middle in middles.items()}
    scale, shift = np.array([1.1, 0.9, 1.2]), np.array([300.0, -20.0, 55.0])
    guest = {name: ball(np.array(middle) * scale + shift) for name, middle in middles.items()}
    found = fit_placement(host, {**guest, "only the guest's": ball()})
    assert found.scale == pytest.approx(scale, abs=1e-6)
    assert found.shift_mm == pytest.approx(shift, abs=1e-4)


def test_a_guest_of_another_build_is_not_stretched_beyond_reason():
    host = {"a": ball((0, 0, 0)), "b": ball((50, 50, 50))}
    guest = {"a": ball((0, 0, 0)), "b": ball((150, 10, 50))}
    assert fit_placement(host, guest).scale == pytest.approx([1.4, 0.7, 1.0])
