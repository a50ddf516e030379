import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from omentum.errors import AffineError, ImageError, UnreadableImageError
from omentum.volumes.itk_io import read_itk

HU = np.arange(12 * 10 * 9, dtype=np.int16).reshape(9, 10, 12)
AXES = "space directions: (2,0,0) (0,3,0) (0,0,4)\nspace origin: (10,20,30)\n"
SIZES = "ElementSpacing = 2 3 4\nOffset = 10 20 30\n"
MATRIX = "TransformMatrix = 1 0 0 0 1 0 0 0 1\n"


def nrrd(tmp_path, extra, sizes="12 10 9"):
    n_axes = len(sizes.split())
    head = f"NRRD0005\ntype: short\nendian: little\nencoding: raw\ndimension: {n_axes}\n"
    path = tmp_path / "ct.nrrd"
    path.write_bytes(f"{head}sizes: {sizes}\n{extra}\n".encode() + HU.tobytes())
    return path


def mha(tmp_path, extra):
    head = f"ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n{extra}"
    path = tmp_path / "ct.mha"
    rest = "DimSize = 12 10 9\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    path.write_bytes((head + rest).encode() + HU.tobytes())
    return path


@pytest.mark.parametrize(("space", "right"), [
    ("left-posterior-superior", (-1, -1, 1)), ("LPS", (-1, -1, 1)), ("lps", (-1, -1, 1)),
    ("Right-Anterior-Superior", (1, 1, 1)), ("RAS", (1, 1, 1)),
    ("left-anterior-superior", (-1, 1, 1)), ("LAS", (-1, 1, 1)),
])  # fmt: skip
def test_spaces_that_say_left_from_right_are_read_in_every_spelling(tmp_path, space, right):
    read = read_itk(nrrd(tmp_path, f"space: {space}\n{AXES}"))
    np.testing.assert_array_equal(read.geometry.affine[:3, :3], np.diag([2, 3, 4.0]) * right)
    np.testing.assert_array_equal(read.geometry.affine[:3, 3], np.array([10, 20, 30.0]) * right)
    assert read.notes == ()
    np.testing.assert_array_equal(read.voxels, HU.T)


@pytest.mark.parametrize("space", ["right-anterior-superior-time", "RAST", "LPST", "LAST"])
def test_a_space_with_time_is_read_where_there_is_one_time(tmp_path, space):
    axes = "space directions: (2,0,0,0) (0,3,0,0) (0,0,4,0) (0,0,0,1)\nspace origin: (10,20,30,0)\n"
    read = read_itk(nrrd(tmp_path, f"space: {space}\n{axes}", "12 10 9 1"))
    right = {"RA": (1, 1, 1), "LP": (-1, -1, 1), "LA": (-1, 1, 1)}[space[:2].upper().replace("RI", "RA")]
    np.testing.assert_array_equal(read.geometry.affine[:3, :3], np.diag([2, 3, 4.0]) * right)
    np.testing.assert_array_equal(read.voxels, HU.T)


@pytest.mark.parametrize("space", ["scanner-xyz", "3D-right-handed", "3D-left-handed", "3d-RIGHT-handed"])
def test_a_space_that_does_not_say_left_from_right_is_refused(tmp_path, space):
    with pytest.raises(AffineError, match=f"its space '{space}' does not say where left and right are"):
        read_itk(nrrd(tmp_path, f"space: {space}\n{AXES}"))


@pytest.mark.parametrize(("extra", "seen"), [
    (f"space dimension: 3\n{AXES}", "names no space"),
    ("spacings: 2 3 4\n", "names no space"),
    ("space: LPS\n", "space directions are 'missing', and three axes"),
    ("space: LPS\nspace directions: (2,0,0) (0,3,0) none\nspace origin: (1,2,3)\n", "three axes are needed"),
    (f"space: LPI\n{AXES}", "couldn't parse space"),
    (f'space: LPS\n{AXES}space units: "furlong" "furlong" "furlong"\n', "unit of length is 'furlong'"),
    (f'space: LPS\n{AXES}space units: "mm" "mm" "cm"\n', "several units of length"),
    ("space: LPS\nspace directions: (2,0,0) (0,3,0) (0,3,0)\nspace origin: (0,0,0)\n", "cannot be inverted"),
])  # fmt: skip
def test_what_itk_would_take_for_granted_in_nrrd_is_refused(tmp_path, extra, seen):
    with pytest.raises(ImageError, match=seen) as caught:
        read_itk(nrrd(tmp_path, extra))
    assert "0x" not in str(caught.value)
    assert str(caught.value).count("ct.nrrd") == 1


def test_units_of_nrrd_are_used_and_told(tmp_path):
    units = 'space units: "cm" "cm" "cm"\n'
    axes = "space directions: (0.05,0,0) (0,0.05,0) (0,0,0.4)\nspace origin: (1,2,3)\n"
    read = read_itk(nrrd(tmp_path, f"space: LPS\n{axes}{units}"))
    np.testing.assert_allclose(
        read.geometry.affine[:3], [[-0.5, 0, 0, -10], [0, -0.5, 0, -20], [0, 0, 4, 30]]
    )
    assert read.notes == ("its lengths are in cm; its voxels have 0.5 x 0.5 x 4 mm",)
    with pytest.raises(
        AffineError, match="unit is cm, so that voxels have 20 x 30 x 40 mm; read as mm, they"
    ):
        read_itk(nrrd(tmp_path, f"space: LPS\n{AXES}{units}"))
    read = read_itk(
        mha(tmp_path, f"ElementSpacing = 0.05 0.05 0.4\nOffset = 1 2 3\n{MATRIX}DistanceUnits = cm\n")
    )
    assert read.notes == ("its lengths are in cm; its voxels have 0.5 x 0.5 x 4 mm",)


def test_a_missing_origin_is_told(tmp_path):
    axes = "space: LPS\nspace directions: (2,0,0) (0,3,0) (0,0,4)\n"
    assert read_itk(nrrd(tmp_path, axes)).notes == ("its header has no origin, so that 0 mm is taken",)
    path = mha(tmp_path, f"{MATRIX}ElementSpacing = 2 3 4\n")
    assert read_itk(path).notes == ("its header has no origin, so that 0 mm is taken",)


@pytest.mark.parametrize("extra", [
    SIZES + MATRIX,
    f"{SIZES}{MATRIX}AnatomicalOrientation = RAI\n",
    f"{SIZES}{MATRIX}AnatomicalOrientation = ???\nDistanceUnits = mm\n",
    f"{SIZES}AnatomicalOrientation = RAI\n",
    "ElementSize = 2 3 4\nPosition = 10 20 30\nOrientation = 1 0 0 0 1 0 0 0 1\n",
    "ElementSpacing=2 3 4\nOrigin=10 20 30\nRotation=1 0 0 0 1 0 0 0 1\n",
])  # fmt: skip
def test_a_meta_image_lies_where_itk_says(tmp_path, extra):
    read = read_itk(mha(tmp_path, extra))
    np.testing.assert_array_equal(read.geometry.affine[:3, :3], np.diag([-2, -3, 4.0]))
    np.testing.assert_array_equal(read.geometry.affine[:3, 3], [-10, -20, 30])
    assert read.notes == ()


@pytest.mark.parametrize(("extra", "seen"), [
    ("", "no ElementSpacing"),
    (SIZES, "neither TransformMatrix nor AnatomicalOrientation, so left and right are unknown"),
    (f"{SIZES}AnatomicalOrientation = ???\n", "neither TransformMatrix"),
    (f"{SIZES}AnatomicalOrientation = LPI\n", "is LPI, and that of its TransformMatrix would be RAI"),
    (f"{SIZES}{MATRIX}AnatomicalOrientation = LAI\n", "is LAI, and that of its TransformMatrix would be RAI"),
    (f"{SIZES}TransformMatrix = 0 0 0 0 0 0 0 0 0\n", "cannot be inverted"),
])  # fmt: skip
def test_what_itk_would_take_for_granted_in_meta_images_is_refused(tmp_path, extra, seen):
    with pytest.raises(AffineError, match=seen):
        read_itk(mha(tmp_path, extra))


def test_letters_of_a_meta_image_agree_with_any_matrix_that_itk_writes(tmp_path):
    image = sitk.GetImageFromArray(HU)
    for seed in range(30):
        turn = Rotation.random(random_state=seed).as_matrix() * [1, 1, (-1) ** seed]
        image.SetDirection(turn.ravel().tolist())
        sitk.WriteImage(image, str(tmp_path / "ct.mha"))
        lps = read_itk(tmp_path / "ct.mha").geometry.affine[:3, :3] * [[-1], [-1], [1]]
        np.testing.assert_allclose(lps, turn, atol=1e-6)


def test_an_error_of_itk_that_ends_with_an_address_shows_none(tmp_path):
    with pytest.raises(ImageError) as caught:
        read_itk(nrrd(tmp_path, "space: LPS\nspacings: 2 3 4\n"))
    assert "nrrd spacing" in str(caught.value)
    assert "0x" not in str(caught.value)


def test_an_error_of_itk_names_the_file_once_and_no_address(tmp_path):
    path = nrrd(tmp_path, f"space: LPS\n{AXES}")
    path.write_bytes(path.read_bytes()[:-99])
    with pytest.raises(UnreadableImageError) as caught:
        read_itk(path)
    assert str(caught.value).count("ct.nrrd") == 1
    assert "0x" not in str(caught.value)


def test_a_rescale_that_programs_leave_out_is_refused(tmp_path):
    rescale = "ElementToIntensityFunctionSlope = 1\nElementToIntensityFunctionOffset = {}\n"
    read_itk(mha(tmp_path, MATRIX + SIZES + rescale.format("0.0")))
    with pytest.raises(UnreadableImageError, match="ElementToIntensityFunctionOffset is -1024"):
        read_itk(mha(tmp_path, MATRIX + SIZES + rescale.format("-1024")))
