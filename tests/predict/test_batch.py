import numpy as np
import pytest

from omentum.errors import ConfigError, UnknownNetworkError, UnknownOrganError
from omentum.networks.catalogue import add_model
from omentum.predict.batch import predict_files, predictor_named
from omentum.predict.predictor import Predictor
from omentum.runners.runner import Outcome
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

pytestmark = pytest.mark.usefixtures("quick_pictures")


@pytest.fixture
def sources(ct_file):
    return {name: ct_file(f"{name}.nii.gz") for name in ("a", "b", "c")}


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_one_ct_is_written_into_the_folder_itself(predictor, ct_file, out):
    batch = predict_files({"one": ct_file()}, predictor, out)
    assert batch.done == ("one",)
    assert (out / "summary.json").is_file()
    assert (out / "segmentations" / "liver.nii.gz").is_file()


def test_several_cts_get_a_folder_each(predictor, sources, out):
    batch = predict_files(sources, predictor, out)
    assert batch.done == ("a", "b", "c")
    assert sorted(path.name for path in out.iterdir()) == ["a", "b", "c"]
    for name in sources:
        assert (out / name / "summary.json").is_file()


def test_a_second_run_does_nothing(predictor, sources, out):
    predict_files(sources, predictor, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    batch = predict_files(sources, predictor, out)
    assert batch.skipped == ("a", "b", "c")
    assert batch.done == ()
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_a_case_that_was_killed_before_its_summary_is_done_again_and_the_others_are_not(
    predictor, sources, out
):
    predict_files(sources, predictor, out)
    (out / "b" / "summary.json").unlink()
    batch = predict_files(sources, predictor, out)
    assert (batch.done, batch.skipped) == (("b",), ("a", "c"))


def test_a_second_ct_into_the_same_folder_is_predicted_and_not_taken_for_the_first(
    predictor, ct_file, box_ct, out, tmp_path, organ_hu
):
    predict_files({"one": ct_file()}, predictor, out)
    ct = box_ct("LPS")
    hu = np.where(ct.voxels == organ_hu("liver"), 0, ct.voxels).astype(np.int16)
    write_nifti(tmp_path / "two.nii.gz", Volume(hu, ct.geometry))
    batch = predict_files({"two": tmp_path / "two.nii.gz"}, predictor, out)
    assert batch.done == ("two",)
    assert '"volume_ml": 0.0' in (out / "summary.json").read_text().partition('"liver"')[2][:40]


def test_other_weights_or_organs_are_predicted_anew(
    predictor, weights, write_weights, sources, out, tmp_path
):
    predict_files(sources, predictor, out)
    other = write_weights(tmp_path / "other.safetensors", gain=0.25)
    assert predict_files(sources, Predictor("bands", other), out).done == ("a", "b", "c")
    fewer = Predictor("bands", weights, organs=["liver"])
    assert predict_files(sources, fewer, out).done == ("a", "b", "c")
    assert predict_files(sources, fewer, out).skipped == ("a", "b", "c")


def test_cts_that_cannot_be_used_are_set_aside_with_their_reasons_and_the_others_go_on(
    predictor, sources, box_ct, out, tmp_path
):
    whole = sources["b"].read_bytes()
    sources["b"].write_bytes(whole[: len(whole) // 2])
    air = box_ct()
    write_nifti(tmp_path / "air.nii.gz", Volume(np.full_like(air.voxels, -1000), air.geometry))
    sources |= {"air": tmp_path / "air.nii.gz", "gone": tmp_path / "gone.nii.gz"}
    batch = predict_files(sources, predictor, out)
    assert batch.done == ("a", "c")
    reasons = {failure.key: failure.reason for failure in batch.failed}
    assert set(reasons) == {"b", "air", "gone"}
    assert str(sources["b"]) in reasons["b"]
    assert "Hounsfield" in reasons["air"]
    assert "no such file" in reasons["gone"]
    assert sorted(path.name for path in out.iterdir()) == ["a", "c"]
    sources["b"].write_bytes(whole)
    again = predict_files(sources, predictor, out)
    assert (again.done, again.skipped) == (("b",), ("a", "c"))


def test_progress_is_told_of_each_ct(predictor, sources, out):
    told = []
    predict_files(sources, predictor, out, progress=told.append)
    assert [(one.key, one.outcome, one.n_ended, one.n_items) for one in told] == [
        ("a", Outcome.DONE, 1, 3),
        ("b", Outcome.DONE, 2, 3),
        ("c", Outcome.DONE, 3, 3),
    ]


def test_dicom_and_nifti_may_come_together(predictor, ct_file, dicom_folder, out):
    batch = predict_files({"nifti": ct_file(), "dicom": dicom_folder}, predictor, out)
    assert batch.done == ("nifti", "dicom")
    assert (out / "dicom" / "ct.nii.gz").is_file()
    assert not (out / "nifti" / "ct.nii.gz").exists()
    for file in ("segmentations/liver.nii.gz", "labels.nii.gz"):
        assert (out / "dicom" / file).read_bytes() == (out / "nifti" / file).read_bytes()


def test_a_network_is_found_by_its_name(tmp_path, monkeypatch, weights):
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))
    add_model(weights, "mine")
    made = predictor_named("mine", organs=("liver",), overlap=0.25)
    assert (made.name, made.organs, made.overlap) == ("mine", ("liver",), 0.25)
    with pytest.raises(UnknownNetworkError, match="yours"):
        predictor_named("yours")
    with pytest.raises(UnknownOrganError, match="aorta"):
        predictor_named("mine", organs=("aorta",))
    with pytest.raises(ConfigError, match="overlap"):
        predictor_named("mine", overlap=1.0)
