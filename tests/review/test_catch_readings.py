"""An answer to a catch trial is kept and judged, and nothing of the project changes by it."""

from pathlib import Path

import numpy as np
import pytest

from fixtures.catch import trial_of
from omentum import loop
from omentum.assemble.releasable import releasable
from omentum.errors import GridMismatchError
from omentum.evaluate.audit import audit_result
from omentum.evaluate.gate_stage import candidate_of
from omentum.evaluate.round_figures import round_figures
from omentum.measures.effort import efforts_of
from omentum.project.case_life import erase_case, rename_case
from omentum.project.catch_files import catch_files
from omentum.records import ReaderAnswer, TaskState
from omentum.review.claims import claim_task
from omentum.review.folder_export import export_round
from omentum.review.folder_import import import_round
from omentum.review.hand_in import accept, hand_in
from omentum.review.handed_in import HandIn
from omentum.review.tasks import list_tasks
from omentum.score.fit_calibration import round_calibration
from omentum.score.round_queue import costs_of
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume


@pytest.fixture
def project(caught):
    return caught.workspace


@pytest.fixture
def trial(project):
    """The trial, claimed by anna."""
    task, trial = trial_of(project)
    claim_task(project, task.number, "anna")
    return trial


def read(path: Path) -> np.ndarray:
    return np.asarray(read_nifti(path).voxels > 0)


def answered(project, trial, mask, **changes):
    plain = {"case_id": trial.case_id, "organ": trial.organ, "mask": mask, "reader": "anna", "minutes": 3.0}
    (result,) = hand_in(project, [HandIn(**{**plain, "task_number": trial.task_number, **changes})])
    return result


def test_who_gives_the_true_mask_back_has_found_the_error(project, trial):
    result = answered(project, trial, read(catch_files(trial).true))
    (reading,) = project.store.catch_readings.all()
    assert (reading.is_found, reading.left_ml, reading.says) == (True, 0.0, ReaderAnswer.REVISED)
    assert reading.added_ml + reading.removed_ml == pytest.approx(trial.error_ml)
    assert (result.revision.number, result.revision.sha256) == (reading.number, trial.true_sha256)
    assert (result.stands, result.is_known, reading.minutes) == (True, False, 3.0)
    assert project.store.tasks.get(trial.task_number).state is TaskState.DONE


def test_who_accepts_what_is_shown_has_missed_it(project, trial):
    result = accept(project, trial.task_number, "anna")
    (reading,) = project.store.catch_readings.all()
    assert (reading.is_found, reading.says) == (False, ReaderAnswer.ACCEPTED)
    assert reading.left_ml == pytest.approx(trial.error_ml)
    assert result.revision.dice_to_base == 1.0


def test_the_same_answer_twice_is_kept_once_and_another_one_beside_it(project, trial):
    shown, true = read(catch_files(trial).shown), read(catch_files(trial).true)
    answered(project, trial, shown)
    assert answered(project, trial, shown).is_known
    answered(project, trial, true)
    assert [one.is_found for one in project.store.catch_readings.all()] == [False, True]


def test_a_mask_that_was_drawn_from_a_trials_is_an_answer_to_it_whatever_task_it_names(project, trial):
    true = read(catch_files(trial).true)
    answered(project, trial, true, task_number=None, base_sha256=trial.planted_sha256)
    assert len(project.store.catch_readings.all()) == 1
    assert [one.reader for one in project.store.revisions.of_case(trial.case_id)] == ["zoe"]


def test_a_mask_without_a_task_that_began_elsewhere_is_a_revision_and_leaves_the_trial_open(project, trial):
    answered(project, trial, read(catch_files(trial).true), task_number=None, reader="ben")
    assert project.store.catch_readings.all() == []
    assert project.store.tasks.get(trial.task_number).state is TaskState.CLAIMED


def test_a_mask_of_another_shape_is_refused(project, trial):
    with pytest.raises(GridMismatchError):
        answered(project, trial, np.zeros((3, 3, 3), dtype=bool))


def test_masks_that_come_in_together_are_told_in_their_order(project, caught, trial):
    spleen = HandIn(
        case_id=trial.case_id, organ="spleen", mask=caught.box((19, 22), (4, 14), (4, 14)), reader="anna"
    )
    liver = HandIn(
        case_id=trial.case_id,
        organ="liver",
        mask=read(catch_files(trial).true),
        reader="anna",
        task_number=trial.task_number,
    )
    results = hand_in(project, [spleen, liver])
    assert [one.revision.organ for one in results] == ["spleen", "liver"]
    assert len(project.store.catch_readings.all()) == 1


def _figures(project):
    return round_figures(project, project.store.rounds.current(), None)


NOTHING_CHANGES = {
    "cost model": costs_of,
    "efforts": lambda project: efforts_of(project.store.revisions.all()),
    "agreement of readers": lambda project: project.store.revisions.all(),
    "calibration": round_calibration,
    "standing mask": lambda project: project.standing(),
    "judge": candidate_of,
    "training": lambda project: (loop._learnable(project), project.unlearned()),
    "release": lambda project: releasable(project, "synthetic"),
    "audit": lambda project: audit_result(project, 1),
    "gate": lambda project: project.store.promotions.all(),
    "evaluation": _figures,
    "minutes of the round": lambda project: _figures(project).minutes,
    "decisions": lambda project: project.store.decisions.all(),
    "learned masks": lambda project: project.store.learned_masks.of_network("synthetic"),
}


@pytest.mark.parametrize("name", NOTHING_CHANGES)
def test_an_answer_does_not_enter(project, trial, name):
    before = repr(NOTHING_CHANGES[name](project))
    answered(project, trial, read(catch_files(trial).true), minutes=600.0)
    answered(project, trial, read(catch_files(trial).shown), minutes=600.0, reader="carl")
    assert repr(NOTHING_CHANGES[name](project)) == before


def test_a_folder_of_a_reader_shows_the_planted_mask_and_what_is_saved_there_is_an_answer(
    project, trial, tmp_path
):
    export_round(project, tmp_path / "tasks", reader="anna")
    folder, other = tmp_path / "tasks" / trial.case_id, tmp_path / "tasks" / "real-2"
    names = [{path.name for path in one.iterdir()} for one in (folder, other)]
    assert names[0] == names[1]
    for name in ("liver.nii.gz", "labels.nii.gz"):
        assert np.array_equal(read_nifti(folder / name).voxels == 6, read(catch_files(trial).shown))
    assert (folder / "attention_liver.nii.gz").read_bytes() == catch_files(trial).attention.read_bytes()
    texts = [(one / "HOW_TO.txt").read_text() + (one / "task.json").read_text() for one in (folder, other)]
    assert "catch" not in texts[0].lower()
    assert [text.count("predicted") for text in texts] == [texts[0].count("predicted")] * 2
    assert '"base_source": "predicted"' in texts[0]
    true, geometry = read(catch_files(trial).true), project.store.cases.get(trial.case_id).geometry
    write_nifti(folder / "liver_revised.nii.gz", Volume(true.astype(np.uint8), geometry))
    imported = import_round(project, tmp_path / "tasks")
    assert [one.result.revision.organ for one in imported.taken] == ["liver"]
    (reading,) = project.store.catch_readings.all()
    assert (reading.reader, reading.is_found) == ("anna", True)


def test_a_label_map_that_shows_a_trial_and_was_painted_is_an_answer(project, trial, tmp_path):
    export_round(project, tmp_path / "tasks", reader="anna")
    path = tmp_path / "tasks" / trial.case_id / "labels.nii.gz"
    labels = read_nifti(path)
    voxels = labels.voxels.copy()
    voxels[voxels == 6] = 0
    voxels[read(catch_files(trial).true) & (voxels == 0)] = 6
    write_nifti(path, Volume(voxels, labels.geometry))
    import_round(project, tmp_path / "tasks")
    (reading,) = project.store.catch_readings.all()
    assert reading.is_found


def test_a_folder_without_a_named_reader_gets_no_trial(project, tmp_path):
    exported = export_round(project, tmp_path / "tasks")
    assert len(exported.tasks) == 4
    assert not any(task.is_catch for task in exported.tasks)


def test_the_list_of_tasks_tells_no_kind(project):
    kinds = {one.task.kind.told for one in list_tasks(project)}
    assert kinds == {"attention"}


def test_a_case_takes_its_trials_along_when_it_is_renamed_and_erased(project, trial):
    answered(project, trial, read(catch_files(trial).true))
    rename_case(project, trial.case_id, "renamed")
    (moved,), (reading,) = project.store.catch_trials.all(), project.store.catch_readings.all()
    assert (moved.case_id, reading.case_id) == ("renamed", "renamed")
    assert moved.path.is_file()
    assert reading.path.is_file()
    erase_case(project, "renamed", why="asked", by="anna")
    assert project.store.catch_trials.all() == project.store.catch_readings.all() == []
    assert not moved.path.exists()
