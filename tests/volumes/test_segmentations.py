import gzip
import runpy
import sys

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from omentum.errors import (
    AffineError,
    GridMismatchError,
    ImageError,
    ImageShapeError,
    LabelValueError,
    NonFiniteVoxelsError,
    UnreadableImageError,
)
from omentum.volumes import segmentations
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.segmentations import read_segmentation
from omentum.volumes.volume import Volume

SHAPE = (13, 11, 9)
TURN = Rotation.from_euler("xyz", [9, -14, 21], degrees=True).as_matrix()
AFFINE = np.eye(4)
AFFINE[:3, :3] = TURN @ np.diag([-0.8, 1.1, 4.5])
AFFINE[:3, 3] = [120.5, -80.25, 33.0]
CT = Geometry(SHAPE, AFFINE)
"""Oblique and anisotropic."""

MASK = np.zeros(SHAPE, dtype=np.uint8)
MASK[3:8, 2:6, 4:8] = np.random.default_rng(3).random((5, 4, 4)) > 0.4
MASK[3, 2, 4] = MASK[7, 5, 7] = 1
DRAWN = (slice(3, 8), slice(2, 6), slice(4, 8))
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def moved(grid, start, shape):
    """The grid of a shape whose first voxel is the given one of another grid, also outside it."""
    affine = grid.affine.copy()
    affine[:3, 3] = grid.to_mm(start)
    return Geometry(shape, affine)


def only(path, **options):
    [found] = read_segmentation(path, CT, **options)
    assert found.mask.dtype == bool
    return found


def save(path, voxels, grid=CT):
    write_nifti(path, Volume(voxels, grid))
    return path


def save_segments(path, layers, grid, fields, *, layers_last=False):
    """Write NRRD as its definition says: `layers` is `(x, y, z)`, or `(layer, x, y, z)` of kind `list`."""
    columns = [
        f"({','.join(repr(float(value)) for value in column)})" for column in (LPS @ grid.affine).T[:, :3]
    ]
    axes = list(zip(columns, ["domain"] * 3, strict=False))
    if layers.ndim == 4:
        axes.insert(3 if layers_last else 0, ("none", "list"))
        layers = np.moveaxis(layers, 0, -1) if layers_last else layers
    header = {
        "type": "unsigned char",
        "dimension": layers.ndim,
        "space": "left-posterior-superior",
        "sizes": " ".join(map(str, layers.shape)),
        "space directions": " ".join(direction for direction, _ in axes),
        "kinds": " ".join(kind for _, kind in axes),
        "encoding": "gzip",
        "space origin": columns[3],
    }
    lines = ["NRRD0004", *(f"{key}: {value}" for key, value in header.items())]
    lines += [f"{key}:={value}" for key, value in fields.items()]
    path.write_bytes("\n".join([*lines, "", ""]).encode() + gzip.compress(layers.tobytes(order="F")))
    return path


def fields_of(*segments):
    """Header fields of segments, each a name, a layer and a value."""
    fields = {"Segmentation_MasterRepresentation": "Binary labelmap"}
    for number, (name, layer, value) in enumerate(segments):
        fields |= {f"Segment{number}_ID": f"Segment_{number + 1}", f"Segment{number}_Name": name}
        fields |= {f"Segment{number}_Layer": layer, f"Segment{number}_LabelValue": value}
        fields[f"Segment{number}_Extent"] = "0 1 0 1 0 1"
    return fields


def check_refused(kind, path, seen, **options):
    with pytest.raises(ImageError, match=seen) as caught:
        read_segmentation(path, CT, **options)
    assert type(caught.value) is kind
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message.rpartition("; ")[2].split()) >= 3


@pytest.mark.parametrize("name", ["m.nii", "m.nii.gz", "LIVER_REVISED.NII.GZ", "Liver.Nii.Gz"])
def test_a_mask_on_the_cts_grid_is_read_without_a_note_whatever_the_case_of_its_ending(tmp_path, name):
    found = only(save(tmp_path / "saved.nii.gz" if "gz" in name.lower() else tmp_path / name, MASK))
    if "gz" in name.lower():
        (tmp_path / "saved.nii.gz").rename(tmp_path / name)
        found = only(tmp_path / name)
    np.testing.assert_array_equal(found.mask, MASK)
    assert (found.name, found.notes) == (None, ())


@pytest.mark.parametrize("ending", [".nrrd", ".NRRD", ".mha", ".MHA", ".mhd"])
def test_itks_files_are_read_whatever_the_case_of_their_ending(tmp_path, ending):
    sitk.WriteImage(
        sitk.ReadImage(str(save(tmp_path / "m.nii.gz", MASK))), str(tmp_path / f"x{ending.lower()}")
    )
    (tmp_path / f"x{ending.lower()}").rename(tmp_path / f"x{ending}")
    np.testing.assert_array_equal(only(tmp_path / f"x{ending}").mask, MASK)


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_an_oblique_anisotropic_crop_in_any_of_the_48_orders_is_put_where_it_was(tmp_path, orientation):
    turned = Volume(MASK, CT).cropped(DRAWN).reoriented(orientation)
    found = only(save(tmp_path / "m.nii", turned.voxels, turned.geometry))
    np.testing.assert_array_equal(found.mask, MASK)
    assert found.notes == ("padded from 5 x 4 x 4 voxels to the CT's grid",)


def test_what_lies_beyond_the_ct_is_cut_and_told_in_ml(tmp_path):
    wide = np.pad(MASK, ((4, 2), (0, 0), (1, 0)))
    wide[0, 0, 3] = wide[0, 1, 3] = wide[5, 5, 0] = 1
    found = only(save(tmp_path / "m.nii", wide, moved(CT, (-4, 0, -1), wide.shape)))
    np.testing.assert_array_equal(found.mask, MASK)
    cut_ml = f"{3 * 0.8 * 1.1 * 4.5 / 1000:.3f}"
    assert found.notes == (
        "cropped from 19 x 11 x 10 voxels to the CT's grid",
        f"3 voxels ({cut_ml} mL) beyond the CT were cut",
    )
    shifted = only(save(tmp_path / "s.nii", MASK[2:], moved(CT, (2, 0, 0), (11, 11, 9))))
    np.testing.assert_array_equal(shifted.mask, MASK)
    assert shifted.notes == ("padded from 11 x 11 x 9 voxels to the CT's grid",)


def test_a_mask_wholly_beyond_the_ct_is_refused_for_it_does_not_say_that_the_organ_is_absent(tmp_path):
    path = save(tmp_path / "far.nii", MASK[DRAWN], moved(CT, (13, 0, 0), (5, 4, 4)))
    check_refused(GridMismatchError, path, "no voxel on the CT's grid")
    wide = np.zeros((16, 11, 9), dtype=np.uint8)
    wide[14, 3, 3] = 1
    path = save(tmp_path / "wide.nii", wide, moved(CT, (0, 0, 0), wide.shape))
    check_refused(GridMismatchError, path, "wholly beyond the CT, 1 voxel")


def test_a_grid_within_a_tenth_of_a_voxel_counts_as_the_cts_and_another_is_refused(tmp_path):
    found = only(save(tmp_path / "near.nii", MASK, moved(CT, (0, 0, 0.09), SHAPE)))
    np.testing.assert_array_equal(found.mask, MASK)
    assert found.notes == ("a corner lies 0.4 mm off the CT's grid, within a tenth of a voxel",)
    path = save(tmp_path / "half.nii", MASK, moved(CT, (0, 0, 0.5), SHAPE))
    check_refused(GridMismatchError, path, "0.5 voxels off, and 0.1 is allowed")


@pytest.mark.parametrize("value", [1, 255, 6, 77])
def test_a_mask_has_one_value_whichever_that_is(tmp_path, value):
    path = save(tmp_path / "liver.nii.gz", (MASK * value).astype(np.uint8))
    np.testing.assert_array_equal(only(path, values={6}).mask, MASK)


def test_the_index_of_another_organ_is_refused_with_what_both_the_name_and_the_value_say(tmp_path):
    path = save(tmp_path / "liver.nii.gz", MASK * np.uint8(2))
    check_refused(
        LabelValueError, path, r"named 'liver.nii.gz'.* value 2 is that of kidney_right", values={6}
    )


def test_several_values_are_refused(tmp_path):
    labels = MASK.copy()
    labels[3, 2, 4] = 5
    check_refused(LabelValueError, save(tmp_path / "m.nii", labels), "holds the values 1, 5", values={5})
    many = np.arange(MASK.size).reshape(SHAPE) % 200
    check_refused(LabelValueError, save(tmp_path / "n.nii", many.astype(np.uint8)), "8 and 191 more")


def test_a_mask_without_a_voxel_is_read_as_such(tmp_path):
    assert not only(save(tmp_path / "m.nii", np.zeros_like(MASK))).mask.any()
    cropped = save(tmp_path / "c.nii", np.zeros((3, 3, 3), np.uint8), moved(CT, (1, 1, 1), (3, 3, 3)))
    assert not only(cropped).mask.any()


def test_numbers_that_are_no_labels_are_refused_but_for_rounding(tmp_path):
    np.testing.assert_array_equal(only(save(tmp_path / "r.nii", MASK * np.float32(0.99999))).mask, MASK)
    for value, kind in ((0.5, LabelValueError), (-1.0, LabelValueError), (np.nan, NonFiniteVoxelsError)):
        check_refused(kind, save(tmp_path / "m.nii", MASK * np.float32(value)), r"labels|label ids|NaN")
    check_refused(LabelValueError, save(tmp_path / "w.nii", MASK.astype(np.int16) * 256), "0 to 256")


def test_files_that_hold_no_volume_are_refused_by_name(tmp_path):
    whole = save(tmp_path / "m.nii.gz", np.random.default_rng(0).integers(0, 2, SHAPE, dtype=np.uint8))
    (tmp_path / "cut.nii.gz").write_bytes(whole.read_bytes()[:-40])
    check_refused(UnreadableImageError, tmp_path / "cut.nii.gz", "cannot be read")
    segments = save_segments(tmp_path / "s.seg.nrrd", MASK, CT, fields_of(("liver", 0, 1)))
    (tmp_path / "cut.seg.nrrd").write_bytes(segments.read_bytes()[:-30])
    check_refused(UnreadableImageError, tmp_path / "cut.seg.nrrd", "cannot be read")
    for name, shape in (("flat", (13, 11)), ("time", (13, 11, 9, 3))):
        nib.save(nib.Nifti1Image(np.ones(shape, np.uint8), CT.affine), tmp_path / f"{name}.nii")
        check_refused(ImageShapeError, tmp_path / f"{name}.nii", "shape")
    nib.save(nib.Nifti1Image(MASK, None), tmp_path / "nowhere.nii")
    check_refused(AffineError, tmp_path / "nowhere.nii", "no affine")
    check_refused(UnreadableImageError, tmp_path / "none.nii", "no such file")
    (tmp_path / "text.nrrd").write_text("no image")
    check_refused(UnreadableImageError, tmp_path / "text.nrrd", "cannot be read")
    (tmp_path / "notes.txt").write_text("no image")
    check_refused(UnreadableImageError, tmp_path / "notes.txt", "expected a NIfTI, NRRD or MetaImage file")


def test_whatever_a_library_raises_is_the_files_own_error(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise RecursionError("too\ndeep")

    path = save(tmp_path / "m.nii", MASK)
    monkeypatch.setattr(segmentations, "read_volume", broken)
    check_refused(UnreadableImageError, path, r"it cannot be read \(deep\)")


def test_files_as_slicer_and_others_save_a_revision_are_read(shared, tmp_path, monkeypatch):
    (tmp_path / "task" / "case").mkdir(parents=True)
    write_nifti(tmp_path / "task" / "case" / "liver.nii.gz", Volume(MASK, CT))
    script = shared / "cases" / "revised_files.py"
    monkeypatch.setattr(sys, "argv", ["revised_files.py", str(tmp_path), str(tmp_path / "task" / "case")])
    expected = runpy.run_path(str(script))["voxels"] > 0
    saved = sorted(tmp_path.glob("*/case/*revised*"))
    assert len(saved) == 6
    for path in saved:
        np.testing.assert_array_equal(only(path, values=[6]).mask, expected)
    assert only(tmp_path / "seg_nrrd" / "case" / "liver_revised.seg.nrrd").name == "liver_revised"


def test_the_name_that_a_header_has_for_the_value_of_a_mask_is_its_name(tmp_path):
    image = nib.Nifti1Image(MASK.astype(np.uint8), CT.affine)
    table = b'<CaretExtension><LabelTable><Label Key="1">Spleen</Label></LabelTable></CaretExtension>'
    image.header.extensions.append(nib.nifti1.Nifti1Extension(0, table))
    nib.save(image, tmp_path / "liver_revised.nii.gz")
    (mask,) = read_segmentation(tmp_path / "liver_revised.nii.gz", CT)
    assert mask.name == "spleen"
