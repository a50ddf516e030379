import hashlib
import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from omentum.assemble import lineage
from omentum.assemble.assemble_case import assemble_case, is_assembled
from omentum.assemble.inputs import require_files
from omentum.errors import GridMismatchError, ReleaseError, UnreadableImageError
from omentum.records import WHOLE_CT, MaskFinding, MaskSource
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.labels import organ
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume


def read(path):
    image = nib.load(path)
    assert image.get_data_dtype() == np.uint8
    return np.asarray(image.dataobj)


def again(make, inputs, **named):
    """Gather the same case again, as the next command does."""
    return make.inputs(inputs.case, inputs.prediction, *inputs.facts.revisions, **named)


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
        revisions = [make.revision(case, name, mask) for name, mask in revised.items()]
        inputs = make.inputs(case, make.prediction(case, predicted), *revisions)
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


def test_a_decision_puts_the_revision_over_the_original(known, make, tmp_path):
    inputs, _, revised, _ = known()
    inputs = again(make, inputs, decided={"spleen": MaskSource.REVISED})
    assembled = assemble_case(inputs, tmp_path / "r")
    np.testing.assert_array_equal(read(tmp_path / "r" / "segmentations" / "spleen.nii.gz"), revised["spleen"])
    assert assembled["organs"]["spleen"]["source"] == "revised"
    assert assembled["organs"]["spleen"]["decided_by"] == {"kind": "prefer", "by": "chief"}
    assert assembled["painted_from_bottom_to_top"] == ["aorta", "pancreas", "spleen", "liver"]


def test_lineage_traces_every_organ(known, tmp_path):
    inputs, original, _, _ = known()
    assembled = assemble_case(inputs, tmp_path / "r")
    assert assembled == json.loads((tmp_path / "r" / "lineage.json").read_text())
    rows = assembled["organs"]
    liver, spleen = inputs.facts.revisions
    assert rows["liver"]["source"] == "revised"
    assert (rows["liver"]["reader"], rows["liver"]["round"]) == ("reader-1", 1)
    assert rows["liver"]["time"] == "2026-01-02T00:00:00+00:00"
    assert rows["liver"]["revision_sha256"] == liver.sha256
    assert (rows["liver"]["says"], rows["liver"]["network_shown"]) == ("revised", "starter")
    assert rows["liver"]["base_sha256"] == "b" * 64
    assert "decided_by" not in rows["liver"]
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
    assert assembled["files"]["ct.nii.gz"] == hashlib.sha256(content).hexdigest()


def test_the_ct_is_a_copy_and_the_table_is_beside_it(known, tmp_path):
    inputs, *_ = known()
    assemble_case(inputs, tmp_path / "r")
    assert (tmp_path / "r" / "ct.nii.gz").read_bytes() == inputs.case.ct_path.read_bytes()
    assert not (tmp_path / "r" / "ct.nii.gz").samefile(inputs.case.ct_path)
    assert json.loads((tmp_path / "r" / "labels.json").read_text())["6"] == "liver"


def test_an_organ_that_was_looked_for_and_not_found_has_an_empty_file(make, blob, tmp_path):
    nothing = np.zeros_like(blob(0))
    case = make.case("c1", {"liver": nothing})
    inputs = make.inputs(case, make.prediction(case, {"liver": blob(1), "colon": nothing}))
    assembled = assemble_case(inputs, tmp_path / "r")
    assert {name: row["volume_ml"] for name, row in assembled["organs"].items()} == {
        "colon": 0.0,
        "liver": 0.0,
    }
    assert not read(tmp_path / "r" / "combined_labels.nii.gz").any()


def test_a_case_of_which_nothing_is_known_is_its_ct(make, tmp_path):
    assembled = assemble_case(make.inputs(make.case()), tmp_path / "r")
    assert assembled["organs"] == {}
    assert not read(tmp_path / "r" / "combined_labels.nii.gz").any()


def test_a_case_is_not_redone_until_an_input_changes(known, make, blob, tmp_path):
    inputs, *_ = known()
    folder = tmp_path / "r"
    assert not is_assembled(inputs, folder)
    assemble_case(inputs, folder)
    assert is_assembled(inputs, folder)
    assert is_assembled(again(make, inputs), folder)
    case, prediction, revisions = inputs.case, inputs.prediction, inputs.facts.revisions
    more = make.revision(case, "aorta", blob(20))
    assert not is_assembled(make.inputs(case, prediction, *revisions, more), folder)
    assert not is_assembled(again(make, inputs, decided={"spleen": MaskSource.REVISED}), folder)
    assert not is_assembled(make.inputs(case, None, *revisions), folder)
    assert not is_assembled(make.inputs(replace(case, original_organs=()), prediction, *revisions), folder)
    write_nifti(case.original_label_path, Volume(blob(30), case.geometry))
    assert not is_assembled(again(make, inputs), folder)


def test_kept_hashes_spare_the_files_and_one_that_was_not_kept_is_made(known, make, tmp_path, monkeypatch):
    inputs, *_ = known()
    assemble_case(inputs, tmp_path / "r")
    unkept = replace(inputs, arrival=None)
    assert is_assembled(unkept, tmp_path / "r")
    monkeypatch.setattr(lineage, "file_sha256", lambda path: pytest.fail(f"{path} was hashed"))
    assert is_assembled(inputs, tmp_path / "r")


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
    moved = make.inputs(inputs.case, make.prediction(other, {"aorta": blob(1)}, network="other"))
    with pytest.raises(GridMismatchError, match="predict"):
        assemble_case(moved, tmp_path / "r")
    write_nifti(inputs.facts.revisions[0].path, Volume(blob(1), other.geometry))
    with pytest.raises(GridMismatchError):
        assemble_case(inputs, tmp_path / "r")


@pytest.mark.parametrize("which", ["ct", "label", "prediction", "revision", "overruled"])
def test_a_case_of_which_a_file_is_gone_is_refused_before_anything_is_opened(known, which):
    inputs, *_ = known()
    liver, spleen = (one.path for one in inputs.facts.revisions)
    path = {
        "ct": inputs.case.ct_path,
        "label": inputs.case.original_label_path,
        "prediction": inputs.prediction.masks_path,
        "revision": liver,
        "overruled": spleen,
    }[which]
    require_files(inputs)
    path.unlink()
    with pytest.raises(UnreadableImageError, match=f"{path.name}: there is no such file"):
        require_files(inputs)


@pytest.mark.parametrize("which", ["ct", "label", "prediction"])
def test_a_file_that_is_not_the_one_that_came_in_is_refused(known, make, tmp_path, which):
    inputs, *_ = known()
    path = {
        "ct": inputs.case.ct_path,
        "label": inputs.case.original_label_path,
        "prediction": inputs.prediction.masks_path,
    }[which]
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ReleaseError, match=f"{path.name} is not the file that came in"):
        assemble_case(inputs, tmp_path / "r")
    assert not (tmp_path / "r" / "lineage.json").exists()


def found(name, said, *, holds=False):
    return MaskFinding(organ=name, rule=f"rule of {said}", said=said, severity=0.9, holds=holds)


def test_what_was_found_of_a_mask_or_the_ct_is_told_beside_it_whoever_made_it(make, blob, tmp_path):
    case = make.case("c1", {"spleen": blob(1)})
    prediction = make.prediction(
        case, {"aorta": blob(2), "spleen": blob(3)}, found("aorta", "in 2 pieces"),
        found("spleen", "not of the original"), found(WHOLE_CT, "upside down"),
    )  # fmt: skip
    revision = make.revision(case, "liver", blob(4), found("liver", "too large"))
    told = (found("spleen", "too small"), found(WHOLE_CT, "upside down"), found(WHOLE_CT, "mirrored"))
    inputs = make.inputs(case, prediction, revision, label_findings=told)
    assembled = assemble_case(inputs, tmp_path / "r")
    assert {name: row["flags"] for name, row in assembled["organs"].items()} == {
        "aorta": ["in 2 pieces"], "liver": ["too large"], "spleen": ["too small"],
    }  # fmt: skip
    assert assembled["ct_flags"] == ["upside down", "mirrored"]
    assert not is_assembled(make.inputs(case, prediction, revision), tmp_path / "r")


def test_an_organ_whose_mask_is_held_back_is_unknown_and_said_to_be_held_back(make, blob, tmp_path):
    case = make.case("c1", {"spleen": blob(1)})
    swapped = found("liver", "swapped with spleen", holds=True)
    beside = make.revision(case, "spleen", blob(5), found("spleen", "on the right side", holds=True))
    inputs = make.inputs(
        case, make.prediction(case, {"liver": blob(2), "aorta": blob(3)}), beside,
        make.revision(case, "liver", blob(4), swapped),
    )  # fmt: skip
    assembled = assemble_case(inputs, tmp_path / "r")
    assert assembled["held_back"] == {"liver": ["swapped with spleen"]}
    assert set(assembled["organs"]) == {"aorta", "spleen"}
    combined = read(tmp_path / "r" / "combined_labels.nii.gz")
    assert not (combined == organ("liver").index).any(), "neither the prediction takes its place"
    np.testing.assert_array_equal(combined == organ("aorta").index, blob(3) & ~blob(1))


def test_an_open_conflict_is_told_and_a_mask_that_a_person_restored_is_no_readers(make, blob, tmp_path):
    case = make.case("c1")
    first = make.revision(case, "liver", blob(4))
    late = make.revision(case, "liver", blob(5), conflicts_with=first.number)
    prediction = make.prediction(case, {"liver": blob(2), "aorta": blob(3)})
    rows = assemble_case(make.inputs(case, prediction, first, late), tmp_path / "r")["organs"]
    assert rows["liver"]["revision_sha256"] == first.sha256
    assert [one["revision_sha256"] for one in rows["liver"]["conflicts"]] == [late.sha256]
    restored = make.inputs(case, prediction, first, decided={"liver": MaskSource.PREDICTED})
    row = assemble_case(restored, tmp_path / "s")["organs"]["liver"]
    assert (row["network"], row["revision_kept_beside"]) == ("starter", first.sha256)
    assert "reader" not in row
    np.testing.assert_array_equal(read(tmp_path / "s" / "segmentations" / "liver.nii.gz"), blob(2))


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_a_mask_that_was_saved_as_another_type_is_the_same_mask(known, make, tmp_path, dtype):
    inputs, *_ = known()
    assemble_case(inputs, tmp_path / "plain")
    for path in [inputs.case.original_label_path, *(one.path for one in inputs.facts.revisions)]:
        image = nib.load(path)
        write_nifti(path, Volume(np.asarray(image.dataobj).astype(dtype), inputs.case.geometry))
    assemble_case(again(make, inputs), tmp_path / "other")
    for name in ["combined_labels", *(f"segmentations/{one}" for one in ("liver", "spleen"))]:
        file = f"{name}.nii.gz"
        np.testing.assert_array_equal(read(tmp_path / "other" / file), read(tmp_path / "plain" / file))
