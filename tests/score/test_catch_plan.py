"""Catch trials join a round's queue, and look like the tasks around them."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from fixtures.catch import REAL, VOUCHED, plan_trials, real_tasks, trial_of
from omentum.measures.overlap import dice
from omentum.project.catch_files import catch_files
from omentum.records import MaskFinding, MaskSource, TaskKind, TaskState
from omentum.records.people import Person, Role
from omentum.score.round_queue import QueueOptions, queue_round
from omentum.volumes.mask_hash import mask_sha256
from omentum.volumes.nifti import read_nifti


def read(path) -> np.ndarray:
    return np.asarray(read_nifti(path).voxels, dtype=bool)


def trials(project) -> list:
    return [task for task in project.store.tasks.of_round(1) if task.is_catch]


def test_the_share_of_the_settings_are_trials_of_masks_that_a_person_vouched_for(caught):
    queue = caught.workspace.store.tasks.of_round(1)
    task, trial = trial_of(caught.workspace)
    assert [one.rank for one in queue] == [1, 2, 3, 4, 5]
    assert {one.case_id for one in queue if not one.is_catch} == set(REAL)
    assert task.case_id in VOUCHED
    assert (trial.key, trial.task_number) == (task.key, task.number)


def test_the_shown_mask_is_the_true_one_with_the_error_that_the_record_tells_of(caught):
    task, trial = trial_of(caught.workspace)
    files = catch_files(trial)
    shown, true = read(files.shown), read(files.true)
    geometry = caught.workspace.store.cases.get(task.case_id).geometry
    (revision,) = caught.workspace.store.revisions.of_case(task.case_id)
    assert (trial.true_sha256, trial.planted_sha256) == (revision.sha256, task.shown_sha256)
    assert trial.planted_sha256 == mask_sha256(shown, geometry)
    assert trial.error_ml == pytest.approx(np.count_nonzero(shown ^ true) * geometry.voxel_ml)
    assert trial.is_major is (dice(shown, true) < 0.9)
    middle = geometry.to_mm(np.argwhere(shown ^ true).mean(axis=0))
    assert trial.centre_mm == pytest.approx(tuple(middle), abs=0.01)


def test_nothing_by_which_tasks_are_told_apart_differs_in_kind_from_a_real_one(caught):
    queue = caught.workspace.store.tasks.of_round(1)
    task, trial = trial_of(caught.workspace)
    real = [one for one in queue if not one.is_catch]
    assert task.kind.told == real[0].kind.told == "attention"
    assert task.reason in {one.reason for one in real}
    assert task.n_spots in {one.n_spots for one in real}
    assert task.network == real[0].network
    assert 2.4 < task.error_ml < 14
    assert 8 < task.attention_ml < 47
    rows = json.loads(catch_files(trial).hot_spots.read_text())["hot_spots"]
    path = caught.workspace.folder.attention_dir(REAL[0]) / "hot_spots.json"
    like = json.loads(path.read_text())["hot_spots"]
    assert [set(row) for row in rows] == [set(row) for row in like]
    heat = read_nifti(catch_files(trial).attention).voxels
    assert heat.dtype == np.uint8
    for row in rows:
        low, high = row["low_voxel"], row["high_voxel"]
        assert heat[tuple(slice(a, b + 1) for a, b in zip(low, high, strict=True))].any()


def test_a_second_queue_keeps_the_trials_of_the_first(caught):
    before = trial_of(caught.workspace)
    plan_trials(caught.workspace, real_tasks())
    task, trial = trial_of(caught.workspace)
    assert (task.number, task.key, trial) == (before[0].number, before[0].key, before[1])


def test_a_trial_goes_whose_case_gets_another_task_or_whose_mask_stands_no_more(caught):
    project = caught.workspace
    task, _ = trial_of(project)
    other = replace(real_tasks()[0], case_id=task.case_id, organ="spleen", rank=5)
    plan_trials(project, [*real_tasks(), other])
    (moved,) = trials(project)
    assert moved.case_id == ({*VOUCHED} - {task.case_id}).pop()
    (one,) = project.store.revisions.of_case(moved.case_id)
    (caught.folder(moved.case_id) / "other.nii.gz").write_bytes(one.path.read_bytes())
    other_path = caught.folder(moved.case_id) / "other.nii.gz"
    project.store.revisions.add(replace(one, sha256="other", path=other_path, number=None))
    plan_trials(project, [*real_tasks(), other])
    (again,) = trials(project)
    assert again.number != moved.number


def test_a_trial_that_a_reader_has_stays_whatever_the_new_queue_holds(caught):
    project = caught.workspace
    task, _ = trial_of(project)
    project.store.tasks.set_state([task.number], TaskState.DONE)
    settings = project.settings.changed(catch_share=0.0)
    other = replace(real_tasks()[0], case_id=task.case_id, organ="spleen", rank=5)
    plan_trials(replace(project, settings=settings), [*real_tasks(), other])
    (kept,) = trials(project)
    assert (kept.number, kept.state) == (task.number, TaskState.DONE)


def test_without_a_share_there_are_no_trials(caught):
    settings = caught.workspace.settings.changed(catch_share=0.0)
    plan_trials(replace(caught.workspace, settings=settings), real_tasks())
    assert trials(caught.workspace) == []
    assert caught.workspace.store.catch_trials.all() == []


@pytest.mark.parametrize("why", ["held out", "a finding", "a task", "another organ"])
def test_a_mask_is_no_candidate_if(caught, why):
    project = caught.workspace
    plan_trials(replace(project, settings=project.settings.changed(catch_share=0.0)), real_tasks())
    tasks = real_tasks()
    for case_id in VOUCHED:
        if why == "held out":
            project.store.cases.hold_out([case_id])
        elif why == "a finding":
            (one,) = project.store.revisions.of_case(case_id)
            said = MaskFinding(
                organ="liver",
                rule="side",
                said="small",
                severity=0.2,
                holds=False,
                error_ml=1.0,
                mask_sha256=one.sha256,
            )
            project.store.revisions.keep_findings(one.number, [said])
        elif why == "a task":
            tasks.append(replace(tasks[0], case_id=case_id, organ="spleen", kind=TaskKind.AUDIT))
    if why == "another organ":
        tasks = [replace(one, organ="pancreas") for one in tasks]
    plan_trials(project, tasks)
    assert trials(project) == []


def test_a_mask_that_all_who_read_have_seen_is_no_candidate(caught):
    project = caught.workspace
    plan_trials(replace(project, settings=project.settings.changed(catch_share=0.0)), real_tasks())
    now = datetime.now(UTC)
    person = Person(name="zoe", roles=(Role.ADMIN, Role.READER), time=now, sessions_from=now)
    project.store.people.add(person, "zoe")
    plan_trials(project, real_tasks())
    assert trials(project) == []
    project.store.people.add(replace(person, name="anna"), "zoe")
    plan_trials(project, real_tasks())
    assert len(trials(project)) == 1


def test_an_original_label_is_vouched_for(caught):
    project = caught.workspace
    plan_trials(replace(project, settings=project.settings.changed(catch_share=0.0)), real_tasks())
    for case_id in VOUCHED:
        caught.label(case_id, {"liver": caught.box((4, 18), (4, 16), (3, 16))})
    plan_trials(project, real_tasks())
    (task,) = trials(project)
    standing = next(one for one in project.standing() if one.case.case_id == task.case_id)
    assert next(one for one in standing.masks if one.organ == "liver").source is MaskSource.ORIGINAL


def test_scoring_a_round_leaves_the_organ_of_a_trial_that_was_begun_to_the_trial(caught):
    project = caught.workspace
    task, _ = trial_of(project)
    project.store.tasks.set_state([task.number], TaskState.CLAIMED)
    queue = queue_round(project, [], QueueOptions(strategy="published", budget_minutes=None))
    assert [one.number for one in queue if one.key == task.key] == [task.number]
