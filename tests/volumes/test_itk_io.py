import numpy as np
import pytest
import SimpleITK as sitk

from omentum.errors import AffineError, ImageShapeError, UnreadableImageError
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.itk_io import ITK_ENDINGS, read_itk, read_itk_fields
from omentum.volumes.read import read_ct
from omentum.volumes.segmentations import read_mask
from omentum.volumes.volume import Volume

GRID = Geometry((12, 10, 9), np.array([[-1.5, 0, 0, 20], [0, 1.25, 0, -31], [0, 0, 3, 7], [0, 0, 0, 1.0]]))
CT = Volume(np.arange(12 * 10 * 9, dtype=np.int16).reshape(12, 10, 9) - 500, GRID)


def save(path, volume):
    """Write with SimpleITK, whose world is LPS."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.voxels.transpose(2, 1, 0)))
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volume.geometry.affine
    spacing = np.array(volume.geometry.spacing_mm)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("ending", ITK_ENDINGS)
def test_a_volume_is_read_with_its_place(tmp_path, ending):
    volume = read_itk(save(tmp_path / f"ct{ending}", CT))
    assert volume.geometry.same_grid(GRID)
    np.testing.assert_array_equal(volume.voxels, CT.voxels)
    assert read_ct(tmp_path / f"ct{ending}").voxels.dtype == np.int16


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_axes_may_point_anywhere(tmp_path, orientation):
    turned = CT.reoriented(orientation)
    volume = read_itk(save(tmp_path / "ct.nrrd", turned))
    assert volume.geometry.orientation == orientation
    np.testing.assert_array_equal(volume.voxels, turned.voxels)


def test_a_mask_may_be_of_another_kind_of_file_and_order_than_its_ct(tmp_path):
    labels = Volume((CT.voxels % 3).astype(np.uint8), GRID)
    path = save(tmp_path / "labels.nrrd", labels.reoriented("SPL"))
    np.testing.assert_array_equal(read_mask(path, GRID).voxels, labels.voxels)


def test_a_file_that_names_no_space_is_refused_for_left_is_unknown(tmp_path):
    path = tmp_path / "ct.nrrd"
    head = "NRRD0004\ntype: short\ndimension: 3\nsizes: 12 10 9\nspacings: 1 1 1\nendian: little\n"
    path.write_bytes(f"{head}encoding: raw\n\n".encode() + CT.voxels.tobytes())
    with pytest.raises(AffineError, match="names no space"):
        read_itk(path)


def test_free_text_in_latin_1_is_read_and_a_key_in_it_is_left_out(tmp_path):
    head = "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\nA:=Größe\nGröße:=5\nB:=x\n\n"
    for encoding, size in (("utf-8", {"Größe": "5"}), ("latin-1", {})):
        (tmp_path / "m.nrrd").write_bytes(head.encode(encoding) + bytes(8))
        fields = read_itk_fields(tmp_path / "m.nrrd")
        assert {key: fields[key] for key in fields if not key.startswith(("NRRD_", "ITK_"))} == {
            "A": "Größe",
            "B": "x",
            **size,
        }


def test_what_is_cut_short_or_no_volume_is_refused(tmp_path):
    path = save(tmp_path / "ct.mha", CT)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UnreadableImageError):
        read_itk(path)
    with pytest.raises(UnreadableImageError, match="no such file"):
        read_itk(tmp_path / "none.mha")
    (tmp_path / "text.nrrd").write_text("no image")
    with pytest.raises(UnreadableImageError):
        read_itk(tmp_path / "text.nrrd")
    colours = sitk.GetImageFromArray(np.zeros((9, 10, 12, 3), dtype=np.uint8), isVector=True)
    sitk.WriteImage(colours, str(tmp_path / "colours.mha"))
    with pytest.raises(ImageShapeError, match="3 values a voxel"):
        read_itk(tmp_path / "colours.mha")


@pytest.mark.parametrize(("name", "content", "why"), [
    ("mask.mha", b"", "the file is empty"),
    ("mask.nrrd", b"", "the file is empty"),
    ("mask.mha", b"no header", "does not begin as a MetaImage file does"),
])  # fmt: skip
def test_a_file_without_a_header_is_refused_for_that_and_nothing_else_is_printed(
    tmp_path, capfd, name, content, why
):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableImageError, match=why):
        read_itk(tmp_path / name)
    assert capfd.readouterr() == ("", "")
