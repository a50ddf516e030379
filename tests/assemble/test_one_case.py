import hashlib
import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from omentum.assemble.one_case import assemble_case, is_assembled
from omentum.assemble.priority import CaseInputs
from omentum.errors import GridMismatchError, ReleaseError, UnreadableImageError
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.nifti import write_nifti
from omentum.volumes.orient import ALL_ORIENTATIONS
from omentum.volumes.volume import Volume


def read(path):
    image = nib.load(path)
    assert image.get_data_dtype() == np.uint8
    return np.asarray(image.dataobj)


@pytest.fixture
def known(make, blob):
    """Original spleen; revised liver and spleen; predicted liver, spleen, aorta, pancreas: all overlap."""

    def call(orientation="LAS"):
        shape = make.case("shape", orientation=orientation).geometry.shape
        original = {"spleen": blob(1, shape)}
        revised = {"liver": blob(2, shape), "spleen": blob(3, shape)}
        predicted = {
            name: blob(10 + n, shape) for n, name in enumerate(["liver", "spleen", "aorta", "pancreas"])
        }
        case = make.case("c1", original, orientation)
        inputs = CaseInputs(
            case=case,
            revisions=tuple(make.revision(case, name, mask) for name, mask in revised.items()),
            prediction=make.prediction(case, predicted),
        )
        return inputs, original, revised, predicted

    return call


def test_each_organs_file_is_the_mask_of_its_source_voxel_for_voxel(known, tmp_path):
    inputs, original, revised, predicted = known()
    assemble_case(inputs, tmp_path / "r")
    expected = {**predicted, "liver": revised["liver"], "spleen": original["spleen"]}
    files = {path.name.removesuffix(".nii.gz") for path in (tmp_path / "r" / "segmentations").iterdir()}
    assert files == set(expected)
    for name, mask in expected.items():
        np.testing.assert_array_equal(read(tmp_path / "r" / "segmentations" / f"{name}.nii.gz"), mask)


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS[1::6])
def test_people_cover_guesses_in_the_combined_map_wherever_the_axes_point(known, tmp_path, orientation):
    inputs, original, revised, predicted = known(orientation)
    assemble_case(inputs, tmp_path / "r")
    combined = read(tmp_path / "r" / "combined_labels.nii.gz")
    expected = np.zeros(combined.shape, dtype=np.uint8)
    layers = [
        (organ("aorta").index, predicted["aorta"]),
        (organ("pancreas").index, predicted["pancreas"]),
        (0, revised["spleen"]),  # beaten by the original one, it clears what was only predicted
        (organ("liver").index, revised["liver"]),
        (organ("spleen").index, original["spleen"]),
    ]
    for index in np.ndindex(expected.shape):  # brute force: the top layer that holds the voxel
        for value, mask in layers:
            if mask[index]:
                expected[index] = value
    np.testing.assert_array_equal(combined, expected)
    np.testing.assert_array_equal(
        nib.load(tmp_path / "r" / "combined_labels.nii.gz").affine, nib.load(inputs.case.ct_path).affine
    )
    assert combined[original["spleen"]].tolist() == [1] * int(original["spleen"].sum())


def test_a_decision_puts_the_revision_over_the_original(known, tmp_path):
    inputs, _, revised, _ = known()
    inputs = replace(inputs, revised_over_original=frozenset(["spleen"]))
    lineage = assemble_case(inputs, tmp_path / "r")
    np.testing.assert_array_equal(read(tmp_path / "r" / "segmentations" / "spleen.nii.gz"), revised["spleen"])
    assert lineage["organs"]["spleen"]["source"] == "revised"
    assert lineage["painted_from_bottom_to_top"] == ["aorta", "pancreas", "spleen", "liver"]


def test_lineage_traces_every_organ(known, tmp_path):
    inputs, original, _, _ = known()
    lineage = assemble_case(inputs, tmp_path / "r")
    assert lineage == json.loads((tmp_path / "r" / "lineage.json").read_text())
    rows = lineage["organs"]
    liver, spleen = inputs.revisions
    assert rows["liver"]["source"] == "revised"
    assert (rows["liver"]["reader"], rows["liver"]["round"]) == ("reader-1", 1)
    assert rows["liver"]["time"] == "2026-01-02T00:00:00+00:00"
    assert rows["liver"]["revision_sha256"] == liver.sha256
    assert rows["aorta"]["source"] == "predicted"
    assert (rows["aorta"]["network"], rows["aorta"]["weights_sha256"]) == ("starter", "w" * 64)
    assert rows["spleen"]["source"] == "original"
    assert rows["spleen"]["revision_kept_beside"] == spleen.sha256
    expected_ml = int(original["spleen"].sum()) * 1.5 * 1.25 * 3.0 / 1000
    assert rows["spleen"]["volume_ml"] == pytest.approx(expected_ml, abs=1e-4)
    for name, row in rows.items():
        content = (tmp_path / "r" / "segmentations" / f"{name}.nii.gz").read_bytes()
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
    content = inputs.case.ct_path.read_bytes()
    assert lineage["files"]["ct.nii.gz"] == hashlib.sha256(content).hexdigest()


def test_the_ct_is_a_copy_and_the_table_is_beside_it(known, tmp_path):
    inputs, *_ = known()
    assemble_case(inputs, tmp_path / "r")
    assert (tmp_path / "r" / "ct.nii.gz").read_bytes() == inputs.case.ct_path.read_bytes()
    assert not (tmp_path / "r" / "ct.nii.gz").samefile(inputs.case.ct_path)
    assert json.loads((tmp_path / "r" / "labels.json").read_text())["6"] == "liver"


def test_an_organ_that_was_looked_for_and_not_found_has_an_empty_file(make, blob, tmp_path):
    nothing = np.zeros_like(blob(0))
    case = make.case("c1", {"liver": nothing})
    inputs = CaseInputs(case=case, prediction=make.prediction(case, {"liver": blob(1), "colon": nothing}))
    lineage = assemble_case(inputs, tmp_path / "r")
    assert {name: row["volume_ml"] for name, row in lineage["organs"].items()} == {"colon": 0.0, "liver": 0.0}
    assert not read(tmp_path / "r" / "combined_labels.nii.gz").any()


def test_a_case_of_which_nothing_is_known_is_its_ct(make, tmp_path):
    lineage = assemble_case(CaseInputs(case=make.case()), tmp_path / "r")
    assert lineage["organs"] == {}
    assert not read(tmp_path / "r" / "combined_labels.nii.gz").any()


def test_a_case_is_not_redone_until_an_input_changes(known, make, blob, tmp_path):
    inputs, *_ = known()
    folder = tmp_path / "r"
    assert not is_assembled(inputs, folder)
    assemble_case(inputs, folder)
    assert is_assembled(inputs, folder)
    more = make.revision(inputs.case, "aorta", blob(20))
    assert not is_assembled(replace(inputs, revisions=(*inputs.revisions, more)), folder)
    assert not is_assembled(replace(inputs, revised_over_original=frozenset(["spleen"])), folder)
    assert not is_assembled(replace(inputs, prediction=None), folder)
    assert not is_assembled(replace(inputs, case=replace(inputs.case, original_organs=())), folder)
    write_nifti(inputs.case.original_label_path, Volume(blob(30), inputs.case.geometry))
    assert not is_assembled(inputs, folder)


def test_a_case_with_a_file_too_many_or_too_few_is_redone(known, tmp_path):
    inputs, *_ = known()
    assemble_case(inputs, tmp_path / "r")
    (tmp_path / "r" / "extra.txt").write_text("")
    assert not is_assembled(inputs, tmp_path / "r")
    (tmp_path / "r" / "extra.txt").unlink()
    (tmp_path / "r" / "segmentations" / "liver.nii.gz").unlink()
    assert not is_assembled(inputs, tmp_path / "r")


def test_masks_on_another_grid_are_refused(known, make, blob, tmp_path):
    inputs, *_ = known()
    other = replace(inputs.case, geometry=Geometry(inputs.case.geometry.shape, np.eye(4)))
    moved = replace(inputs, prediction=make.prediction(other, {"aorta": blob(1)}, network="other"))
    with pytest.raises(GridMismatchError, match="predict"):
        assemble_case(moved, tmp_path / "r")
    write_nifti(inputs.revisions[0].path, Volume(blob(1), other.geometry))
    with pytest.raises(GridMismatchError):
        assemble_case(inputs, tmp_path / "r")


def test_missing_files_are_named(known, tmp_path):
    inputs, *_ = known()
    unlabelled = replace(inputs.case, original_label_path=None)
    with pytest.raises(ReleaseError, match="names original organs"):
        assemble_case(replace(inputs, case=unlabelled), tmp_path / "r")
    inputs.prediction.masks_path.unlink()
    with pytest.raises(UnreadableImageError, match=r"masks\.nii\.gz: there is no such file"):
        assemble_case(inputs, tmp_path / "r")


def test_what_was_found_of_a_mask_is_told_beside_it(known, tmp_path):
    inputs, *_ = known()
    flagged = replace(inputs, flags={"aorta": ("it is in two pieces",)})
    rows = assemble_case(flagged, tmp_path / "r")["organs"]
    assert (rows["aorta"]["flags"], rows["liver"]["flags"]) == (["it is in two pieces"], [])
    assert not is_assembled(inputs, tmp_path / "r")


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_a_mask_that_was_saved_as_another_type_is_the_same_mask(known, tmp_path, dtype):
    inputs, *_ = known()
    assemble_case(inputs, tmp_path / "plain")
    for path in [inputs.case.original_label_path, *(one.path for one in inputs.revisions)]:
        image = nib.load(path)
        write_nifti(path, Volume(np.asarray(image.dataobj).astype(dtype), inputs.case.geometry))
    assemble_case(inputs, tmp_path / "other")
    for name in ["combined_labels", *(f"segmentations/{one}" for one in ("liver", "spleen"))]:
        file = f"{name}.nii.gz"
        np.testing.assert_array_equal(read(tmp_path / "other" / file), read(tmp_path / "plain" / file))
