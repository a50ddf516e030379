"""A case of a project, predicted by one network or by whoever else, as files and as the database keeps it."""

import json

import numpy as np
import pytest

from omentum.errors import ImageError
from omentum.predict import predict_case as stage
from omentum.predict.network_predictor import NetworkPredictor
from omentum.predict.predict_case import CaseWork
from omentum.records import WHOLE_CT, Case, Prediction
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import read_masks
from omentum.volumes.mask_hash import organ_sha256s
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.probabilities import read_probabilities
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

WRITTEN = {
    *("masks.nii.gz", "labels.nii.gz", "labels.json"),
    *("probabilities.zarr.zip", "preview.png", "summary.json"),
}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "atlas" / "one" / "bands"


@pytest.fixture
def case_of(box_ct):
    def make(path):
        geometry = box_ct("LPS").geometry
        return Case(case_id="one", patient_id="P-1", geometry=geometry, ct_path=path, source="a disk")

    return make


@pytest.fixture
def predict(predictor, case_of, folder):
    """Predict a CT as the case `one`; give what the database keeps."""

    def run(path, opinion=None, **options):
        return CaseWork(predictor=opinion or predictor, folder_of=lambda _case_id: folder, **options).steps(
            case_of(path)
        )

    return run


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_a_case_of_a_project_gets_its_files(predict, predictor, ct_file, folder, truth):
    source = ct_file()
    predict(source)
    assert names(folder) == WRITTEN
    hu = read_ct(source).voxels
    masks = read_masks(folder / "masks.nii.gz")
    assert masks.organs == predictor.organs
    for name in predictor.organs:
        assert np.array_equal(masks.mask(name), truth(hu, name))
    maps = read_probabilities(folder / "probabilities.zarr.zip")
    box, probability = maps.on_grid("spleen", masks.geometry)
    assert np.array_equal(probability > 0.5, masks.mask("spleen")[box])


@pytest.mark.usefixtures("quick_pictures")
def test_hashes_organs_settings_and_findings_are_kept_as_the_files_are_written(
    predict, predictor, ct_file, folder
):
    kept = predict(ct_file())
    made = kept.prediction
    assert (made.weights_sha256, made.organs) == (predictor.weights_sha256, predictor.organs)
    assert made.made_with == predictor.settings("one")
    assert json.loads(json.dumps(made.made_with)) == made.made_with
    assert made.masks_sha256 == file_sha256(folder / "masks.nii.gz")
    assert kept.organ_sha256s == organ_sha256s(read_masks(folder / "masks.nii.gz"))
    assert made.findings, "boxes of some voxels are no organs"
    for one in made.findings:
        assert one.mask_sha256 == kept.organ_sha256s.get(one.organ, "")
        assert one.is_of_ct or one.error_ml > 0


@pytest.mark.usefixtures("quick_pictures")
def test_a_ct_that_lies_upside_down_is_found_unless_a_person_confirmed_it(predict, cohort, tmp_path):
    ct, labels = (read_nifti(cohort / "phantom_0000" / f"{name}.nii.gz") for name in ("ct", "labels"))
    hu = np.full(ct.voxels.shape, -50, dtype=np.int16)
    for name in ("spleen", "kidney_right", "kidney_left", "liver", "pancreas"):
        hu[labels.voxels == organ(name).index] = 100 * organ(name).index
    path = tmp_path / "turned.nii.gz"
    write_nifti(path, Volume(np.ascontiguousarray(hu[:, :, ::-1]), ct.geometry))
    of_ct = [one for one in predict(path).prediction.findings if one.is_of_ct and one.rule == "orientation"]
    assert [(one.organ, one.mask_sha256, one.holds) for one in of_ct] == [(WHOLE_CT, "", False)]
    again = predict(path, confirmed={"one": {"orientation"}}).prediction.findings
    assert not any(one.rule == "orientation" for one in again)


@pytest.mark.usefixtures("quick_pictures")
def test_the_summary_says_what_was_done_with_what(predict, predictor, box_ct, folder, organ_hu, tmp_path):
    ct = box_ct("LPS")
    hu = np.where(ct.voxels == organ_hu("liver"), 0, ct.voxels).astype(np.int16)
    hu[-1, -1, 0] = organ_hu("spleen")
    write_nifti(tmp_path / "ct.nii.gz", Volume(hu, ct.geometry))
    predict(tmp_path / "ct.nii.gz")
    told = json.loads((folder / "summary.json").read_text())
    assert set(told) == {"omentum", "made_with", "device", "organs", "notes", "findings", "seconds"}
    assert told["made_with"] == predictor.settings("one")
    n_voxels = (ct.voxels == organ_hu("spleen")).sum()
    spleen = {"volume_ml": pytest.approx(n_voxels * 0.064, abs=1e-3), "removed_ml": {"specks": 0.064}}
    assert told["organs"]["spleen"] == spleen
    assert told["organs"]["pancreas"] == {"volume_ml": 0, "removed_ml": {}}
    assert [note.partition(":")[0] for note in told["notes"]] == ["liver_tumor"]
    assert set(told["seconds"]) == {"read", "resample", "network", "masks", "write", "total"}


@pytest.mark.usefixtures("quick_pictures")
def test_the_summary_comes_last(predict, ct_file, folder, monkeypatch):
    before = []
    really = stage.write_json

    def note(path, content):
        before.append((path.name, names(folder)))
        really(path, content)

    monkeypatch.setattr(stage, "write_json", note)
    predict(ct_file())
    assert before == [("summary.json", WRITTEN - {"summary.json"})]


def test_a_ct_that_cannot_be_used_leaves_nothing(predict, tmp_path, folder):
    (tmp_path / "bad.nii.gz").write_bytes(b"no image")
    with pytest.raises(ImageError):
        predict(tmp_path / "bad.nii.gz")
    assert not folder.exists()


@pytest.mark.parametrize("write", ["write_masks", "write_probabilities", "write_painted", "write_preview"])
@pytest.mark.usefixtures("quick_pictures")
def test_a_case_has_no_summary_while_its_files_are_replaced(predict, ct_file, folder, monkeypatch, write):
    predict(ct_file())
    assert (folder / "summary.json").exists()

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(stage, write, killed)
        with pytest.raises(KeyboardInterrupt):
            predict(ct_file())
    assert not (folder / "summary.json").exists()
    predict(ct_file())
    assert names(folder) == WRITTEN


@pytest.mark.usefixtures("quick_pictures")
def test_each_case_has_its_own_folder_and_each_step_can_be_done_apart(
    predictor, case_of, ct_file, tmp_path, truth
):
    steps = CaseWork(predictor=predictor, folder_of=lambda case_id: tmp_path / case_id).steps
    case = case_of(ct_file())
    given = steps.read(case)
    made = steps.compute(case, given)
    assert not (tmp_path / "one").exists(), "what reads and computes changes nothing"
    steps.write(case, made)
    kept = Prediction(
        case_id="one",
        network="bands",
        weights_sha256=predictor.weights_sha256,
        folder=tmp_path / "one",
        organs=predictor.organs,
    )
    for path in (kept.masks_path, kept.probabilities_path, kept.summary_path, kept.preview_path):
        assert path.is_file()
    assert np.array_equal(
        read_masks(kept.masks_path).mask("liver"), truth(read_ct(case.ct_path).voxels, "liver")
    )


@pytest.mark.usefixtures("quick_pictures")
def test_a_network_of_other_organs_is_kept_with_those(predict, weights, ct_file, folder):
    kept = predict(ct_file(), NetworkPredictor("bands", weights, organs=["liver"]))
    assert kept.prediction.organs == ("liver",)
    assert read_masks(folder / "masks.nii.gz").organs == ("liver",)
