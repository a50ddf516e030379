import json
from dataclasses import replace

import numpy as np
import pytest

from omentum.errors import UnknownNetworkError, UnknownOrganError
from omentum.incoming import add_cases
from omentum.predict import predict_case as stage
from omentum.predict.stage import predict_round
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings, change_settings
from omentum.volumes import atomic
from omentum.volumes.atomic import writing
from omentum.volumes.mask_files import read_masks

pytestmark = pytest.mark.usefixtures("quick_pictures")

ORGANS = ("spleen", "liver", "pancreas")


@pytest.fixture
def project(tmp_path, monkeypatch, write_weights, ct_file):
    """A project with two cases, a network of its own, and a user who has none."""
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))
    root = tmp_path / "atlas"
    begin_project(root, Settings(organs=ORGANS, networks=("bands",), overlap=0.25))
    write_weights(root / "networks" / "bands" / "weights.safetensors")
    with opened(root) as workspace:
        add_cases(workspace, [ct_file("a.nii.gz"), ct_file("b.nii.gz", orientation="SAR")])
    return root


def test_every_case_is_predicted_and_noted(project, organ_hu):
    with opened(project) as workspace:
        (batch,) = predict_round(workspace)
        assert batch.done == ("a", "b")
        assert batch.failed == ()
        cases = {case.case_id: case for case in workspace.store.cases.all()}
        predictions = workspace.predictions("bands")
        assert set(predictions) == {"a", "b"}
        for case_id, made in predictions.items():
            assert made.organs == ORGANS
            assert made.folder == workspace.folder.prediction_dir(case_id, "bands")
            for path in (made.masks_path, made.probabilities_path, made.summary_path, made.preview_path):
                assert path.is_file()
            masks = read_masks(made.masks_path)
            assert masks.geometry.same_grid(cases[case_id].geometry)
            assert masks.volumes_ml()["liver"] == pytest.approx(6**3 * 64 / 1000)  # with its tumour
            assert not masks.mask("pancreas").any()


def test_a_second_call_does_nothing(project):
    with opened(project) as workspace:
        predict_round(workspace)
    files = {path: path.stat().st_mtime_ns for path in project.rglob("networks/bands/*")}
    with opened(project) as workspace:
        (batch,) = predict_round(workspace)
    assert (batch.done, batch.skipped, batch.failed) == ((), ("a", "b"), ())
    assert {path: path.stat().st_mtime_ns for path in project.rglob("networks/bands/*")} == files


def test_a_case_that_comes_later_is_predicted_alone(project, ct_file):
    with opened(project) as workspace:
        predict_round(workspace)
        add_cases(workspace, [ct_file("c.nii.gz")])
        (batch,) = predict_round(workspace)
    assert (batch.done, batch.skipped) == (("c",), ("a", "b"))


def test_new_weights_under_the_same_name_make_predictions_stale(project, write_weights):
    with opened(project) as workspace:
        predict_round(workspace)
        before = workspace.predictions("bands")["a"].weights_sha256
        write_weights(project / "networks" / "bands" / "weights.safetensors", gain=0.25)
        (batch,) = predict_round(workspace)
        assert batch.done == ("a", "b")
        assert workspace.predictions("bands")["a"].weights_sha256 != before
        (batch,) = predict_round(workspace)
        assert batch.skipped == ("a", "b")


@pytest.mark.parametrize(
    "changes", [{"organs": ("liver",)}, {"overlap": 0.5}, {"postprocessing": "published"}]
)
def test_other_organs_windows_or_rules_make_predictions_stale(project, changes):
    with opened(project) as workspace:
        predict_round(workspace)
        other = replace(workspace, settings=workspace.settings.changed(**changes))
        (batch,) = predict_round(other)
        assert batch.done == ("a", "b")
        assert workspace.predictions("bands")["a"].organs == changes.get("organs", ORGANS)
        (batch,) = predict_round(other)
        assert batch.skipped == ("a", "b")


def test_masks_are_cleaned_up_as_the_settings_say(project):
    with opened(project) as workspace:
        published = replace(workspace, settings=workspace.settings.changed(postprocessing="published"))
        predict_round(published)
        summary = json.loads(workspace.predictions("bands")["a"].summary_path.read_text())
        assert (summary["made_with"]["recipe"], summary["made_with"]["overlap"]) == ("published", 0.25)
        unset = replace(published, settings=published.settings.changed(overlap=None))
        predict_round(unset, case_ids=["a"])
        summary = json.loads(workspace.predictions("bands")["a"].summary_path.read_text())
        assert summary["made_with"]["overlap"] == 0.75
        masks = read_masks(workspace.predictions("bands")["a"].masks_path)
        volume_ml = (6**3 - 2**3) * 64 / 1000
        assert masks.volumes_ml()["liver"] == pytest.approx(volume_ml), "where its tumour is stays a hole"


@pytest.mark.parametrize("name", ["masks.nii.gz", "probabilities.zarr.zip", "summary.json"])
def test_a_case_of_which_somebody_removed_a_file_is_predicted_again(project, name):
    with opened(project) as workspace:
        predict_round(workspace)
        (workspace.predictions("bands")["b"].folder / name).unlink()
        (batch,) = predict_round(workspace)
        assert (batch.done, batch.skipped) == (("b",), ("a",))


def test_a_prediction_made_with_other_settings_is_made_again(project):
    with opened(project) as workspace:
        predict_round(workspace)
        made = workspace.predictions("bands")["a"]
        workspace.store.predictions.keep(replace(made, made_with={"overlap": 0.25}), {})
        (batch,) = predict_round(workspace)
        assert (batch.done, batch.skipped) == (("a",), ("b",))
        again = workspace.predictions("bands")["a"]
        assert replace(again, time=made.time) == made


def test_a_prediction_whose_files_are_in_place_and_whose_record_is_not_is_made_once_more(
    project, monkeypatch
):
    def killed(*_args, **_kwargs):
        raise KeyboardInterrupt

    with opened(project) as workspace:
        for name in ("keep", "mark_done"):
            owner = workspace.store.predictions if name == "keep" else workspace.store.ledger
            with monkeypatch.context() as dying:
                dying.setattr(owner, name, killed)
                with pytest.raises(KeyboardInterrupt):
                    predict_round(workspace)
            assert (project / "cases/a/networks/bands/summary.json").is_file()
            assert workspace.predictions("bands") == {}
            assert workspace.store.ledger.done_keys("predict bands") == set(), "both or none"
        (batch,) = predict_round(workspace)
        assert batch.done == ("a", "b")
        (batch,) = predict_round(workspace)
        assert batch.skipped == ("a", "b")


def test_a_case_that_is_excluded_is_left_alone(project):
    with opened(project) as workspace:
        workspace.store.cases.exclude("b", "motion")
        (batch,) = predict_round(workspace)
        assert (batch.done, batch.skipped, batch.failed) == (("a",), (), ())


def test_a_case_whose_ct_is_damaged_is_set_aside_and_tried_again(project):
    ct = project / "cases" / "a" / "ct.nii.gz"
    whole = ct.read_bytes()
    ct.unlink()
    ct.write_bytes(whole[:200])
    with opened(project) as workspace:
        (batch,) = predict_round(workspace)
        assert batch.done == ("b",)
        (failure,) = batch.failed
        assert failure.key == "a"
        assert str(ct) in failure.reason
        assert [one.key for one in workspace.store.ledger.failures("predict bands")] == ["a"]
        assert set(workspace.predictions("bands")) == {"b"}
        ct.write_bytes(whole)
        (batch,) = predict_round(workspace)
        assert (batch.done, batch.skipped) == (("a",), ("b",))
        assert workspace.store.ledger.failures("predict bands") == []


def test_a_run_that_was_killed_goes_on_where_it_stopped(project, monkeypatch):
    really = stage.write_masks

    def killed_at_b(path, masks):
        if "b" in path.parts:
            with writing(path) as part:
                part.write_bytes(b"half")
                raise KeyboardInterrupt
        really(path, masks)

    with opened(project) as workspace:
        with monkeypatch.context() as broken:
            broken.setattr(stage, "write_masks", killed_at_b)
            with pytest.raises(KeyboardInterrupt):
                predict_round(workspace)
        assert set(workspace.predictions("bands")) == {"a"}
    with opened(project) as workspace:
        (batch,) = predict_round(workspace)
        assert (batch.done, batch.skipped) == (("b",), ("a",))
        assert read_masks(workspace.predictions("bands")["b"].masks_path).mask("liver").any()


@pytest.mark.parametrize("write", ["write_probabilities", "write_painted", "write_preview", "write_json"])
def test_a_run_that_was_killed_between_files_goes_on_with_that_case(project, monkeypatch, write):
    def killed(*_args, **_kwargs):
        raise KeyboardInterrupt

    with opened(project) as workspace:
        with monkeypatch.context() as broken:
            broken.setattr(stage, write, killed)
            with pytest.raises(KeyboardInterrupt):
                predict_round(workspace)
        assert workspace.predictions("bands") == {}
    with opened(project) as workspace:
        (batch,) = predict_round(workspace)
        assert batch.done == ("a", "b")
        (batch,) = predict_round(workspace)
        assert batch.skipped == ("a", "b")


def test_what_a_killed_writer_left_is_swept_away(project, monkeypatch):
    folder = project / "cases" / "a" / "networks" / "bands"
    with monkeypatch.context() as dying:
        dying.setattr(atomic.os, "getpid", lambda: 2**22 + 1)  # over any process's number
        with pytest.raises(RuntimeError), writing(folder / "masks.nii.gz") as part:  # noqa: PT012
            part.write_bytes(b"half")
            dying.setattr(type(part), "unlink", lambda *_args, **_kwargs: None)
            raise RuntimeError
    assert part.exists()
    with opened(project) as workspace:
        predict_round(workspace)
    assert not part.exists()


def test_networks_can_be_named_and_each_has_its_own_folder_and_ledger(project, write_weights):
    write_weights(project / "networks" / "other" / "weights.safetensors", gain=0.25)
    with opened(project) as workspace:
        first, second = predict_round(workspace, networks=["bands", "other"])
        assert first.done == second.done == ("a", "b")
        assert set(workspace.predictions("other")) == {"a", "b"}
    bands = read_masks(project / "cases" / "a" / "networks" / "bands" / "masks.nii.gz")
    other = read_masks(project / "cases" / "a" / "networks" / "other" / "masks.nii.gz")
    assert np.array_equal(bands.mask("liver"), other.mask("liver"))


def test_a_network_that_is_not_there_is_refused(project):
    with opened(project) as workspace, pytest.raises(UnknownNetworkError, match="nobodys"):
        predict_round(workspace, networks=["nobodys"])


def test_a_second_network_that_cannot_be_used_is_refused_before_the_first_predicts(project, write_weights):
    write_weights(project / "networks" / "other" / "weights.safetensors", organs=("liver", "spleen"))
    with opened(project) as workspace:
        for names, error in (
            (("bands", "nobodys"), UnknownNetworkError),
            (("bands", "other"), UnknownOrganError),
        ):
            with pytest.raises(error):
                predict_round(workspace, networks=names)
        assert workspace.predictions("bands") == {}


def test_a_network_that_does_not_know_an_organ_of_the_project_is_refused(project, write_weights):
    write_weights(project / "networks" / "bands" / "weights.safetensors", organs=("liver", "spleen"))
    with opened(project) as workspace, pytest.raises(UnknownOrganError, match="pancreas"):
        predict_round(workspace)


def test_a_new_organ_that_a_network_does_not_know_yet_is_unknown_not_empty(project, write_weights):
    write_weights(project / "networks" / "bands" / "weights.safetensors", organs=("liver", "spleen"))
    change_settings(project / "omentum.toml", {"new_organs": ("pancreas",)})
    with opened(project) as workspace:
        predict_round(workspace)
        assert {one.organs for one in workspace.predictions("bands").values()} == {("spleen", "liver")}
        assert all("pancreas" not in organs for organs in workspace.unrevised().values())


def test_progress_is_told_of_each_case(project):
    told = []
    with opened(project) as workspace:
        predict_round(workspace, progress=lambda *seen: told.append(seen))
    assert told == [("predict bands", 1, 2, "a"), ("predict bands", 2, 2, "b")]
