"""Catch trials and their readings are kept; readings and revisions share one sequence of numbers."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from omentum.records import MaskFinding, ReaderAnswer, TaskKind
from omentum.records.catch_trials import CatchReading, CatchTrial
from omentum.store.mentions import Mentions

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FINDING = MaskFinding(organ="liver", rule="side", said="on the left", severity=0.5, holds=False, error_ml=9.5)


@pytest.fixture
def trial(busy_store, task_of, tmp_path) -> CatchTrial:
    (task,) = busy_store.tasks.replace(1, [task_of(kind=TaskKind.CATCH)])
    return busy_store.catch_trials.add(
        CatchTrial(
            task_number=task.number,
            case_id=task.case_id,
            organ=task.organ,
            path=tmp_path / "cases" / task.case_id / "shown" / "1" / "0.nii.gz",
            planted_sha256="p" * 64,
            true_sha256="t" * 64,
            kind="bulge",
            error_ml=12.5,
            is_major=True,
            centre_mm=(1.0, -2.0, 3.5),
            seed=2**62,
            time=NOON,
        )
    )


@pytest.fixture
def reading(trial, tmp_path) -> CatchReading:
    return CatchReading(
        trial_number=trial.number,
        case_id=trial.case_id,
        reader="anna",
        says=ReaderAnswer.REVISED,
        path=tmp_path / "cases" / trial.case_id / "shown" / "1" / "a.nii.gz",
        sha256="a" * 64,
        is_found=True,
        left_ml=0.5,
        added_ml=0.0,
        removed_ml=12.0,
        dice_to_base=0.8,
        findings=(FINDING,),
        comment="it bulged",
        time=NOON,
    )


def test_a_trial_and_its_reading_come_out_as_they_went_in(busy_store, trial, reading):
    kept = busy_store.catch_readings.add(reading)
    assert busy_store.catch_trials.of_task(trial.task_number) == trial
    assert busy_store.catch_trials.of_case(trial.case_id) == [trial]
    assert busy_store.catch_trials.of_round(1) == [trial]
    assert busy_store.catch_trials.of_round(2) == []
    assert busy_store.catch_readings.of_trials([trial.number]) == [replace(reading, number=kept.number)]


def test_readings_and_revisions_have_their_numbers_in_one_sequence(busy_store, trial, reading, revision_of):
    first = busy_store.revisions.add(revision_of())
    second = busy_store.catch_readings.add(reading)
    third = busy_store.revisions.add(revision_of())
    assert [second.number, third.number] == [first.number + 1, first.number + 2]
    assert second.number not in {one.number for one in busy_store.revisions.all()}


def test_a_new_queue_that_names_a_trial_by_its_number_keeps_it(busy_store, trial, task_of):
    (task,) = busy_store.tasks.of_round(1)
    other = task_of(organ="spleen", rank=1)
    queue = busy_store.tasks.replace(1, [other, replace(task, rank=2)])
    assert [one.number for one in queue if one.is_catch] == [trial.task_number]


def test_a_trial_goes_with_its_case_when_that_is_renamed_or_erased(busy_store, trial, reading):
    busy_store.catch_readings.add(reading)
    busy_store.case_rows.rename(trial.case_id, "renamed")
    (moved,) = busy_store.catch_trials.all()
    assert moved.case_id == "renamed"
    assert moved.path.parts[-4:] == ("renamed", "shown", "1", "0.nii.gz")
    (read,) = busy_store.catch_readings.all()
    assert (read.case_id, read.path.parts[-4]) == ("renamed", "renamed")
    busy_store.case_rows.erase("renamed", Mentions(("renamed",), "gone"))
    assert busy_store.catch_trials.all() == []
    assert busy_store.catch_readings.all() == []


def test_planting_and_reading_are_in_the_audit_log_without_the_cases_name(busy_store, trial, reading):
    busy_store.catch_readings.add(reading)
    *_, planted, read = busy_store.log.entries()
    assert [planted.action, read.action] == ["catch-planted", "catch-read"]
    assert (planted.actor, read.actor) == ("omentum", "anna")
    assert (planted.about["organ"], read.about["is_found"]) == ("liver", True)
    assert planted.about["case"] == read.about["case"] == busy_store.log.alias(trial.case_id)
