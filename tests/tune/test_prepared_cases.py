from dataclasses import replace

import numpy as np
import pytest

from omentum.errors import ImageError
from omentum.records import LabelledCase, MaskSource, StandingMask
from omentum.runners.in_process import InProcessRunner
from omentum.runners.processes import ProcessRunner
from omentum.tune import prepared_cases as prepared_module
from omentum.tune.prepared_cases import fill_cache, prepared
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume

SPACING_MM = 8.0
KIDNEYS = ("kidney_left", "kidney_right")


def centre_mm(mask: np.ndarray, geometry) -> np.ndarray:
    return geometry.to_mm(np.argwhere(mask).mean(axis=0))


@pytest.fixture
def revised(labelled_patient, tmp_path):
    """A patient with masks of two organs that overlap, as readers may draw them."""
    labelled = labelled_patient(0, ("liver",))
    truth = read_nifti(labelled.masks[0].path)
    liver = truth.voxels == 6
    masks = {"liver": liver, "gall_bladder": np.roll(liver, 3, axis=0)}
    chosen = []
    for name, mask in masks.items():
        path = tmp_path / f"{name}.nii.gz"
        write_nifti(path, Volume(mask, truth.geometry))
        chosen.append(StandingMask(organ=name, source=MaskSource.REVISED, path=path, sha256=name))
    return LabelledCase(case=labelled.case, masks=tuple(chosen)), masks


def test_volumes_come_at_the_networks_spacing_in_ras_and_whole_hounsfield_units(labelled_patient, tmp_path):
    case = prepared(labelled_patient(0), SPACING_MM, tmp_path)
    assert case.case_id == "phantom_0000"
    assert case.hu.dtype == np.int16
    assert case.hu.shape == case.masks.codes.shape == case.masks.geometry.shape
    assert case.masks.geometry.orientation == "RAS"
    assert case.masks.geometry.spacing_mm == pytest.approx((SPACING_MM,) * 3)
    assert case.hu.min() < -900
    assert 50 < case.hu[case.masks.mask("liver")].mean() < 200


@pytest.mark.parametrize("number", range(4))
def test_masks_keep_their_volume_and_their_place(labelled_patient, tmp_path, number):
    labelled = labelled_patient(number, ("liver", *KIDNEYS))
    truth = read_nifti(labelled.masks[0].path)
    case = prepared(labelled, SPACING_MM, tmp_path)
    for name, index in (("liver", 6), ("kidney_right", 2), ("kidney_left", 3)):
        true, ours = truth.voxels == index, case.masks.mask(name)
        assert ours.sum() * case.masks.geometry.voxel_ml == pytest.approx(
            true.sum() * truth.geometry.voxel_ml, rel=0.15
        )
        apart_mm = np.linalg.norm(centre_mm(ours, case.masks.geometry) - centre_mm(true, truth.geometry))
        assert apart_mm < SPACING_MM / 2
    left, right = (np.argwhere(case.masks.mask(name))[:, 0].mean() for name in KIDNEYS)
    assert left < right, "x runs from the left to the right hand"


def test_what_is_found_in_the_cache_is_what_was_put_there(labelled_patient, tmp_path, monkeypatch):
    labelled = labelled_patient(1, ("spleen", "liver"))
    missed = prepared(labelled, SPACING_MM, tmp_path)
    (file,) = tmp_path.iterdir()
    written = file.stat().st_mtime_ns
    monkeypatch.setattr(prepared_module, "read_ct", None)
    hit = prepared(labelled, SPACING_MM, tmp_path)
    assert file.stat().st_mtime_ns == written
    np.testing.assert_array_equal(hit.hu, missed.hu)
    for name in ("spleen", "liver"):
        np.testing.assert_array_equal(hit.masks.mask(name), missed.masks.mask(name))
    assert (hit.key, hit.sources, hit.masks.sets) == (missed.key, missed.sources, missed.masks.sets)


def test_the_cache_may_be_removed_and_comes_back_the_same(labelled_patient, tmp_path):
    first = prepared(labelled_patient(1), SPACING_MM, tmp_path)
    (file,) = tmp_path.iterdir()
    file.unlink()
    again = prepared(labelled_patient(1), SPACING_MM, tmp_path)
    np.testing.assert_array_equal(first.hu, again.hu)
    np.testing.assert_array_equal(first.masks.codes, again.masks.codes)
    assert file.is_file()


def test_whatever_it_depends_on_gives_another_key(labelled_patient, tmp_path):
    labelled = labelled_patient(2)
    first, *others = labelled.masks
    variants = [
        (labelled, SPACING_MM),
        (labelled, 10.0),
        (labelled_patient(3), SPACING_MM),
        (labelled_patient(2, ("liver",)), SPACING_MM),
        (replace(labelled, masks=(replace(first, sha256="1" * 64), *others)), SPACING_MM),
    ]
    keys = [prepared(one, spacing_mm, tmp_path).key for one, spacing_mm in variants]
    assert len(set(keys)) == len(variants)
    assert len(list(tmp_path.iterdir())) == len(variants)


def test_the_order_of_masks_gives_no_other_key(labelled_patient, tmp_path):
    labelled = labelled_patient(2)
    turned = replace(labelled, masks=labelled.masks[::-1])
    assert prepared(labelled, SPACING_MM, tmp_path).key == prepared(turned, SPACING_MM, tmp_path).key
    assert len(list(tmp_path.iterdir())) == 1


def test_organs_that_overlap_are_both_kept_whole(revised, tmp_path):
    labelled, masks = revised
    case = prepared(labelled, SPACING_MM, tmp_path / "cache")
    for name, mask in masks.items():
        ours_ml = case.masks.mask(name).sum() * case.masks.geometry.voxel_ml
        assert ours_ml == pytest.approx(mask.sum() * labelled.case.geometry.voxel_ml, rel=0.1)
    assert (case.masks.mask("liver") & case.masks.mask("gall_bladder")).any()


def test_of_a_case_with_one_known_organ_the_others_are_unknown(labelled_patient, tmp_path):
    case = prepared(labelled_patient(0, ("liver",)), SPACING_MM, tmp_path)
    assert case.sources == {"liver": MaskSource.ORIGINAL}
    assert case.masks.organs == ("liver",)
    assert {index for members in case.masks.sets for index in members} == {6}


def test_an_organ_that_is_known_to_be_nowhere_stays_known(labelled_patient, tmp_path):
    case = prepared(labelled_patient(0, ("liver", "prostate")), SPACING_MM, tmp_path)
    assert set(case.sources) == {"liver", "prostate"}
    assert not case.masks.mask("prostate").any()


@pytest.mark.slow
def test_cases_prepared_in_processes_are_those_prepared_here(labelled_patient, tmp_path):
    cases = [labelled_patient(number) for number in range(2)]
    fill_cache(ProcessRunner(2), cases, SPACING_MM, tmp_path / "there", step="prepare cases")
    made = sorted(path.name for path in (tmp_path / "there").iterdir())
    there = [prepared(one, SPACING_MM, tmp_path / "there") for one in cases]
    here = [prepared(one, SPACING_MM, tmp_path / "here") for one in cases]
    assert made == sorted(path.name for path in (tmp_path / "here").iterdir())
    for one, other in zip(there, here, strict=True):
        assert np.array_equal(one.hu, other.hu)
        assert np.array_equal(one.masks.codes, other.masks.codes)
        assert (one.key, one.sources) == (other.key, other.sources)


def test_a_case_that_cannot_be_prepared_raises_its_error_when_it_is_needed(labelled_patient, tmp_path):
    labelled = labelled_patient(0)
    case = replace(labelled.case, ct_path=tmp_path / "none.nii.gz")
    labelled = replace(labelled, case=case)
    fill_cache(InProcessRunner(), [labelled], SPACING_MM, tmp_path, step="prepare cases")
    with pytest.raises(ImageError):
        prepared(labelled, SPACING_MM, tmp_path)
