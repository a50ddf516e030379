import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omentum.volumes.boxes import BoxedArray, bounding_box, grown, joint_box, shifted, whole
from omentum.volumes.geometry import Geometry
from omentum.volumes.masks import MaskSet, organ_boxes


def box(*ends):
    return tuple(slice(start, stop) for start, stop in ends)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("seed", range(6))
def test_box_spans_the_least_and_greatest_index_of_the_mask(seed, order):
    rng = np.random.default_rng(seed)
    mask = np.asarray(rng.random((11, 9, 13)) > 0.995, order=order)
    mask[5, 4, 6] = True
    index = np.argwhere(mask)
    expected = box(*zip(index.min(axis=0), index.max(axis=0) + 1, strict=True))
    assert bounding_box(mask) == expected


def test_empty_mask_has_no_box():
    assert bounding_box(np.zeros((3, 4, 5), dtype=bool)) is None


def test_box_may_cover_the_whole_grid():
    assert bounding_box(np.ones((3, 4, 5), dtype=bool)) == whole((3, 4, 5))


def test_grown_box_stops_at_the_border():
    assert grown(box((0, 2), (3, 4), (4, 5)), 2, shape=(9, 6, 5)) == box((0, 4), (1, 6), (2, 5))


def test_growing_by_nothing_changes_nothing():
    assert grown(box((1, 2), (3, 4), (0, 5)), 0, shape=(9, 6, 5)) == box((1, 2), (3, 4), (0, 5))


def test_joint_box_of_nothing_is_none():
    assert joint_box([]) is None
    assert joint_box([None, None]) is None


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_joint_box_is_the_box_of_the_union(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.random((2, 6, 7, 8)) > 0.97
    assert joint_box([bounding_box(a), bounding_box(b)]) == bounding_box(a | b)


def test_shifting_into_a_box_and_out_again_changes_nothing():
    inner, outer = box((4, 6), (7, 9), (5, 6)), box((3, 9), (7, 12), (1, 8))
    local = shifted(inner, outer, sign=-1)
    volume = np.arange(10 * 13 * 9).reshape(10, 13, 9)
    assert (volume[outer][local] == volume[inner]).all()
    assert shifted(local, outer) == inner


def test_every_organ_of_a_map_gets_the_box_of_its_mask():
    rng = np.random.default_rng(3)
    grid = Geometry((12, 11, 10), np.eye(4))
    shapes = {name: np.zeros(grid.shape, dtype=bool) for name in ("liver", "spleen", "aorta")}
    for mask in list(shapes.values())[:2]:
        mask[2:9, 3:8, 1:7] = rng.random((7, 5, 6)) > 0.9
    masks = MaskSet.build(grid, shapes, shapes.items())
    assert organ_boxes(masks) == {name: bounding_box(masks.mask(name)) for name in masks.organs}
    assert organ_boxes(masks)["aorta"] is None
    in_c_order = MaskSet(np.ascontiguousarray(masks.codes), masks.sets, masks.organs, grid)
    assert organ_boxes(in_c_order) == organ_boxes(masks)


def test_map_without_a_voxel_has_organs_without_boxes():
    masks = MaskSet.build(Geometry((3, 3, 3), np.eye(4)), ["liver", "spleen"], [])
    assert organ_boxes(masks) == {"liver": None, "spleen": None}


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("seed", range(4))
def test_boxed_arrays_crop_join_and_cut_out_as_whole_arrays_do(seed, order):
    rng = np.random.default_rng(seed)
    full = [np.zeros((9, 8, 7), dtype=np.uint8) for _ in range(2)]
    ends = [box((seed, 5), (1, 6), (2, 7)), box((0, 3), (4, 8), (seed, 5))]
    for values, place in zip(full, ends, strict=True):
        values[place] = rng.integers(0, 5, values[place].shape)
    parts = [BoxedArray.cut_out(values) for values in full]
    assert [part.box for part in parts] == [bounding_box(values) for values in full]
    union = parts[0].union(parts[1])
    np.testing.assert_array_equal(union.values, np.maximum(*full)[union.box])
    place = box((2, 8), (0, 5), (3, 6))
    cropped = union.crop(place, order=order)
    assert cropped.flags[f"{order}_CONTIGUOUS"]
    np.testing.assert_array_equal(cropped, np.maximum(*full)[place])


def test_a_boxed_array_that_reaches_beyond_the_grid_is_cut_when_put():
    target = np.zeros((3, 3, 3), dtype=np.uint8)
    BoxedArray(box((-1, 1), (2, 5), (0, 3)), np.ones((2, 3, 3), dtype=np.uint8)).put(target)
    assert np.argwhere(target).tolist() == [[0, 2, z] for z in range(3)]
    assert BoxedArray(box((0, 1), (0, 1), (0, 1)), np.zeros((1, 1, 1))).tight() is None
