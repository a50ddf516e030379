import numpy as np
import pytest

from omentum.measures.split_sides import body_middle_mm, split_sides
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.nifti import read_nifti
from omentum.volumes.volume import Volume

SHAPE = (80, 30, 24)
GRID = Geometry(SHAPE, np.array([[2.0, 0, 0, -79], [0, 3, 0, 10], [0, 0, 4, -30], [0, 0, 0, 1.0]]))


def boxes(*sides: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]) -> np.ndarray:
    """Join boxes on a grid whose first index runs from the left of the patient to the right."""
    mask = np.zeros(SHAPE, dtype=bool)
    for x, y, z in sides:
        mask[slice(*x), slice(*y), slice(*z)] = True
    return mask


LEFT = ((12, 26), (8, 18), (4, 18))
RIGHT = ((54, 68), (8, 18), (2, 14))


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_right_follows_the_affine_however_the_axes_point(orientation):
    mask, truth = boxes(LEFT, RIGHT), boxes(RIGHT)
    turned = Volume(mask, GRID).reoriented(orientation)
    sides = split_sides(turned.voxels, turned.geometry)
    expected = Volume(truth, GRID).reoriented(orientation).voxels
    np.testing.assert_array_equal(sides.right, expected)
    np.testing.assert_array_equal(sides.left, turned.voxels & ~expected)
    assert not sides.was_joined


def test_right_follows_an_oblique_affine():
    turn = np.eye(4)
    angle = np.deg2rad(25)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    grid = Geometry(SHAPE, turn @ GRID.affine)
    sides = split_sides(boxes(LEFT, RIGHT), grid)
    np.testing.assert_array_equal(sides.right, boxes(RIGHT))


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_a_single_kidney_is_on_the_side_of_the_body_that_it_lies_on(orientation):
    body = np.where(boxes(((4, 76), (2, 28), (0, 24))), 40, -1000).astype(np.int16)
    for where, is_right in ((LEFT, False), (RIGHT, True)):
        mask = Volume(boxes(where), GRID).reoriented(orientation)
        hu = Volume(body, GRID).reoriented(orientation).voxels
        sides = split_sides(mask.voxels, mask.geometry, middle_mm=body_middle_mm(hu, mask.geometry))
        assert sides.right.any() == is_right
        assert sides.left.any() != is_right


def test_the_middle_is_the_bodys_and_not_the_pictures():
    body = np.where(boxes(((40, 80), (2, 28), (0, 24))), 40, -1000).astype(np.int16)
    middle = body_middle_mm(body, GRID)
    assert middle == pytest.approx(GRID.to_mm((59.5, 0, 0))[0], abs=3)
    only = boxes(((46, 52), (8, 18), (4, 18)))  # right of the picture's middle, left of the body's
    assert split_sides(only, GRID).right.any()
    assert not split_sides(only, GRID, middle_mm=middle).right.any()


def test_air_has_no_middle():
    assert body_middle_mm(np.full(SHAPE, -1000, dtype=np.int16), GRID) is None


def test_fragments_go_with_their_own_side():
    fragment = ((28, 30), (20, 22), (4, 6))
    sides = split_sides(boxes(LEFT, fragment, RIGHT), GRID)
    np.testing.assert_array_equal(sides.left, boxes(LEFT, fragment))


def test_two_pieces_of_one_kidney_are_both_on_its_side():
    pieces = boxes(((54, 58), (8, 18), (2, 14)), ((70, 76), (8, 18), (2, 14)))
    assert not split_sides(pieces, GRID).left.any()


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS[::5])
def test_a_horseshoe_is_cut_where_it_is_thinnest(orientation):
    bridge = ((26, 54), (10, 12), (4, 6))
    mask = boxes(LEFT, bridge, RIGHT)
    turned = Volume(mask, GRID).reoriented(orientation)
    sides = split_sides(turned.voxels, turned.geometry)
    assert sides.was_joined
    inside_left = Volume(boxes(LEFT), GRID).reoriented(orientation).voxels
    inside_right = Volume(boxes(RIGHT), GRID).reoriented(orientation).voxels
    assert sides.left[inside_left].all()
    assert sides.right[inside_right].all()
    assert sides.midline_mm == pytest.approx(0.0, abs=2.0)


def test_what_a_cut_takes_off_an_organ_goes_back_to_it():
    lung_over_the_midline = ((30, 45), (20, 28), (12, 18))
    left = ((10, 30), (8, 28), (4, 18))
    touch = ((30, 54), (8, 10), (4, 5))
    mask = boxes(left, lung_over_the_midline, touch, RIGHT)
    sides = split_sides(mask, GRID)
    assert sides.was_joined
    assert sides.left[boxes(lung_over_the_midline)].all()
    assert sides.right[boxes(RIGHT)].all()


def test_nothing_is_split_into_nothing():
    sides = split_sides(np.zeros(SHAPE, dtype=bool), GRID)
    assert not sides.right.any()
    assert not sides.left.any()


PAIRS_OF_117 = {
    "kidney": ((2,), (3,)),
    "adrenal_gland": ((8,), (9,)),
    "lung": ((12, 13, 14), (10, 11)),
}


@pytest.mark.parametrize("pair", PAIRS_OF_117)
@pytest.mark.parametrize("name", ["s0327", "s0328"])
def test_the_pairs_of_real_people_are_told_apart(shared, name, pair):
    own = read_nifti(shared / f"data/label_maps/{name}.nii.gz")
    right, left = (np.isin(own.voxels, values) for values in PAIRS_OF_117[pair])
    sides = split_sides(right | left, own.geometry)
    wrong = np.count_nonzero(sides.right & left) + np.count_nonzero(sides.left & right)
    assert wrong <= 0.002 * np.count_nonzero(right | left), wrong


def test_the_kidneys_of_a_real_person_are_told_apart_on_a_flipped_grid(shared):
    own = read_nifti(shared / "data/label_maps/amos_0013.nii.gz")
    assert own.geometry.orientation == "LAS"
    sides = split_sides(np.isin(own.voxels, (3, 4)), own.geometry)
    np.testing.assert_array_equal(sides.right, own.voxels == 4)
