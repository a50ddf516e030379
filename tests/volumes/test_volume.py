import numpy as np
import pytest

from omentum.errors import ImageShapeError
from omentum.volumes.geometry import Geometry
from omentum.volumes.volume import Volume


def test_voxels_off_their_grid_are_refused():
    with pytest.raises(ImageShapeError, match=r"\(3, 4, 5\).*\(5, 4, 3\)"):
        Volume(np.zeros((3, 4, 5)), Geometry((5, 4, 3), np.eye(4)))


def test_a_crop_keeps_voxel_and_place_together_without_a_copy():
    grid = Geometry((6, 7, 8), np.diag([-1.0, 2.0, 3.0, 1.0]))
    volume = Volume(np.arange(6 * 7 * 8).reshape(6, 7, 8), grid)
    crop = volume.cropped((slice(2, 5), slice(0, 7), slice(6, 8)))
    assert crop.voxels[1, 2, 1] == volume.voxels[3, 2, 7]
    assert crop.geometry.to_mm((1, 2, 1)) == pytest.approx(grid.to_mm((3, 2, 7)))
    assert np.shares_memory(crop.voxels, volume.voxels)
