from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from omentum.errors import (
    GridMismatchError,
    LabelValueError,
    ReviewError,
    UnknownOrganError,
    UnreadableImageError,
)
from omentum.review.export import export_task
from omentum.review.take import (
    FoundRevision,
    Reading,
    find_revisions,
    shared_minutes,
    take_revision,
)
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import read_nifti_geometry, write_nifti
from omentum.volumes.orient import ALL_ORIENTATIONS, reoriented
from omentum.volumes.volume import Volume

TIME = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
READING = Reading(round_number=2, reader="reader-1", network="starter", minutes=3.5, time=TIME)


@pytest.fixture
def take(case, masks, tmp_path):
    """Take a file as the revision of the liver."""

    def call(path, before=None):
        shown = masks.mask("liver") if before is None else before
        return take_revision(path, case, "liver", shown, tmp_path / "revisions" / "liver", READING)

    return call


@pytest.fixture
def revised(masks, box) -> np.ndarray:
    """The liver with a slab of 5 x 10 x 7 voxels more and one of 1 x 10 x 7 less."""
    return (masks.mask("liver") | box((12, 17), (2, 12), (2, 9))) & ~box((2, 3), (0, 16), (0, 12))


def save(path: Path, voxels: np.ndarray, geometry) -> Path:
    write_nifti(path, Volume(voxels, geometry))
    return path


def test_a_revision_is_measured_against_what_was_shown(take, revised, case, tmp_path):
    revision = take(save(tmp_path / "liver_revised.nii.gz", revised, case.geometry))
    voxel_ml = 1.5 * 1.25 * 3.0 / 1000
    assert revision.added_ml == pytest.approx(5 * 10 * 7 * voxel_ml)
    assert revision.removed_ml == pytest.approx(1 * 10 * 7 * voxel_ml)
    assert revision.dice_to_before == pytest.approx(2 * 630 / (700 + 980))
    assert (revision.case_id, revision.organ, revision.network) == ("c1", "liver", "starter")
    assert (revision.reader, revision.minutes, revision.round_number) == ("reader-1", 3.5, 2)
    assert revision.time == TIME


def test_the_mask_is_kept_voxel_for_voxel_under_its_hash(take, revised, case, tmp_path):
    revision = take(save(tmp_path / "r.nii.gz", revised, case.geometry))
    assert revision.path == tmp_path / "revisions" / "liver" / f"{revision.sha256}.nii.gz"
    image = nib.load(revision.path)
    assert image.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(np.asarray(image.dataobj), revised.astype(np.uint8))
    np.testing.assert_array_equal(image.affine, nib.load(case.ct_path).affine)


def test_one_and_the_organs_index_mean_the_same(take, revised, case, tmp_path):
    first = take(save(tmp_path / "a.nii.gz", revised, case.geometry))
    kept = first.path.stat()
    for dtype, value in [(np.uint16, 6), (np.float32, 1), (np.int16, 6)]:
        again = take(save(tmp_path / "b.nii.gz", revised.astype(dtype) * dtype(value), case.geometry))
        assert again == first
    assert first.path.stat() == kept  # not written again
    assert not kept.st_mode & 0o222
    assert len(list(first.path.parent.iterdir())) == 1


def test_an_accepted_mask_is_a_revision_that_changed_nothing(take, masks, case, tmp_path):
    revision = take(save(tmp_path / "r.nii.gz", masks.mask("liver"), case.geometry))
    assert (revision.added_ml, revision.removed_ml, revision.dice_to_before) == (0.0, 0.0, 1.0)


def test_an_emptied_mask_is_a_revision(take, case, tmp_path):
    empty = np.zeros(case.geometry.shape, dtype=np.uint8)
    revision = take(save(tmp_path / "r.nii.gz", empty, case.geometry))
    assert revision.removed_ml == pytest.approx(700 * case.geometry.voxel_ml)
    assert take(save(tmp_path / "r.nii.gz", empty, case.geometry), before=empty > 0).dice_to_before is None


@pytest.mark.parametrize("values", [[1, 6], [2], [6, 7], [255]])
def test_other_values_are_refused_and_named(take, case, tmp_path, values):
    voxels = np.resize(np.array([0, *values], dtype=np.uint8), case.geometry.shape)
    with pytest.raises(LabelValueError, match=f"holds the values {', '.join(map(str, values))}; .*index 6"):
        take(save(tmp_path / "r.nii.gz", voxels, case.geometry))
    assert not (tmp_path / "revisions").exists()


def test_another_grid_is_refused(take, revised, case, tmp_path):
    moved = case.geometry.affine.copy()
    moved[0, 3] += 0.5
    with pytest.raises(GridMismatchError):
        take(save(tmp_path / "r.nii.gz", revised, Geometry(case.geometry.shape, moved)))
    cropped = Volume(revised, case.geometry).cropped((slice(0, 19), slice(0, 16), slice(0, 12)))
    with pytest.raises(GridMismatchError):
        take(save(tmp_path / "r.nii.gz", cropped.voxels, cropped.geometry))


def test_half_a_file_is_refused(take, revised, case, tmp_path):
    path = save(tmp_path / "r.nii.gz", revised, case.geometry)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UnreadableImageError):
        take(path)


def test_what_simpleitk_saves_is_taken(take, revised, case, tmp_path):
    ct = sitk.ReadImage(str(case.ct_path))
    drawn = sitk.GetImageFromArray(revised.transpose(2, 1, 0).astype(np.uint8))
    drawn.CopyInformation(ct)
    sitk.WriteImage(drawn, str(tmp_path / "r.nii.gz"))
    np.testing.assert_array_equal(nib.load(take(tmp_path / "r.nii.gz").path).get_fdata() > 0, revised)


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS[3::8])
def test_the_cts_axes_may_point_anywhere(case, revised, masks, tmp_path, orientation):
    ct_path = tmp_path / "turned.nii.gz"
    turned = reoriented(Volume(revised, case.geometry), orientation)
    save(ct_path, turned.voxels, turned.geometry)
    turned_case = replace(case, ct_path=ct_path, geometry=read_nifti_geometry(ct_path))
    before = reoriented(Volume(masks.mask("liver"), case.geometry), orientation).voxels
    revision = take_revision(ct_path, turned_case, "liver", before, tmp_path / "kept", READING)
    assert revision.added_ml == pytest.approx(350 * case.geometry.voxel_ml)
    np.testing.assert_array_equal(nib.load(revision.path).get_fdata() > 0, turned.voxels)


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_revisions_are_found_in_a_folder_of_cases_and_in_the_folder_of_one(tmp_path):
    put(tmp_path, "a/liver_revised.nii.gz", "a/liver.nii.gz", "b/spleen_revised.nii", "b/ct.nii.gz")
    assert find_revisions(tmp_path) == [
        ("a", "liver", tmp_path / "a/liver_revised.nii.gz"),
        ("b", "spleen", tmp_path / "b/spleen_revised.nii"),
    ]
    assert find_revisions(tmp_path / "a") == [("a", "liver", tmp_path / "a/liver_revised.nii.gz")]


def test_published_folders_are_understood(tmp_path):
    put(tmp_path, "BTCV_1/average/segmentations/celiac_truck_revised.nii.gz")
    assert [one[:2] for one in find_revisions(tmp_path)] == [("BTCV_1", "celiac_trunk")]


def test_a_folder_that_was_renamed_still_belongs_to_its_case(case, masks, tasks, attention_dir, tmp_path):
    folder = export_task(
        tasks, case, masks, network="starter", attention_dir=attention_dir, folder=tmp_path / "out"
    )
    folder = folder.rename(tmp_path / "from Anna")
    put(folder, "spleen_revised.nii.gz")
    assert [one[:2] for one in find_revisions(folder)] == [("c1", "spleen")]


def test_files_that_are_no_revisions_are_refused_or_passed_over(tmp_path):
    put(tmp_path, "a/._liver_revised.nii.gz", "a/liver_revised.nii.gz.tmp")
    assert find_revisions(tmp_path) == []
    put(tmp_path, "a/heart_revised.nii.gz")
    with pytest.raises(UnknownOrganError, match="'heart'"):
        find_revisions(tmp_path)
    with pytest.raises(ReviewError, match="is no folder"):
        find_revisions(tmp_path / "missing")


def test_two_files_for_one_organ_are_refused(tmp_path):
    put(tmp_path, "a/liver_revised.nii.gz", "a/liver_revised.nii")
    with pytest.raises(ReviewError, match="both for liver of a"):
        find_revisions(tmp_path)


FOUND = [
    FoundRevision(case_id, organ, Path(organ))
    for case_id, organ in [("a", "liver"), ("a", "spleen"), ("b", "liver"), ("b", "aorta"), ("c", "liver")]
]


def test_minutes_are_shared_out_equally():
    assert set(shared_minutes(FOUND, 20.0).values()) == {4.0}
    assert set(shared_minutes(FOUND, None).values()) == {None}
    assert shared_minutes([], 20.0) == {}


def test_minutes_told_for_a_case_stay_with_it():
    shared = shared_minutes(FOUND, 9.0, {"a": 5.0})
    assert [shared[one[:2]] for one in FOUND] == [2.5, 2.5, 3.0, 3.0, 3.0]
    assert shared_minutes(FOUND, None, {"a": 5.0})["b", "liver"] is None


def test_minutes_that_cannot_be_are_refused():
    with pytest.raises(ReviewError, match="'z'"):
        shared_minutes(FOUND, None, {"z": 5.0})
    with pytest.raises(ReviewError, match="-1"):
        shared_minutes(FOUND, -1.0)
    with pytest.raises(ReviewError, match="nan"):
        shared_minutes(FOUND, None, {"a": float("nan")})
