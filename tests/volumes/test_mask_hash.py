import numpy as np
import pytest

from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import Geometry
from omentum.volumes.mask_hash import boxed_sha256, mask_sha256, organ_sha256s
from omentum.volumes.masks import MaskSet

GRID = Geometry((5, 4, 3), np.diag([-2.0, 1.0, 3.0, 1.0]))
MASK = np.random.default_rng(1).random(GRID.shape) > 0.5


def test_memory_order_does_not_change_the_hash():
    assert mask_sha256(np.asfortranarray(MASK), GRID) == mask_sha256(np.ascontiguousarray(MASK), GRID)
    assert mask_sha256(MASK[::-1][::-1], GRID) == mask_sha256(MASK, GRID)


def test_one_voxel_changes_the_hash():
    hashes = {mask_sha256(MASK, GRID)}
    for index in np.ndindex(MASK.shape):
        other = MASK.copy()
        other[index] ^= True
        hashes.add(mask_sha256(other, GRID))
    assert len(hashes) == 1 + MASK.size


def test_the_place_changes_the_hash():
    moved = GRID.affine.copy()
    moved[0, 3] += 1e-3
    assert mask_sha256(MASK, Geometry(GRID.shape, moved)) != mask_sha256(MASK, GRID)


def test_the_same_bits_in_another_shape_have_another_hash():
    empty = [np.zeros(shape, dtype=bool) for shape in ((4, 4, 3), (2, 8, 3))]
    assert len({mask_sha256(mask, Geometry(mask.shape, np.eye(4))) for mask in empty}) == 2


def test_minus_zero_is_zero():
    signed = GRID.affine.copy()
    signed[0, 1] = -0.0
    assert mask_sha256(MASK, Geometry(GRID.shape, signed)) == mask_sha256(MASK, GRID)


@pytest.mark.parametrize("shape", [(5, 7, 4), (8, 8, 3), (9, 13, 6), (16, 3, 5), (1, 1, 1), (7, 1, 9)])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_each_organ_of_a_map_has_the_hash_of_its_mask(shape, share):
    rng, grid = np.random.default_rng(1), Geometry(shape, np.eye(4))
    parts = [(name, rng.random(shape) < share) for name in ("liver", "spleen", "aorta")]
    masks = MaskSet.build(grid, ["liver", "spleen", "aorta", "pancreas"], parts)
    wide = MaskSet(masks.codes.astype(np.uint16), masks.sets, masks.organs, grid)
    of_each = {name: mask_sha256(masks.mask(name), grid) for name in masks.organs}
    assert organ_sha256s(masks) == organ_sha256s(wide) == of_each


def test_a_mask_in_a_box_has_the_hash_of_the_whole_mask():
    rng = np.random.default_rng(3)
    grid = Geometry((7, 5, 6), np.diag([1.0, 2.0, 3.0, 1.0]))
    mask = rng.random(grid.shape) < 0.3
    mask[:2], mask[:, :, 4:] = False, False
    assert boxed_sha256(BoxedArray.cut_out(mask), grid) == mask_sha256(mask, grid)
    assert boxed_sha256(BoxedArray.whole(mask), grid) == mask_sha256(mask, grid)
    assert boxed_sha256(None, grid) == mask_sha256(np.zeros(grid.shape, bool), grid)
