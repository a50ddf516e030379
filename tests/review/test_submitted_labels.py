"""A label file is read by its names, on the CT's grid; only what was painted or erased changes a mask."""

import nibabel as nib
import numpy as np
import pytest

from omentum.errors import GridMismatchError, LabelValueError
from omentum.review.submitted_labels import NamedValue, ShownPart, changed_part, read_submitted
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import Geometry

SHAPE = (8, 9, 10)


def oblique() -> np.ndarray:
    """Axes turned by a third of a right angle, and shifted."""
    cosine, sine = np.cos(np.pi / 6), np.sin(np.pi / 6)
    affine = np.array([[cosine, -sine, 0, 5], [sine, cosine, 0, -7], [0, 0, 1, 11], [0, 0, 0, 1]])
    return affine @ np.diag([-2.0, -2.0, 3.0, 1.0])


def part(mask):
    return BoxedArray.cut_out(mask)


def mask(*sides):
    found = np.zeros(SHAPE, dtype=bool)
    found[tuple(slice(*side) for side in sides)] = True
    return found


LIVER, TUMOUR = mask((1, 7), (1, 8), (1, 9)), mask((3, 5), (3, 5), (3, 5))


def whole(found):
    """Put a mask back on the whole grid."""
    now = np.zeros(SHAPE, dtype=bool)
    if found is not None:
        found.put(now)
    return now


@pytest.mark.parametrize("affine", [np.diag([-2.0, -2.0, 3.0, 1.0]), oblique()], ids=["upright", "oblique"])
@pytest.mark.parametrize("orientation", ["LPS", "RAS", "LAS", "SRA", "PIL"])
def test_masks_are_placed_by_the_affine_of_a_file_and_never_by_its_axes(tmp_path, affine, orientation):
    labels = LIVER * 7 + mask((0, 1), (2, 4), (0, 3)) * 3
    path = tmp_path / "label.nii.gz"
    image = nib.Nifti1Image(labels.astype(np.uint8), affine)
    change = Geometry(SHAPE, affine).axis_change(orientation)
    nib.save(image.as_reoriented(change), path)
    named = [NamedValue(name="Spleen", value=3), NamedValue(name="liver", value=7)]
    found = read_submitted(path, Geometry(SHAPE, affine), named).parts
    assert np.array_equal(whole(found["liver"]), LIVER)
    assert np.array_equal(whole(found["spleen"]), labels == 3)


def test_a_label_map_that_covers_the_ct_in_part_is_on_another_grid(tmp_path):
    grid = Geometry(SHAPE, np.diag([-2.0, -2.0, 3.0, 1.0]))
    path = tmp_path / "label.nii.gz"
    nib.save(nib.Nifti1Image(LIVER[:, :, :5].astype(np.uint8), grid.affine), path)
    with pytest.raises(GridMismatchError, match="must cover it exactly"):
        read_submitted(path, grid, [NamedValue(name="liver", value=1)])


def test_two_names_of_one_organ_are_refused(tmp_path):
    grid = Geometry(SHAPE, np.diag([-2.0, -2.0, 3.0, 1.0]))
    path = tmp_path / "label.nii.gz"
    nib.save(nib.Nifti1Image(LIVER.astype(np.uint8), grid.affine), path)
    named = [NamedValue(name="liver", value=1), NamedValue(name="Liver", value=2)]
    with pytest.raises(LabelValueError, match="both mean liver"):
        read_submitted(path, grid, named)


def test_segments_of_slicers_own_are_passed_over_and_empty_strangers_are_told(tmp_path):
    grid = Geometry(SHAPE, np.diag([-2.0, -2.0, 3.0, 1.0]))
    path = tmp_path / "label.nii.gz"
    nib.save(nib.Nifti1Image(LIVER.astype(np.uint8), grid.affine), path)
    names = ["liver", "Segment_1", "background_scribbles"]
    found = read_submitted(path, grid, [NamedValue(name=n, value=i) for i, n in enumerate(names, start=1)])
    assert (list(found.parts), found.unknown) == (["liver"], ("Segment_1",))


def painted(now: dict[str, np.ndarray], name: str, shown: np.ndarray, hidden: np.ndarray | None = None):
    """Compare a file with a mask of which some voxels lay below another organ."""
    visible = shown if hidden is None else shown & ~hidden
    parts = {key: part(value) for key, value in now.items()}
    is_changed, became = changed_part(name, parts, ShownPart(whole=part(shown), visible=part(visible)))
    return is_changed, whole(became)


def test_what_lay_below_another_organ_stays():
    is_changed, _ = painted({"liver": LIVER & ~TUMOUR, "liver_tumor": TUMOUR}, "liver", LIVER, TUMOUR)
    assert not is_changed


def test_a_tumour_that_grows_takes_nothing_from_its_organ():
    larger = mask((2, 6), (3, 5), (3, 5))
    is_changed, _ = painted({"liver": LIVER & ~larger, "liver_tumor": larger}, "liver", LIVER, TUMOUR)
    assert not is_changed


def test_a_tumour_that_is_painted_over_is_gone_and_its_organ_stays():
    is_changed, became = painted({"liver": LIVER, "liver_tumor": ~LIVER & LIVER}, "liver_tumor", TUMOUR)
    assert is_changed
    assert not became.any()
    assert not painted({"liver": LIVER}, "liver", LIVER, TUMOUR)[0]


def test_another_organ_painted_onto_an_organ_takes_its_voxels():
    spleen = mask((1, 3), (1, 8), (1, 9))
    is_changed, became = painted({"liver": LIVER & ~spleen, "spleen": spleen}, "liver", LIVER)
    assert is_changed
    assert np.array_equal(became, LIVER & ~spleen)


def test_painting_and_erasing_are_taken_together():
    added, erased = mask((7, 8), (1, 8), (1, 9)), mask((1, 2), (1, 8), (1, 9))
    is_changed, became = painted({"liver": (LIVER | added) & ~erased}, "liver", LIVER, TUMOUR)
    assert is_changed
    assert np.array_equal(became, (LIVER | added) & ~erased)
