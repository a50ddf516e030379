import json

import nibabel as nib
import numpy as np
import pytest

from omentum.errors import UnknownOrganError, UnreadableImageError
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.mask_files import (
    read_masks,
    write_label_table,
    write_masks,
    write_organ_files,
    write_painted,
)
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

SHAPE = (11, 10, 9)
GRID = Geometry(SHAPE, np.diag([-1.0, -1.0, 2.0, 1.0]))


def overlapping(n_organs, seed=0):
    """Random masks that overlap, and one organ of which there is none."""
    rng = np.random.default_rng(seed)
    oracle = {row.name: rng.random(SHAPE) < 0.5 for row in ORGANS[:n_organs]}
    oracle["celiac_trunk"] = np.zeros(SHAPE, dtype=bool)
    parts = oracle.items()
    return MaskSet.build(GRID, oracle, parts), oracle


@pytest.mark.parametrize(("n_organs", "dtype"), [(0, np.uint8), (4, np.uint8), (11, np.uint16)])
def test_overlapping_masks_come_back_as_they_were(tmp_path, n_organs, dtype):
    masks, oracle = overlapping(n_organs)
    write_masks(tmp_path / "masks.nii.gz", masks)
    back = read_masks(tmp_path / "masks.nii.gz")
    assert back.codes.dtype == masks.codes.dtype == dtype
    assert (back.sets, back.organs) == (masks.sets, masks.organs)
    assert back.geometry.same_grid(GRID)
    for name, mask in oracle.items():
        np.testing.assert_array_equal(back.mask(name), mask)
    assert back.volumes_ml() == pytest.approx(masks.volumes_ml())


def test_codes_open_in_other_programs(tmp_path):
    masks, _ = overlapping(4)
    write_masks(tmp_path / "masks.nii.gz", masks)
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / "masks.nii.gz").dataobj), masks.codes)


@pytest.mark.parametrize("note", [None, {"sets": [[]]}, ["sets", "organs"], "sets organs"])
def test_a_file_without_the_table_of_sets_is_refused(tmp_path, note):
    path = tmp_path / "labels.nii.gz"
    write_nifti(path, Volume(np.zeros(SHAPE, dtype=np.uint8), GRID), note=note)
    with pytest.raises(UnreadableImageError, match=r"labels\.nii\.gz: its header holds no table"):
        read_masks(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UnreadableImageError, match="no such file"):
        read_masks(tmp_path / "masks.nii.gz")


def test_each_organ_has_a_file_empty_ones_too(tmp_path):
    masks, oracle = overlapping(3)
    paths = write_organ_files(tmp_path / "segmentations", masks)
    assert [path.name for path in paths] == [f"{name}.nii.gz" for name in masks.organs]
    assert sorted(paths) == sorted((tmp_path / "segmentations").iterdir())
    for path, name in zip(paths, masks.organs, strict=True):
        image = nib.load(path)
        assert image.get_data_dtype() == np.uint8
        np.testing.assert_array_equal(np.asarray(image.dataobj), oracle[name])
        np.testing.assert_allclose(image.affine, GRID.affine)


def test_only_the_organs_asked_for_are_written(tmp_path):
    masks, _ = overlapping(3)
    assert [path.name for path in write_organ_files(tmp_path, masks, ["kidney_left"])] == [
        "kidney_left.nii.gz"
    ]
    with pytest.raises(UnknownOrganError, match="liver"):
        write_organ_files(tmp_path, masks, ["liver"])


def test_a_painted_map_has_the_table_beside_it(tmp_path):
    masks, oracle = overlapping(5)
    write_painted(tmp_path / "case" / "labels.nii.gz", masks)
    painted = np.asarray(nib.load(tmp_path / "case" / "labels.nii.gz").dataobj)
    assert painted.dtype == np.uint8
    expected = np.zeros(SHAPE, dtype=np.uint8)
    for name, mask in oracle.items():
        expected[mask] = organ(name).index
    np.testing.assert_array_equal(painted, expected)
    table = json.loads((tmp_path / "case" / "labels.json").read_text())
    assert table["0"] == "background"
    assert {int(index): name for index, name in table.items() if index != "0"} == {
        row.index: row.name for row in ORGANS
    }


def test_the_table_alone_is_the_same(tmp_path):
    write_label_table(tmp_path / "a.json")
    write_painted(tmp_path / "labels.nii.gz", overlapping(1)[0])
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "labels.json").read_bytes()
