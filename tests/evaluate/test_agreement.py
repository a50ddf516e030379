import numpy as np
import pytest
import SimpleITK as sitk

from omentum.errors import GridMismatchError
from omentum.evaluate.agreement import compare_case
from omentum.measures.surface import surface_dice
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti

GRID = Geometry((24, 22, 20), np.diag([-0.8, -0.8, 2.5, 1.0]))


def masks(geometry=GRID, **by_organ):
    parts = by_organ.items()
    return MaskSet.build(geometry, by_organ, parts)


def block(*starts, size=6):
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[tuple(slice(start, start + size) for start in starts)] = True
    return mask


@pytest.fixture
def compared():
    """A liver that is off by two slices, a spleen that is right, a stomach that overlaps the liver."""
    predicted = masks(liver=block(4, 4, 4), spleen=block(15, 14, 12, size=4), stomach=block(8, 4, 4))
    reference = masks(liver=block(4, 4, 6), spleen=block(15, 14, 12, size=4), stomach=block(9, 4, 4))
    return {one.organ: one for one in compare_case("one", predicted, reference, tolerance_mm=2.5)}


def test_dice_equals_simpleitks(compared):
    for name, shown, true in (
        ("liver", block(4, 4, 4), block(4, 4, 6)),
        ("stomach", block(8, 4, 4), block(9, 4, 4)),
    ):
        measured = sitk.LabelOverlapMeasuresImageFilter()
        measured.Execute(*(sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (shown, true)))
        assert compared[name].dice == pytest.approx(measured.GetDiceCoefficient())


def test_surface_dice_is_that_of_the_whole_masks(compared):
    expected = surface_dice(block(4, 4, 4), block(4, 4, 6), GRID.spacing_mm, 2.5)
    assert compared["liver"].surface_dice == pytest.approx(expected)
    assert 0 < expected < 1


def test_equal_masks_agree_wholly(compared):
    assert (compared["spleen"].dice, compared["spleen"].surface_dice) == (1.0, 1.0)


def test_records_carry_the_case(compared):
    assert {one.case_id for one in compared.values()} == {"one"}


def test_only_organs_in_both_are_compared():
    predicted = masks(liver=block(4, 4, 4), aorta=block(4, 4, 4))
    reference = masks(liver=block(4, 4, 4), spleen=block(12, 12, 12))
    assert [one.organ for one in compare_case("one", predicted, reference)] == ["liver"]


def test_organ_empty_in_both_says_nothing_and_in_one_is_a_miss():
    nothing = np.zeros(GRID.shape, dtype=bool)
    predicted = masks(gall_bladder=nothing, liver=nothing)
    reference = masks(gall_bladder=nothing, liver=block(4, 4, 4))
    liver, gall_bladder = sorted(compare_case("one", predicted, reference), key=lambda one: one.organ)[::-1]
    assert (gall_bladder.dice, gall_bladder.surface_dice) == (None, None)
    assert (liver.dice, liver.surface_dice) == (0.0, 0.0)


def test_masks_on_different_grids_are_refused():
    moved = GRID.affine.copy()
    moved[2, 3] += 1.0
    elsewhere = masks(Geometry(GRID.shape, moved), liver=block(4, 4, 4))
    with pytest.raises(GridMismatchError, match="1 mm apart"):
        compare_case("one", masks(liver=block(4, 4, 4)), elsewhere)


def test_real_teacher_labels_have_the_dice_to_the_persons_liver_that_is_on_record(shared):
    person = read_nifti(shared / "data" / "chaos_03" / "liver.nii.gz")
    teacher = read_nifti(shared / "data" / "teacher_labels" / "chaos_03.nii.gz")
    assert organ("liver").index == 6
    predicted = masks(teacher.geometry, liver=teacher.voxels == 5)
    reference = masks(person.geometry, liver=person.voxels == 1)
    (liver,) = compare_case("chaos_03", predicted, reference)
    assert liver.dice == pytest.approx(0.919, abs=5e-4)
