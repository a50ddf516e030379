import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omentum.errors import UnknownOrganError
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.masks import MaskSet

modest = settings(max_examples=60, deadline=None)
SHAPE = (7, 6, 5)
GRID = Geometry(SHAPE, np.diag([1.0, 2.0, 2.5, 1.0]))
NAMES = ["liver", "spleen", "celiac_trunk", "kidney_cyst", "liver_tumor"]


def _box(rng):
    starts = [int(rng.integers(0, side)) for side in SHAPE]
    return tuple(
        slice(low, int(rng.integers(low + 1, side + 1))) for low, side in zip(starts, SHAPE, strict=True)
    )


def _parts(seed, n_parts, names):
    """Random masks in random boxes, organs repeated, and the dictionary of full masks they should make."""
    rng = np.random.default_rng(seed)
    oracle = {name: np.zeros(SHAPE, dtype=bool) for name in names}
    parts = []
    for _ in range(n_parts):
        name, box = names[rng.integers(len(names))], _box(rng)
        mask = rng.random(oracle[name][box].shape) < rng.random()
        oracle[name][box] |= mask
        parts.append((name, BoxedArray(box, mask)))
    return parts, oracle


@modest
@given(seed=st.integers(0, 2**32 - 1), n_parts=st.integers(0, 12))
def test_a_coded_map_gives_back_every_mask(seed, n_parts):
    parts, oracle = _parts(seed, n_parts, NAMES)
    masks = MaskSet.build(GRID, NAMES, iter(parts))
    assert masks.codes.dtype == np.uint8
    assert masks.sets[0] == ()
    assert all(list(members) == sorted(members) for members in masks.sets)
    assert len(set(masks.sets)) == len(masks.sets)
    for name, mask in oracle.items():
        np.testing.assert_array_equal(masks.mask(name), mask)


@modest
@given(seed=st.integers(0, 2**32 - 1))
def test_volumes_are_those_of_the_masks(seed):
    parts, oracle = _parts(seed, 8, NAMES)
    volumes = MaskSet.build(GRID, NAMES, parts).volumes_ml()
    assert volumes == pytest.approx({name: mask.sum() * 0.005 for name, mask in oracle.items()})


@modest
@given(seed=st.integers(0, 2**32 - 1), order=st.permutations(NAMES), n_shown=st.integers(1, 5))
def test_a_painted_map_shows_the_organ_painted_last(seed, order, n_shown):
    parts, oracle = _parts(seed, 8, NAMES)
    masks = MaskSet.build(GRID, NAMES, parts)
    for shown, painted in ((order[:n_shown], masks.painted(order[:n_shown])), (None, masks.painted())):
        expected = np.zeros(SHAPE, dtype=np.uint8)
        for name in shown or sorted(NAMES, key=lambda name: organ(name).index):
            expected[oracle[name]] = organ(name).index
        assert painted.dtype == np.uint8
        np.testing.assert_array_equal(painted, expected)


def test_more_than_256_sets_need_two_bytes_a_voxel():
    names = [row.name for row in ORGANS][:12]
    rng = np.random.default_rng(3)
    grid = Geometry((16, 16, 16), np.eye(4))
    oracle = {name: rng.random(grid.shape) < 0.5 for name in names}
    masks = MaskSet.build(grid, names, oracle.items())
    assert masks.codes.dtype == np.uint16
    assert len(masks.sets) > 256
    for name, mask in oracle.items():
        np.testing.assert_array_equal(masks.mask(name), mask)
    painted = np.zeros(grid.shape, dtype=np.uint8)
    for name in names:
        painted[oracle[name]] = organ(name).index
    np.testing.assert_array_equal(masks.painted(), painted)


@pytest.mark.parametrize("n_sets", [255, 256, 257])
def test_one_byte_does_for_exactly_256_sets(n_sets):
    names = [row.name for row in ORGANS][:9]
    grid = Geometry((n_sets, 1, 1), np.eye(4))
    number = np.arange(n_sets)[:, None, None]
    parts = [(name, (number >> bit & 1).astype(bool)) for bit, name in enumerate(names)]
    masks = MaskSet.build(grid, names, parts)
    assert len(masks.sets) == n_sets
    assert masks.codes.dtype == (np.uint8 if n_sets <= 256 else np.uint16)
    for name, mask in parts:
        np.testing.assert_array_equal(masks.mask(name), mask)


@modest
@given(seed=st.integers(0, 2**32 - 1), dtype=st.sampled_from([np.uint8, np.int16, np.float32]))
def test_a_label_map_is_taken_as_it_is_and_other_organs_are_dropped(seed, dtype):
    labels = np.random.default_rng(seed).integers(0, 33, SHAPE).astype(dtype)
    masks = MaskSet.from_labels(labels, GRID, NAMES)
    for name in NAMES:
        np.testing.assert_array_equal(masks.mask(name), labels == organ(name).index)
    kept = np.isin(labels, [organ(name).index for name in NAMES])
    np.testing.assert_array_equal(masks.painted(), np.where(kept, labels, 0))


def test_an_organ_without_a_voxel_is_empty_and_an_unnamed_one_unknown():
    masks = MaskSet.build(GRID, ["spleen", "celiac_truck"], [])
    assert masks.organs == ("spleen", "celiac_trunk")
    assert not masks.mask("celiac_truck").any()
    assert masks.volumes_ml() == {"spleen": 0.0, "celiac_trunk": 0.0}
    with pytest.raises(UnknownOrganError, match=r"liver.*known are spleen, celiac_trunk"):
        masks.mask("liver")


def test_a_part_of_an_organ_that_the_map_does_not_speak_of_is_refused():
    part = ("liver", np.ones(SHAPE, dtype=bool))
    with pytest.raises(UnknownOrganError, match="liver"):
        MaskSet.build(GRID, ["spleen"], [part])


def test_parts_are_not_changed_by_being_added():
    mask = np.ones(SHAPE, dtype=bool)
    MaskSet.build(GRID, ["liver"], [("liver", mask)])
    assert mask.all()


def test_more_than_65536_sets_need_four_bytes_a_voxel():
    shape = (44, 40, 36)
    rng = np.random.default_rng(0)
    names = [row.name for row in ORGANS[:18]]
    drawn = {name: rng.random(shape) < 0.5 for name in names}
    grid = Geometry(shape, np.eye(4))
    masks = MaskSet.build(grid, names, drawn.items())
    assert len(masks.sets) > 65_536  # those that no voxel has any more count too
    for name in names:
        assert np.array_equal(masks.mask(name), drawn[name]), name


def test_several_masks_are_replaced_at_once_and_may_overlap():
    rng = np.random.default_rng(2)
    grid = Geometry((6, 5, 4), np.eye(4))
    liver, spleen, aorta = (rng.random(grid.shape) < 0.5 for _ in range(3))
    masks = MaskSet.build(grid, ["liver", "spleen", "aorta"], [("liver", ~liver), ("aorta", aorta)])
    parts = {"liver": BoxedArray.whole(liver), "spleen": BoxedArray.whole(spleen), "pancreas": None}
    found = masks.with_parts(parts)
    assert np.array_equal(found.mask("liver"), liver)
    assert np.array_equal(found.mask("spleen"), spleen)
    assert np.array_equal(found.mask("aorta"), aorta)
    assert not found.mask("pancreas").any()
