from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omentum.errors import AffineError
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti_affine import nifti_affine

FILE = Path("ct.nii.gz")
SHAPE = (64, 48, 40)
AFFINE = np.array([[-0.8, 0, 0, 25], [0, 0.8, 0, -19], [0, 0, 2.5, -700], [0, 0, 0, 1.0]])
SIZES = (0.8, 0.8, 2.5)


def header(*, s=AFFINE, q=AFFINE, s_code=1, q_code=1, unit=2, **fields):
    made = nib.Nifti1Header()
    made.set_data_shape(SHAPE)
    if s is not None:
        made.set_sform(s, code=1)
    if q is not None:
        made.set_qform(q, code=1)
    made["sform_code"], made["qform_code"], made["xyzt_units"] = s_code, q_code, unit
    for name, value in fields.items():
        made[name] = value
    return made


def moved(x=0.0, degrees=0.0):
    angle = np.deg2rad(degrees)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine = turn @ AFFINE
    affine[0, 3] += x
    return affine


def bare():
    affine = AFFINE.copy()
    affine[:3, :3] /= SIZES
    return affine


def sheared():
    affine = AFFINE.copy()
    affine[1, 2] = 0.6
    affine[2, 2] = np.sqrt(2.5**2 - 0.6**2)
    return affine


MIRRORED = AFFINE @ np.diag([-1, 1, 1, 1.0])
PLANE = np.array([[0.8, 0, 0, 1], [0, 0.8, 0, 1], [0.8, 0, 0, 1], [0, 0, 0, 1]])


def test_forms_that_agree_are_taken_without_a_word():
    for made in (header(), header(q=moved(0.05)), header(q_code=0), header(s_code=0), header(unit=0)):
        found = nifti_affine(FILE, made, SHAPE)
        assert found.notes == ()
        np.testing.assert_allclose(found.affine, AFFINE, atol=0.051)
    assert nifti_affine(FILE, header(), SHAPE).is_plain
    assert not nifti_affine(FILE, header(q=moved(0.05)), SHAPE).is_plain


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_rounding_of_a_quaternion_is_forgiven(oblique, data):
    grid = data.draw(oblique)
    made = header(s=grid.affine, q=grid.affine)
    found = nifti_affine(FILE, made, (512, 512, 300))
    assert Geometry((512, 512, 300), found.affine).distance_mm(Geometry((512, 512, 300), grid.affine)) < 0.1
    assert found.notes == ()
    alone = nifti_affine(FILE, header(s=None, s_code=0, q=grid.affine), SHAPE)
    np.testing.assert_allclose(alone.affine, made.get_qform(), atol=1e-4)


@pytest.mark.parametrize(("fields", "right", "told"), [
    ({"s": bare()}, AFFINE, "no voxel size; its qform is taken, with 0.8 x 0.8 x 2.5 mm"),
    ({"srow_x": 0, "srow_y": 0, "srow_z": 0}, AFFINE, "sform is all zeros; its qform is taken"),
    ({"srow_x": np.nan}, AFFINE, "sform holds values that are not finite; its qform is taken"),
    ({"srow_z": PLANE[2]}, AFFINE, "sform cannot be inverted; its qform is taken"),
    ({"quatern_b": np.nan}, AFFINE, "qform holds values that are not finite; its sform is taken"),
    ({"quatern_b": 2}, AFFINE, "quaternion of length 2"),
    ({"pixdim": [1, 0, 0, 0, 0, 0, 0, 0]}, AFFINE, "pixdim 0 x 0 x 0, which is no voxel size; its sform"),
    ({"pixdim": [1, -0.8, 0.8, 2.5, 0, 0, 0, 0]}, AFFINE, "-0.8 x 0.8 x 2.5, which is no voxel size"),
    ({"pixdim": [np.nan, 0.8, 0.8, 2.5, 0, 0, 0, 0]}, AFFINE, r"side nan \(pixdim"),
    ({"q_code": 0, "pixdim": [1, np.nan, 1, 1, 0, 0, 0, 0]}, AFFINE, "pixdim is nan x 1 x 1"),
    ({"q_code": 0, "pixdim": [1, 1, 1, 1, 0, 0, 0, 0]}, AFFINE, "the 0.8 x 0.8 x 2.5 mm of its sform"),
    ({"q": moved(7)}, AFFINE, "qform lies up to 7 mm off its sform; its sform is taken"),
    ({"q": moved(0, 10)}, AFFINE, "its sform is taken"),
    ({"s": sheared()}, sheared(), "its sform is taken"),
    ({"s": AFFINE / 1000, "q": AFFINE / 1000, "unit": 1}, AFFINE, "in m; its voxels have 0.8 x 0.8 x 2.5 mm"),
    ({"s": AFFINE * 1000, "q": AFFINE * 1000, "unit": 3}, AFFINE, "in um; its voxels have 0.8 x 0.8 x 2.5"),
])  # fmt: skip
def test_what_is_beyond_doubt_is_taken_and_told(fields, right, told):
    for form in ("s", "q"):
        if form in fields:
            fields = {**fields, form: np.vstack([fields[form][:3], [0, 0, 0, 1]])}
    found = nifti_affine(FILE, header(**fields), SHAPE)
    np.testing.assert_allclose(found.affine[:3], right[:3], rtol=1e-5, atol=1e-4)
    assert not found.is_plain
    with pytest.raises(AffineError, match=told):
        raise AffineError(FILE, "; ".join(found.notes), "")


@pytest.mark.parametrize(("fields", "seen"), [
    ({"q": MIRRORED}, "axes to LAS, its qform 0.8 x 0.8 x 2.5 mm and axes to RAS"),
    ({"s": AFFINE @ np.diag([2, 2, 1, 1.0])}, "sform says 1.6 x 1.6 x 2.5 mm and axes to LAS, its qform 0.8"),
    ({"s": bare() @ np.diag([-1, 1, 1, 1.0])}, "1 x 1 x 1 mm and axes to RAS, its qform 0.8 x 0.8 x 2.5"),
    ({"s": bare() + np.eye(4)[3] * [[9], [0], [0], [0]]}, "sform says 1 x 1 x 1 mm"),
    ({"s": bare(), "q_code": 0}, "sform says 1 x 1 x 1 mm and axes to LAS, its pixdim 0.8 x 0.8 x 2.5 mm"),
    ({"s_code": 0, "q_code": 0}, r"no affine \(sform and qform code are 0\), so left and right are unknown"),
    ({"srow_x": np.nan, "q_code": 0}, "not finite, so left and right are unknown"),
    ({"srow_x": np.nan, "quatern_c": np.inf}, "its sform .* and its qform .* left and right are unknown"),
    ({"s_code": 0, "pixdim": [1, -0.8, 0.8, 2.5, 0, 0, 0, 0]}, "no voxel size, so left and right"),
    ({"s_code": 0, "pixdim": [0.5, 0.8, 0.8, 2.5, 0, 0, 0, 0]}, "the side 0.5"),
    ({"unit": 1}, "its unit is m, so that voxels have 800 x 800 x 2500 mm; read as mm, they have 0.8 x 0.8"),
])  # fmt: skip
def test_what_is_in_doubt_is_refused_with_both_readings(fields, seen):
    with pytest.raises(AffineError, match=seen):
        nifti_affine(FILE, header(**fields), SHAPE)
