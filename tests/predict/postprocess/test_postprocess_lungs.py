"""Lungs in the default recipe: none is lost, joined ones are parted, sides are the patient's."""

import numpy as np
import pytest

from omentum.predict.postprocess.recipes import RECIPES
from omentum.volumes.geometry import Geometry


@pytest.fixture
def tell(clean, grid):
    """Tell lungs apart by that rule alone; gives the left one, the right one and the notes."""

    def run(left, right, geometry=grid):
        without = [name for name in RECIPES["default"] if name != "lungs"]
        cleaned, result = clean({"lung_left": left, "lung_right": right}, geometry, without=without)
        return cleaned["lung_left"], cleaned["lung_right"], result.notes

    return run


@pytest.fixture
def left(block):
    return block((4, 24), (5, 30), (20, 48))


@pytest.fixture
def right(block):
    return block((36, 56), (5, 30), (20, 48))


@pytest.fixture
def nothing(block):
    return block((0, 0), (0, 0), (0, 0))


@pytest.mark.parametrize("case", ["right names", "exchanged names", "all one name", "mixed names"])
def test_two_lungs_are_told_by_where_they_lie_whatever_they_are_called(
    tell, left, right, nothing, block, case
):
    top = block((0, 60), (0, 40), (34, 50))
    named = {
        "right names": (left, right),
        "exchanged names": (right, left),
        "all one name": (nothing, left | right),
        "mixed names": (left & ~top | right & top, right & ~top | left & top),
    }[case]
    found_left, found_right, notes = tell(*named)
    assert (found_left == left).all()
    assert (found_right == right).all()
    assert notes == ()


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_side_follows_the_affine(tell, left, right, mirrored):
    geometry = Geometry((60, 40, 50), np.diag([-3.0 if mirrored else 3.0, 3.0, 3.0, 1.0]))
    found_left, found_right, _ = tell(left, right, geometry)
    assert (found_left == (right if mirrored else left)).all()
    assert (found_right == (left if mirrored else right)).all()


def test_one_lung_is_not_lost_and_has_one_name(tell, right, nothing, block):
    assert (tell(nothing, right)[1] == right).all()
    assert (
        tell(right, nothing)[0] == right
    ).all()  # a field of view about one lung: the name is all there is
    apex = right & block((0, 60), (0, 40), (36, 50))
    found_left, found_right, notes = tell(apex, right & ~apex)
    assert not found_left.any()
    assert (found_right == right).all()
    assert notes == ()


def test_a_speck_is_no_lung_and_a_collapsed_lung_is_one(tell, right, block):
    speck, collapsed = block((6, 8), (10, 13), (30, 33)), block((6, 12), (10, 16), (30, 36))
    assert not tell(speck, right)[0].any()
    assert (tell(collapsed, right)[0] == collapsed).all()
    assert (tell(collapsed, right)[1] == right).all()


def test_lungs_of_specks_alone_stay_as_they_are(tell, block):
    specks = block((6, 8), (10, 12), (30, 32)), block((40, 42), (10, 12), (30, 32))
    found_left, found_right, _ = tell(*specks)
    assert (found_left == specks[0]).all()
    assert (found_right == specks[1]).all()


@pytest.mark.parametrize("names", ["own", "one", "apart"])
def test_joined_lungs_are_parted_between_them_and_no_voxel_is_lost(tell, left, right, nothing, block, names):
    bridge = block((24, 36), (26, 29), (30, 40))
    every = left | right | bridge
    west = block((0, 10), (0, 40), (0, 50))
    named = {"own": (left, right | bridge), "one": (nothing, every), "apart": (west & every, every & ~west)}
    found_left, found_right, notes = tell(*named[names])
    assert (left <= found_left).all()
    assert (right <= found_right).all()
    assert (found_left ^ found_right == every).all()
    assert np.argwhere(found_left)[:, 0].max() == 29
    assert notes == ()


def test_lungs_joined_too_broadly_keep_the_network_s_border_with_a_note(tell, block):
    every = block((4, 56), (5, 30), (20, 48))
    middle = block((0, 29), (0, 40), (0, 50))
    found_left, found_right, notes = tell(every & middle, every & ~middle)
    assert (found_left == every & middle).all()
    assert (found_right == every & ~middle).all()
    assert "joined" in notes[0]


def test_a_lung_in_two_pieces_keeps_both_and_scraps_go(tell, left, right, block):
    lower, scrap = block((36, 56), (5, 30), (8, 17)), block((50, 54), (34, 38), (4, 8))
    found_left, found_right, _ = tell(left, right | lower | scrap)
    assert (found_left == left).all()
    assert (found_right == right | lower).all()
