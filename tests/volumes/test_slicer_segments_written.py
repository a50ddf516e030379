"""Files for 3D Slicer hold every organ of a case, also those that overlap, on the CT's own grid."""

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from omentum.errors import UnknownOrganError
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.itk_io import read_itk_fields, read_itk_layers
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.segmentations import read_segmentation
from omentum.volumes.slicer_segments import write_segments

SHAPE = (9, 7, 5)
TURN = np.array([[0.96, -0.28, 0.0], [0.28, 0.96, 0.0], [0.0, 0.0, 1.0]])
OBLIQUE = Geometry(SHAPE, nib.affines.from_matvec(TURN @ np.diag([-0.7, 0.9, 2.5]), (31.5, -12.25, 7.125)))
GRIDS = {name: Geometry(SHAPE, OBLIQUE.affine).reoriented(name) for name in ALL_ORIENTATIONS}


def masks_on(geometry: Geometry) -> MaskSet:
    """Liver and gall bladder overlap, both overlap the tumour; there is no spleen."""
    rng = np.random.default_rng(sum(geometry.shape))
    parts = [(name, rng.random(geometry.shape) < 0.3) for name in ("liver", "gall_bladder", "liver_tumor")]
    return MaskSet.build(geometry, ["spleen", "liver", "gall_bladder", "liver_tumor"], parts)


ORDER = ("liver_tumor", "spleen", "liver", "gall_bladder")


@pytest.mark.parametrize("grid", [OBLIQUE, *GRIDS.values()], ids=["oblique", *GRIDS])
def test_every_mask_is_read_back_voxel_for_voxel_in_the_order_that_was_asked(grid, tmp_path):
    masks = masks_on(grid)
    write_segments(tmp_path / "a.seg.nrrd", masks, ORDER)
    found = read_segmentation(tmp_path / "a.seg.nrrd", grid)
    assert [one.name for one in found] == list(ORDER)
    for one in found:
        np.testing.assert_array_equal(one.mask, masks.mask(one.name))
        assert (one.notes, one.is_completed) == ((), False)


def test_simpleitk_sees_the_layers_where_the_ct_is(tmp_path):
    write_segments(tmp_path / "a.seg.nrrd", masks_on(OBLIQUE), ORDER)
    image = sitk.ReadImage(tmp_path / "a.seg.nrrd")
    assert (image.GetSize(), image.GetNumberOfComponentsPerPixel()) == (SHAPE, 3)
    lps = np.diag([-1.0, -1.0, 1.0]) @ OBLIQUE.affine[:3]
    np.testing.assert_allclose(image.GetOrigin(), lps[:, 3])
    np.testing.assert_allclose(image.GetSpacing(), OBLIQUE.spacing_mm)
    directions = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    np.testing.assert_allclose(directions, lps[:, :3], atol=1e-12)


def test_organs_that_do_not_overlap_share_one_layer(tmp_path):
    half = np.zeros(SHAPE, dtype=bool)
    half[:4] = True
    masks = MaskSet.build(OBLIQUE, ["liver", "spleen"], [("liver", half), ("spleen", ~half)])
    write_segments(tmp_path / "a.seg.nrrd", masks, ["liver", "spleen"])
    layers = read_itk_layers(tmp_path / "a.seg.nrrd").voxels
    np.testing.assert_array_equal(layers[0], np.where(half, organ("liver").index, organ("spleen").index))
    assert len(layers) == 1


def test_a_segment_has_its_colour_its_terms_and_its_extent(tmp_path):
    box = np.zeros(SHAPE, dtype=bool)
    box[2:5, 1:7, 3:4] = True
    masks = MaskSet.build(OBLIQUE, ["kidney_left", "liver_tumor"], [("kidney_left", box)])
    write_segments(tmp_path / "a.seg.nrrd", masks, ["kidney_left", "liver_tumor"])
    fields = read_itk_fields(tmp_path / "a.seg.nrrd")
    red, green, blue = organ("kidney_left").colour
    assert fields["Segment0_Color"] == f"{red / 255:.6f} {green / 255:.6f} {blue / 255:.6f}"
    assert (fields["Segment0_Extent"], fields["Segment1_Extent"]) == ("2 4 1 6 3 3", "0 -1 0 -1 0 -1")
    assert "~SCT^64033007^Kidney~SCT^7771000^Left~" in fields["Segment0_Tags"]
    assert fields["Segment1_Tags"].endswith("~SCT^10200004^Liver~^^|")


def test_an_organ_that_the_masks_do_not_know_is_refused(tmp_path):
    with pytest.raises(UnknownOrganError, match="pancreas"):
        write_segments(tmp_path / "a.seg.nrrd", masks_on(OBLIQUE), ["pancreas"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("grid", [OBLIQUE, *GRIDS.values()], ids=["oblique", *GRIDS])
def test_cropped_with_other_layers_and_values_they_are_the_same_masks(grid, tmp_path):
    box = tuple(slice(1, side - 1) for side in grid.shape)
    inside = np.zeros(grid.shape, dtype=bool)
    inside[box] = True
    before = masks_on(grid)
    parts = [(name, before.mask(name) & inside) for name in before.organs]
    masks = MaskSet.build(grid, before.organs, parts)
    write_segments(tmp_path / "a.seg.nrrd", masks, ORDER)
    image = sitk.ReadImage(tmp_path / "a.seg.nrrd")
    low, high = [part.start for part in box], [part.stop for part in box]
    cropped = image[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    layers = np.stack([masks.mask(name)[box] * np.uint8(9) for name in reversed(ORDER)], axis=-1)
    saved = sitk.GetImageFromArray(layers.transpose(2, 1, 0, 3), isVector=True)
    saved.CopyInformation(cropped)
    saved.SetMetaData("Segmentation_ReferenceImageExtentOffset", " ".join(map(str, low)))
    for number, name in enumerate(reversed(ORDER)):
        for key, value in {"Name": name, "Layer": str(number), "LabelValue": "9"}.items():
            saved.SetMetaData(f"Segment{number}_{key}", value)
    sitk.WriteImage(saved, tmp_path / "saved.seg.nrrd", useCompression=True)
    for one in read_segmentation(tmp_path / "saved.seg.nrrd", grid):
        np.testing.assert_array_equal(one.mask, masks.mask(one.name))
