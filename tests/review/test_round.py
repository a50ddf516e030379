import json

import numpy as np
import pytest

from omentum.errors import GridMismatchError, ReviewError, UnknownCaseError
from omentum.records import TaskState
from omentum.review import round as review_module
from omentum.review.round import export_round, import_round
from omentum.score.round import score_round
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume


@pytest.fixture
def liver(atlas):
    return atlas.box((3, 15), (3, 15), (3, 15))


@pytest.fixture
def spleen(atlas):
    return atlas.box((12, 20), (4, 12), (4, 12))


@pytest.fixture
def queued(atlas, liver, spleen):
    """Liver and spleen of `a`, then the spleen of `b`; `c` needs nobody."""
    atlas.add("a", "b", "c")
    atlas.predict("a", {"liver": liver}, unsure={"liver": liver, "spleen": spleen})
    atlas.predict("b", {}, unsure={"spleen": spleen})
    atlas.predict("c", {"liver": liver})
    score_round(atlas.workspace)
    return atlas


def states(workspace) -> dict[tuple[str, str], str]:
    return {(task.case_id, task.organ): task.state.value for task in workspace.store.tasks.of_round(1)}


def test_tasks_go_out_as_folders_and_are_marked(queued, tmp_path, liver):
    tasks = export_round(queued.workspace, tmp_path / "tasks")
    assert [(one.case_id, one.organ, one.state) for one in tasks] == [
        ("a", "liver", TaskState.EXPORTED),
        ("a", "spleen", TaskState.EXPORTED),
        ("b", "spleen", TaskState.EXPORTED),
    ]
    assert set(states(queued.workspace).values()) == {"exported"}
    assert sorted(path.name for path in (tmp_path / "tasks").iterdir()) == ["a", "b"]
    shown = read_nifti(tmp_path / "tasks" / "a" / "liver.nii.gz").voxels
    np.testing.assert_array_equal(shown > 0, liver)
    assert (tmp_path / "tasks" / "a" / "attention_spleen.nii.gz").is_file()
    told = json.loads((tmp_path / "tasks" / "a" / "task.json").read_text())
    assert (told["round"], told["network"]) == (1, "made-up")


def test_only_the_first_tasks_of_the_queue_go_out_where_a_number_is_said(queued, tmp_path):
    (task,) = export_round(queued.workspace, tmp_path / "tasks", top=1)
    assert (task.case_id, task.rank) == ("a", 1)
    assert [path.name for path in (tmp_path / "tasks").iterdir()] == ["a"]
    assert sorted(states(queued.workspace).values()) == ["exported", "queued", "queued"]


def test_without_a_queue_nothing_goes_out(atlas, tmp_path):
    with pytest.raises(ReviewError, match="omentum score"):
        export_round(atlas.workspace, tmp_path / "tasks")
    assert not (tmp_path / "tasks").exists()


def test_a_task_of_a_case_that_is_not_predicted_any_more_is_refused_before_anything_is_written(
    queued, tmp_path
):
    queued.workspace.store.ledger.forget("predict made-up", "b")
    with pytest.raises(ReviewError, match="no prediction of b"):
        export_round(queued.workspace, tmp_path / "tasks")
    assert not (tmp_path / "tasks").exists()
    assert set(states(queued.workspace).values()) == {"queued"}


def test_a_revised_mask_comes_back_voxel_for_voxel_with_what_it_changed(queued, tmp_path, liver):
    export_round(queued.workspace, tmp_path / "tasks")
    shown = read_nifti(tmp_path / "tasks" / "a" / "liver.nii.gz")
    drawn = liver.copy()
    drawn[3], drawn[15, 3:15, 3:15] = False, True
    queued.revise(tmp_path / "tasks", "a", "liver", drawn)
    (revision,) = import_round(queued.workspace, tmp_path / "tasks", reader="reader-7", minutes=3.0)
    np.testing.assert_array_equal(read_nifti(revision.path).voxels > 0, drawn)
    assert read_nifti(revision.path).geometry.same_grid(shown.geometry)
    assert (revision.round_number, revision.reader, revision.minutes) == (1, "reader-7", 3.0)
    assert revision.network == "made-up"
    assert revision.added_ml == pytest.approx(144 * 0.064)
    assert revision.removed_ml == pytest.approx(144 * 0.064)
    assert revision.dice_to_before == pytest.approx(2 * (liver & drawn).sum() / (liver.sum() + drawn.sum()))
    assert queued.workspace.store.revisions.all() == [revision]
    assert states(queued.workspace) == {
        ("a", "liver"): "done",
        ("a", "spleen"): "exported",
        ("b", "spleen"): "exported",
    }


def test_what_is_done_does_not_go_out_again_until_all_is_done(queued, tmp_path, liver, spleen):
    export_round(queued.workspace, tmp_path / "tasks")
    queued.revise(tmp_path / "tasks", "a", "liver", liver)
    import_round(queued.workspace, tmp_path / "tasks")
    left = export_round(queued.workspace, tmp_path / "tasks")
    assert [(one.case_id, one.organ) for one in left] == [("a", "spleen"), ("b", "spleen")]
    queued.revise(tmp_path / "tasks", "a", "spleen", spleen)
    queued.revise(tmp_path / "tasks", "b", "spleen", spleen)
    import_round(queued.workspace, tmp_path / "tasks")
    with pytest.raises(ReviewError, match="no open task"):
        export_round(queued.workspace, tmp_path / "tasks")


def test_the_same_file_again_is_the_same_revision(queued, tmp_path, liver, spleen):
    tasks = tmp_path / "tasks"
    queued.revise(tasks, "a", "liver", liver)
    first = import_round(queued.workspace, tasks, minutes=4.0)
    assert import_round(queued.workspace, tasks, minutes=9.0) == first
    queued.revise(tasks, "a", "liver", spleen)
    (second,) = import_round(queued.workspace, tasks)
    assert queued.workspace.store.revisions.all() == [*first, second]
    assert first[0].path.is_file(), "what was taken is kept"


def test_a_folder_of_an_earlier_round_gives_no_new_revisions(queued, tmp_path, liver, spleen):
    tasks = tmp_path / "tasks"
    queued.revise(tasks, "a", "liver", liver)
    first = import_round(queued.workspace, tasks)
    queued.next_round("made-up-r1")
    assert import_round(queued.workspace, tasks) == first
    queued.revise(tasks, "a", "liver", spleen)
    (second,) = import_round(queued.workspace, tasks)
    assert [one.round_number for one in queued.workspace.store.revisions.all()] == [1, 2]
    assert second.network == "made-up-r1"


def test_minutes_are_shared_out_equally_but_for_those_that_are_known(queued, tmp_path, liver, spleen):
    tasks = tmp_path / "tasks"
    for case_id, name, mask in (("a", "liver", liver), ("a", "spleen", spleen), ("b", "spleen", spleen)):
        queued.revise(tasks, case_id, name, mask)
    taken = import_round(queued.workspace, tasks, minutes=9.0, minutes_of={("b", "spleen"): 0.5})
    assert [(one.case_id, one.organ, one.minutes) for one in taken] == [
        ("a", "liver", 3.0),
        ("a", "spleen", 3.0),
        ("b", "spleen", 0.5),
    ]


def test_time_that_nobody_told_is_unknown(queued, tmp_path, liver):
    queued.revise(tmp_path / "tasks", "a", "liver", liver)
    (revision,) = import_round(queued.workspace, tmp_path / "tasks")
    assert revision.minutes is None


def test_a_mask_of_an_unknown_case_is_refused_and_no_other_is_taken(queued, tmp_path, liver):
    queued.revise(tmp_path / "tasks", "a", "liver", liver)
    queued.revise(tmp_path / "tasks", "nobody", "liver", liver)
    with pytest.raises(UnknownCaseError, match="nobody"):
        import_round(queued.workspace, tmp_path / "tasks")
    assert queued.workspace.store.revisions.all() == []
    assert not queued.workspace.folder.revision_dir("a", "liver").exists()


def test_masks_before_one_that_cannot_be_used_are_kept_and_their_tasks_done(queued, tmp_path, liver):
    tasks = tmp_path / "tasks"
    queued.revise(tasks, "a", "liver", liver)
    wrong = Volume(liver, Geometry(queued.shape, np.diag([1.0, 1.0, 1.0, 1.0])))
    write_nifti(tasks / "b" / "spleen_revised.nii.gz", wrong)
    with pytest.raises(GridMismatchError, match=r"spleen_revised\.nii\.gz"):
        import_round(queued.workspace, tasks)
    assert [(one.case_id, one.organ) for one in queued.workspace.store.revisions.all()] == [("a", "liver")]
    assert states(queued.workspace)["a", "liver"] == "done"
    assert states(queued.workspace)["b", "spleen"] == "queued"


def test_an_organ_that_was_not_queued_may_be_revised(queued, tmp_path, liver, spleen):
    queued.revise(tmp_path / "tasks", "c", "liver", spleen)
    (revision,) = import_round(queued.workspace, tmp_path / "tasks")
    assert revision.removed_ml == pytest.approx((liver & ~spleen).sum() * 0.064)
    assert "done" not in states(queued.workspace).values()


def test_an_organ_that_no_network_predicted_is_all_added(queued, tmp_path, spleen):
    queued.revise(tmp_path / "tasks", "c", "aorta", spleen)
    (revision,) = import_round(queued.workspace, tmp_path / "tasks")
    assert revision.added_ml == pytest.approx(spleen.sum() * 0.064)
    assert (revision.removed_ml, revision.dice_to_before) == (0.0, 0.0)


def test_a_folder_without_revised_masks_is_refused(queued, tmp_path):
    export_round(queued.workspace, tmp_path / "tasks")
    with pytest.raises(ReviewError, match=r"<organ>_revised\.nii\.gz"):
        import_round(queued.workspace, tmp_path / "tasks")


def test_an_import_that_was_killed_goes_on_and_notes_nothing_twice(
    queued, tmp_path, liver, spleen, monkeypatch
):
    tasks = tmp_path / "tasks"
    queued.revise(tasks, "a", "liver", liver)
    queued.revise(tasks, "b", "spleen", spleen)
    original = review_module.take_revision

    def dies_at_b(path, case, *rest):
        if case.case_id == "b":
            raise KeyboardInterrupt
        return original(path, case, *rest)

    monkeypatch.setattr(review_module, "take_revision", dies_at_b)
    with pytest.raises(KeyboardInterrupt):
        import_round(queued.workspace, tasks)
    monkeypatch.setattr(review_module, "take_revision", original)
    assert len(import_round(queued.workspace, tasks)) == 2
    assert [one.case_id for one in queued.workspace.store.revisions.all()] == ["a", "b"]
    assert states(queued.workspace)["b", "spleen"] == "done"
