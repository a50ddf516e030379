import gzip

import numpy as np
import pytest

from omentum.errors import GridMismatchError, LabelValueError, UnreadableImageError
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.slice_reader import label_planes
from omentum.volumes.volume import Volume

GRID = Geometry((9, 8, 7), np.diag([-1.5, 1.0, 3.0, 1.0]))


def written(path, voxels):
    write_nifti(path, Volume(voxels, GRID))
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_slices_are_those_of_the_file_however_it_keeps_them(tmp_path, dtype, ending):
    voxels = np.random.default_rng(0).integers(0, 200, GRID.shape).astype(dtype)
    with label_planes(written(tmp_path / f"a{ending}", voxels), GRID) as planes:
        slices = [plane.copy() for plane in planes]
    np.testing.assert_array_equal(np.array(slices).T, voxels)


def test_set_codes_may_be_over_255_where_labels_may_not(tmp_path):
    voxels = np.full(GRID.shape, 300)
    with label_planes(written(tmp_path / "a.nii.gz", voxels.astype(np.uint16)), GRID) as planes:
        assert next(planes).max() == 300
    path = written(tmp_path / "b.nii.gz", voxels.astype(np.int16))
    with pytest.raises(LabelValueError), label_planes(path, GRID):
        pass


def test_a_file_on_another_grid_is_refused_before_any_slice(tmp_path):
    path = written(tmp_path / "a.nii.gz", np.zeros(GRID.shape, dtype=np.uint8))
    other = Geometry(GRID.shape, np.diag([1.5, 1.0, 3.0, 1.0]))
    with pytest.raises(GridMismatchError), label_planes(path, other):
        pass


def test_a_file_that_is_cut_short_or_changed_is_found(tmp_path):
    path = written(tmp_path / "a.nii.gz", np.ones(GRID.shape, dtype=np.uint8))
    whole = path.read_bytes()
    for content in (gzip.compress(gzip.decompress(whole)[:-9]), whole[:-6] + bytes(6)):
        path.write_bytes(content)
        with pytest.raises(UnreadableImageError), label_planes(path, GRID) as planes:
            list(planes)
