import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from omentum.exchange.exporters.meshes import enclosed_mm3, surface
from omentum.volumes.geometry import Geometry


def grid(shape, *, left_handed=False):
    x = -1.0 if left_handed else 1.0
    return Geometry(shape, np.array([[x * 0.8, 0, 0, 5], [0, 1.2, 0.3, -4], [0, 0, 2.0, 9], [0, 0, 0, 1.0]]))


@given(arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5))), st.booleans())
def test_every_surface_is_closed_whatever_the_mask(mask, left_handed):
    _, triangles = surface(mask, grid(mask.shape, left_handed=left_handed))
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    there, back = (np.unique(one, axis=0, return_counts=True) for one in (edges, edges[:, ::-1]))
    np.testing.assert_array_equal(there[0], back[0])
    np.testing.assert_array_equal(there[1], back[1])


@pytest.mark.parametrize("left_handed", [False, True])
def test_volume_is_that_of_the_voxels_and_normals_point_out_on_either_hand(left_handed):
    index = np.indices((24, 20, 16)).reshape(3, -1).T
    mask = (np.linalg.norm((index - (12, 10, 8)) / (9, 7, 5), axis=1) < 1).reshape(24, 20, 16)
    geometry = grid(mask.shape, left_handed=left_handed)
    corners, triangles = surface(mask, geometry)
    wanted = mask.sum() * geometry.voxel_ml * 1000
    assert enclosed_mm3(corners, triangles) == pytest.approx(wanted, rel=1e-3)
    np.testing.assert_allclose(corners.mean(axis=0), geometry.to_mm((12, 10, 8)), atol=0.2)


def test_a_mask_without_a_voxel_has_no_surface():
    corners, triangles = surface(np.zeros((3, 3, 3), dtype=bool), grid((3, 3, 3)))
    assert (len(corners), len(triangles)) == (0, 0)
