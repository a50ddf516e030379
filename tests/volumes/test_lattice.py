from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from omentum.errors import GridMismatchError
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.lattice import lattice_placement, put_on_grid
from omentum.volumes.volume import Volume

FILE = Path("mask.nii")
CT = Geometry((12, 11, 10), np.diag([-0.8, -1.25, 4.0, 1.0]))


def moved(grid, start, shape):
    affine = grid.affine.copy()
    affine[:3, 3] = grid.to_mm(start)
    return Geometry(shape, affine)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_voxel_keeps_its_place_in_mm_or_is_cut(oblique, data):
    ct = data.draw(oblique)
    start = data.draw(st.tuples(*[st.integers(-3, side - 1) for side in ct.shape]))
    shape = tuple(data.draw(st.integers(max(1, 1 - first), 8)) for first in start)
    assume(sorted(shape) != sorted(ct.shape))
    voxels = np.random.default_rng(0).random(shape) < 0.3
    own = Volume(voxels, moved(ct, start, shape)).reoriented(data.draw(st.sampled_from(ALL_ORIENTATIONS)))
    placement = lattice_placement(FILE, own.geometry, ct)
    mask, n_cut = put_on_grid(BoxedArray.whole(own.voxels), placement)
    at = np.rint(ct.to_index(own.geometry.to_mm(np.argwhere(own.voxels)))).astype(int)
    inside = ((at >= 0) & (at < ct.shape)).all(axis=1)
    assert {tuple(one) for one in np.argwhere(mask)} == {tuple(one) for one in at[inside]}
    assert n_cut == np.count_nonzero(~inside)


def test_the_cts_own_grid_needs_no_note():
    assert lattice_placement(FILE, CT, CT).notes == ()
    assert lattice_placement(FILE, moved(CT, (0, 0, 0.0002), CT.shape), CT).notes == ()


@pytest.mark.parametrize(
    ("start", "shape", "done"),
    [
        ((2, 0, 0), (5, 11, 10), "padded from 5 x 11 x 10 voxels"),
        ((-1, 0, 0), (14, 11, 10), "cropped from 14 x 11 x 10 voxels"),
        ((3, 0, 0), (12, 11, 10), "cropped and padded from 12 x 11 x 10 voxels"),
    ],
)
def test_what_is_done_is_told_in_the_cts_order_of_axes(start, shape, done):
    own = Volume(np.zeros(shape, dtype=bool), moved(CT, start, shape)).reoriented("SPL").geometry
    assert lattice_placement(FILE, own, CT).notes == (f"{done} to the CT's grid",)


@pytest.mark.parametrize("off_voxels", [-0.099, 0.099])
def test_a_corner_within_a_tenth_of_a_voxel_is_on_the_lattice_and_told(off_voxels):
    placement = lattice_placement(FILE, moved(CT, (0, 0, off_voxels), CT.shape), CT)
    assert placement.start == (0, 0, 0)
    assert placement.notes == ("a corner lies 0.4 mm off the CT's grid, within a tenth of a voxel",)


@pytest.mark.parametrize(
    ("own", "seen"),
    [
        (moved(CT, (0, 0, 0.101), CT.shape), "a corner lies 0.101 voxels off"),
        (
            Geometry((6, 11, 10), CT.affine @ np.diag([2.0, 1.0, 1.0, 1.0])),
            "1.6 x 1.25 x 4 mm is neither .* spacing or directions differ",
        ),
        (Geometry(CT.shape, CT.affine @ np.diag([1.02, 1.0, 1.0, 1.0])), "a corner lies 0.22 voxels off"),
        (Geometry(CT.shape, np.diag([1e30, 1e30, 1e30, 1.0])), "spacing or directions differ"),
        (moved(CT, (12, 0, 0), CT.shape), "no voxel on the CT's grid of 12 x 11 x 10"),
        (moved(CT, (1e12, 0, 0), CT.shape), "no voxel on the CT's grid"),
    ],
)
def test_a_grid_off_the_lattice_or_beyond_the_ct_is_refused_with_both_grids(own, seen):
    with pytest.raises(GridMismatchError, match=rf"^mask.nii: its grid of .*{seen}.*; \w+ "):
        lattice_placement(FILE, own, CT)


def test_sides_in_another_order_are_refused_for_axes_that_were_exchanged():
    with pytest.raises(GridMismatchError, match=r"10 x 11 x 12 voxels .* 12 x 11 x 10, in another order"):
        lattice_placement(FILE, moved(CT, (0, 0, 0), (10, 11, 12)), CT)
    turned = Volume(np.zeros(CT.shape), CT).reoriented("SPL").geometry
    assert lattice_placement(FILE, turned, CT).covers
