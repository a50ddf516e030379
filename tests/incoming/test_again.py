import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from omentum import incoming
from omentum.incoming import add_cases
from omentum.predict import imported_predictions
from omentum.project.project import opened
from omentum.records import Prediction
from omentum.review import import_tree_revisions
from omentum.review.folder_import import import_round
from omentum.volumes.nifti import write_nifti

from .conftest import CASE, box, known, new_project, on, write_tree


def test_the_same_tree_again_changes_and_doubles_nothing(project, tmp_path):
    write_tree(tmp_path / "tree")
    add_cases(project, [tmp_path / "tree"])
    before = known(project)
    times = {path: path.stat().st_mtime_ns for path in project.folder.cases_dir.rglob("*.nii.gz")}
    again = add_cases(project, [tmp_path / "tree"])
    assert (again.cases.done, again.predictions.done, again.revisions.done) == ((), (), ())
    assert len(again.predictions.skipped) == len(again.revisions.skipped) == 2
    assert known(project) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


KILLED_AT = [
    (incoming, "update_labels"),
    (imported_predictions, "is_predicted"),
    (import_tree_revisions, "hand_in"),
    (incoming, "take_tree_revisions"),
]


@pytest.mark.parametrize(("room", "name"), KILLED_AT, ids=lambda one: getattr(one, "__name__", one))
@pytest.mark.parametrize("after", [False, True])
def test_what_was_killed_anywhere_goes_on_and_nothing_is_lost_or_doubled(
    project, tmp_path, monkeypatch, room, name, after
):
    write_tree(tmp_path / "tree")
    with opened(new_project(tmp_path / "whole")) as whole:
        add_cases(whole, [tmp_path / "tree"])
        wanted = known(whole)
    real = getattr(room, name)

    def killed(*args, **options):
        if after:
            real(*args, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(room, name, killed)
        if name == "is_predicted":  # asked of what an earlier run has noted
            add_cases(project, [tmp_path / "tree"])
        with pytest.raises(KeyboardInterrupt):
            add_cases(project, [tmp_path / "tree"])
    add_cases(project, [tmp_path / "tree"])
    assert known(project) == wanted


def test_a_process_that_is_killed_between_a_ct_and_its_predictions_goes_on(project, tmp_path):
    write_tree(tmp_path / "tree")
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom omentum import incoming\n"
        "from omentum.predict import predict_case as stage\nfrom omentum.project.project import opened\n"
        "stage.write_painted = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "with opened(Path(sys.argv[1])) as workspace:\n"
        "    incoming.add_cases(workspace, [Path(sys.argv[2])])\n"
    )
    command = [sys.executable, "-c", script, str(project.folder.root), str(tmp_path / "tree")]
    environment = {**os.environ, "PYTHONPATH": str(Path(incoming.__file__).parents[1])}
    done = subprocess.run(command, check=False, env=environment, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [case.case_id for case in project.store.cases.all()] == [CASE]
    assert project.predictions("swinunetr") == {}
    added = add_cases(project, [tmp_path / "tree"])
    assert added.cases.skipped == (CASE,)
    assert len(added.predictions.done) == len(added.revisions.done) == 2
    with opened(new_project(tmp_path / "whole")) as whole:
        add_cases(whole, [tmp_path / "tree"])
        assert known(project) == known(whole)


def test_killed_while_a_prediction_was_written(project, tmp_path, monkeypatch):
    from omentum.predict import predict_case as stage

    write_tree(tmp_path / "tree")
    with monkeypatch.context() as patch:
        patch.setattr(stage, "write_preview", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            add_cases(project, [tmp_path / "tree"])
    assert project.predictions("swinunetr") == {}
    add_cases(project, [tmp_path / "tree"])
    assert set(project.predictions("swinunetr")) == set(project.predictions("unet")) == {CASE}
    assert len(project.store.revisions.all()) == 2


def test_what_the_project_made_itself_is_never_overwritten(project, tmp_path):
    case = write_tree(tmp_path / "tree")
    add_cases(project, [case / "ct.nii.gz"], case_id=CASE)
    folder = project.folder.prediction_dir(CASE, "unet")
    folder.mkdir(parents=True)
    (folder / "masks.nii.gz").write_bytes(b"ours")
    own = Prediction(case_id=CASE, network="unet", weights_sha256="w" * 64, folder=folder, organs=("liver",))
    with project.store.together():
        project.store.predictions.keep(own, {})
        project.store.ledger.mark_done("predict unet", CASE)
    write_nifti(tmp_path / "tasks" / CASE / "kidney_left_revised.nii.gz", on("LPS", box("kidney_left", -1)))
    (ours,) = import_round(project, tmp_path / "tasks").revisions
    added = add_cases(project, [tmp_path / "tree"])
    assert [one.key.removeprefix(f"{case}/") for one in added.left_alone] == [
        "backbones/unet", "average/segmentations/kidney_left_revised.nii.gz",
    ]  # fmt: skip
    assert (folder / "masks.nii.gz").read_bytes() == b"ours"
    assert project.store.revisions.of_organ(CASE, "kidney_left")[-1] == ours
    assert added.revisions.done == (f"{CASE}/celiac_trunk",)


def test_a_revision_made_here_stands_when_the_tree_is_added_again(project, tmp_path):
    case = write_tree(tmp_path / "tree")
    add_cases(project, [tmp_path / "tree"])
    write_nifti(tmp_path / "tasks" / CASE / "kidney_left_revised.nii.gz", on("LPS", box("kidney_left", -1)))
    (ours,) = import_round(project, tmp_path / "tasks").revisions
    project.store.rounds.finish(1)
    project.store.rounds.start("synthetic")
    add_cases(project, [tmp_path / "tree"])
    assert project.store.revisions.of_organ(CASE, "kidney_left")[-1] == ours
    path = case / "average/segmentations/celiac_truck_revised.nii.gz"
    write_nifti(path, on("LPS", box("celiac_trunk", 3)))
    added = add_cases(project, [tmp_path / "tree"])
    assert added.revisions.done == (f"{CASE}/celiac_trunk",), "a mask that was revised again there is taken"
    assert project.store.revisions.of_organ(CASE, "celiac_trunk")[-1].round_number == 2
