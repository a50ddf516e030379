import numpy as np
import pydicom
import pytest

from omentum.predict.inference_config import InferenceConfig
from omentum.predict.network_predictor import NetworkPredictor
from omentum.predict.predict_files import predict_files
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

pytestmark = pytest.mark.usefixtures("quick_pictures")


@pytest.fixture
def sources(ct_file):
    return {name: ct_file(f"{name}.nii.gz") for name in ("a", "b", "c")}


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


def test_one_ct_is_written_into_the_folder_itself(plan, ct_file, out):
    batch = predict_files(plan({"one": ct_file()}))
    assert batch.done == ("one",)
    assert (out / "summary.json").is_file()
    assert (out / "segmentations" / "liver.nii.gz").is_file()


def test_in_the_published_layout_one_ct_has_a_folder_of_its_own_too(plan, ct_file, out):
    predict_files(plan({"one": ct_file()}, layout="published"))
    assert [path.name for path in out.iterdir()] == ["one"]
    assert (out / "one" / "summary.json").is_file()


def test_several_cts_get_a_folder_each(plan, sources, out):
    batch = predict_files(plan(sources))
    assert batch.done == ("a", "b", "c")
    assert sorted(path.name for path in out.iterdir()) == ["a", "b", "c"]
    for name in sources:
        assert (out / name / "summary.json").is_file()


def test_a_second_run_does_nothing(plan, sources, out):
    predict_files(plan(sources))
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    batch = predict_files(plan(sources))
    assert batch.skipped == ("a", "b", "c")
    assert batch.done == ()
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


def test_a_case_that_was_killed_before_its_summary_is_done_again_and_the_others_are_not(plan, sources, out):
    predict_files(plan(sources))
    (out / "b" / "summary.json").unlink()
    batch = predict_files(plan(sources))
    assert (batch.done, batch.skipped) == (("b",), ("a", "c"))


def test_a_second_ct_into_the_same_folder_is_predicted_and_not_taken_for_the_first(
    plan, ct_file, box_ct, out, tmp_path, organ_hu
):
    predict_files(plan({"one": ct_file()}))
    ct = box_ct("LPS")
    hu = np.where(ct.voxels == organ_hu("liver"), 0, ct.voxels).astype(np.int16)
    write_nifti(tmp_path / "two.nii.gz", Volume(hu, ct.geometry))
    batch = predict_files(plan({"two": tmp_path / "two.nii.gz"}))
    assert batch.done == ("two",)
    assert '"volume_ml": 0.0' in (out / "summary.json").read_text().partition('"liver": {')[2][:40]


def test_other_weights_organs_or_rules_are_predicted_anew(plan, weights, write_weights, sources, tmp_path):
    predict_files(plan(sources))
    other = write_weights(tmp_path / "other.safetensors", gain=0.25)
    assert predict_files(plan(sources, NetworkPredictor("bands", other))).done == ("a", "b", "c")
    fewer = NetworkPredictor("bands", weights, organs=["liver"])
    assert predict_files(plan(sources, fewer)).done == ("a", "b", "c")
    config = InferenceConfig(without=("holes",))
    unfilled = NetworkPredictor("bands", weights, organs=["liver"], config=config)
    assert predict_files(plan(sources, unfilled, config=config)).done == ("a", "b", "c")
    assert predict_files(plan(sources, unfilled, config=config)).skipped == ("a", "b", "c")


def test_cts_that_cannot_be_used_are_set_aside_with_their_reasons_and_the_others_go_on(
    plan, sources, box_ct, out, tmp_path
):
    whole = sources["b"].read_bytes()
    sources["b"].write_bytes(whole[: len(whole) // 2])
    air = box_ct()
    write_nifti(tmp_path / "air.nii.gz", Volume(np.full_like(air.voxels, -1000), air.geometry))
    sources |= {"air": tmp_path / "air.nii.gz", "gone": tmp_path / "gone.nii.gz"}
    batch = predict_files(plan(sources))
    assert batch.done == ("a", "c")
    reasons = {failure.key: failure.reason for failure in batch.failed}
    assert set(reasons) == {"b", "air", "gone"}
    assert str(sources["b"]) in reasons["b"]
    assert "Hounsfield" in reasons["air"]
    assert "no such file" in reasons["gone"]
    assert sorted(path.name for path in out.iterdir()) == ["a", "c"]
    sources["b"].write_bytes(whole)
    again = predict_files(plan(sources))
    assert (again.done, again.skipped) == (("b",), ("a", "c"))


def test_progress_is_told_of_each_ct(plan, sources):
    told = []
    predict_files(plan(sources), progress=lambda *progress: told.append(progress))
    assert told == [
        ("predict", 1, 3, "a"),
        ("predict", 2, 3, "b"),
        ("predict", 3, 3, "c"),
    ]


def test_dicom_and_nifti_may_come_together(plan, ct_file, dicom_folder, out):
    batch = predict_files(plan({"nifti": ct_file(), "dicom": dicom_folder}))
    assert batch.done == ("nifti", "dicom")
    assert (out / "dicom" / "ct.nii.gz").is_file()
    assert not (out / "nifti" / "ct.nii.gz").exists()
    for file in ("segmentations/liver.nii.gz", "labels.nii.gz"):
        assert (out / "dicom" / file).read_bytes() == (out / "nifti" / file).read_bytes()


def test_a_series_from_a_tilted_gantry_is_put_upright_only_if_asked_for(plan, dicom_folder, out):
    """Each slice is moved by 1 mm more along the back."""
    for number, path in enumerate(sorted(dicom_folder.iterdir())):
        data = pydicom.dcmread(path)
        x, y, z = data.ImagePositionPatient
        data.ImagePositionPatient = [x, y + number, z]
        data.save_as(path)
    batch = predict_files(plan({"one": dicom_folder}))
    assert "--resample-tilt" in batch.failed[0].reason
    assert not out.exists()
    assert predict_files(plan({"one": dicom_folder}, resample_tilt=True)).done == ("one",)
