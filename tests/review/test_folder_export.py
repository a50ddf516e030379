import json
from datetime import timedelta

import numpy as np
import pytest

from omentum.errors import ReviewError
from omentum.records import TaskState
from omentum.review.claimed_tasks import give_back
from omentum.review.folder_export import export_round, holder_of
from omentum.review.folder_import import import_round
from omentum.review.task_layout import ExportOptions
from omentum.review.tasks import TaskFilter, request
from omentum.volumes.nifti import read_nifti


def states(workspace) -> dict[tuple[str, str], str]:
    return {(task.case_id, task.organ): task.state.value for task in workspace.store.tasks.of_round(1)}


def keys(exported) -> list[tuple[str, str]]:
    return [task.key for task in exported.tasks]


def test_tasks_go_out_as_folders_and_the_folder_holds_them(queued, tmp_path, liver):
    exported = export_round(queued.workspace, tmp_path / "tasks")
    assert keys(exported) == [("a", "liver"), ("a", "spleen"), ("b", "spleen")]
    assert {task.state for task in exported.tasks} == {TaskState.CLAIMED}
    assert set(states(queued.workspace).values()) == {"claimed"}
    shown = read_nifti(tmp_path / "tasks" / "a" / "liver.nii.gz").voxels
    np.testing.assert_array_equal(shown > 0, liver)
    told = json.loads((tmp_path / "tasks" / "a" / "task.json").read_text())
    assert (told["round"], told["network"]) == (1, "synthetic")
    assert told["holder"] == holder_of(tmp_path / "tasks")
    assert keys(export_round(queued.workspace, tmp_path / "tasks")) == keys(exported)
    with pytest.raises(ReviewError, match=r"holder|have them.*--again"):
        export_round(queued.workspace, tmp_path / "elsewhere")


def test_two_readers_get_different_tasks_and_each_the_same_again(queued, tmp_path):
    workspace = queued.workspace
    first = export_round(workspace, tmp_path / "1", reader="r1", top=2)
    second = export_round(workspace, tmp_path / "2", reader="r2", top=2)
    assert (keys(first), keys(second)) == ([("a", "liver"), ("a", "spleen")], [("b", "spleen")])
    assert keys(export_round(workspace, tmp_path / "3", reader="r1", top=2)) == keys(first)
    give_back(workspace, [first.tasks[1].number], "r1")
    only = TaskFilter(organ="spleen")
    assert keys(export_round(workspace, tmp_path / "4", reader="r2", only=only)) == [
        ("a", "spleen"),
        ("b", "spleen"),
    ]


def test_a_run_that_goes_on_gives_a_folder_no_more_tasks_than_it_began_with(queued, tmp_path, drawn):
    workspace, tasks = queued.workspace, tmp_path / "tasks"
    assert keys(export_round(workspace, tasks, top=1, only=TaskFilter(goes_on=True))) == [("a", "liver")]
    queued.revise(tasks, "a", "liver", drawn)
    import_round(workspace, tasks)
    assert keys(export_round(workspace, tasks, top=1, only=TaskFilter(goes_on=True))) == []
    assert keys(export_round(workspace, tasks, top=1)) == [("a", "spleen")]


def test_a_lease_that_ended_lets_others_have_the_task(queued, tmp_path):
    workspace = queued.workspace
    export_round(workspace, tmp_path / "1", reader="r1", options=ExportOptions(lasting=timedelta(seconds=-1)))
    assert len(export_round(workspace, tmp_path / "2", reader="r2").tasks) == 3


def test_a_second_reading_is_asked_for_on_purpose_and_shows_what_the_first_reader_saw(
    queued, tmp_path, liver, drawn
):
    workspace = queued.workspace
    only = TaskFilter(case_ids=("a",), organ="liver")
    export_round(workspace, tmp_path / "1", reader="r1", only=only)
    queued.revise(tmp_path / "1", "a", "liver", drawn)
    import_round(workspace, tmp_path / "1")
    assert states(workspace)["a", "liver"] == "done"
    with pytest.raises(ReviewError, match="no open task"):
        export_round(workspace, tmp_path / "2", reader="r2", only=only)
    again = TaskFilter(case_ids=("a",), organ="liver", again=True)
    for _ in range(2):
        assert keys(export_round(workspace, tmp_path / "2", reader="r2", only=again)) == [("a", "liver")]
    (task,) = (one for one in workspace.store.tasks.of_round(1) if one.key == ("a", "liver"))
    assert task.n_readings == 2
    np.testing.assert_array_equal(read_nifti(tmp_path / "2" / "a" / "liver.nii.gz").voxels > 0, liver)
    with pytest.raises(ReviewError):
        export_round(workspace, tmp_path / "3", reader="r1", only=again)


def test_an_organ_that_a_person_drew_is_shown_as_it_stands(queued, tmp_path, drawn):
    workspace = queued.workspace
    queued.hand_in("a", "liver", drawn, reader="anna")
    task = request(workspace, "a", "liver", reader="bert")
    assert request(workspace, "a", "liver").number == task.number
    with pytest.raises(ReviewError):
        export_round(workspace, tmp_path / "c", reader="c", only=TaskFilter(organ="liver"))
    export_round(workspace, tmp_path / "1", reader="bert", only=TaskFilter(organ="liver"))
    np.testing.assert_array_equal(read_nifti(tmp_path / "1" / "a" / "liver.nii.gz").voxels > 0, drawn)
    told = json.loads((tmp_path / "1" / "a" / "task.json").read_text())
    (row,) = told["organs"]
    assert (row["base_source"], row["task"]) == ("revised", task.number)
    assert row["base"] == workspace.store.revisions.all()[-1].sha256


def test_without_a_queue_nothing_goes_out(atlas, tmp_path):
    with pytest.raises(ReviewError, match="omentum score"):
        export_round(atlas.workspace, tmp_path / "tasks")
    assert not (tmp_path / "tasks").exists()


def test_a_case_whose_prediction_or_ct_is_gone_is_left_out_and_told(queued, tmp_path):
    workspace = queued.workspace
    workspace.store.predictions.forget("b", "synthetic")
    exported = export_round(workspace, tmp_path / "tasks")
    assert keys(exported) == [("a", "liver"), ("a", "spleen")]
    ((key, reason),) = [(one.key, one.reason) for one in exported.left_out]
    assert key == "b"
    assert "no prediction of b" in reason
    assert states(workspace)["b", "spleen"] == "queued"
    workspace.store.cases.get("a").ct_path.unlink()
    with pytest.raises(ReviewError, match="is gone"):
        export_round(workspace, tmp_path / "more", reader="r2")


def test_what_is_done_does_not_go_out_again_until_all_is_done(queued, tmp_path, liver, spleen):
    tasks = tmp_path / "tasks"
    export_round(queued.workspace, tasks)
    queued.revise(tasks, "a", "liver", liver)
    import_round(queued.workspace, tasks)
    assert keys(export_round(queued.workspace, tasks)) == [("a", "spleen"), ("b", "spleen")]
    queued.revise(tasks, "a", "spleen", spleen)
    queued.revise(tasks, "b", "spleen", spleen)
    import_round(queued.workspace, tasks)
    with pytest.raises(ReviewError, match="no open task"):
        export_round(queued.workspace, tasks)


def test_rounds_do_not_share_a_folder_and_no_task_is_claimed_for_one_that_is_refused(queued, tmp_path):
    export_round(queued.workspace, tmp_path / "tasks", reader="r1", top=1)
    told = json.loads((tmp_path / "tasks" / "a" / "task.json").read_text())
    (tmp_path / "tasks" / "a" / "task.json").write_text(json.dumps(told | {"round": 7}))
    with pytest.raises(ReviewError, match="round 1 cannot be exported with those of round 7"):
        export_round(queued.workspace, tmp_path / "tasks", reader="r2")
    assert sorted(states(queued.workspace).values()) == ["claimed", "queued", "queued"]
