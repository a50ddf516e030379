"""The dashboard tells the same figures as status and report, with a steady number of questions."""

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, event

from omentum import loop
from omentum.app.dashboard import MOST_FINDINGS, dashboard
from omentum.app.status import summary
from omentum.records import WHOLE_CT, CaseScore, MaskFinding, OrganScore, Task, TaskKind, TaskState
from omentum.records.promotions import GateOutcome, Promotion
from omentum.score.round_queue import queue_path
from omentum.volumes.atomic import write_json

TURNED = MaskFinding(organ=WHOLE_CT, rule="orientation", said="upside down", severity=0.9, holds=False)
SEVERE = MaskFinding(organ="liver", rule="side", said="on the left", severity=1.0, holds=True, error_ml=9.0)


@pytest.fixture
def liver(atlas):
    return atlas.box((3, 11), (3, 11), (3, 11))


@pytest.fixture
def half(atlas):
    return atlas.box((3, 7), (3, 11), (3, 11))


@pytest.fixture
def project(atlas, liver, half):
    """`a` has an original liver, `b` a revised one, that of `c` is predicted, and that of `d` held back."""
    atlas.add("a", original={"liver": liver})
    atlas.add("b", "c", "d")
    for case_id in "abcd":
        atlas.predict(case_id, {"liver": half, "spleen": half})
    atlas.find("d", SEVERE)
    store = atlas.workspace.store
    organs = [
        OrganScore(organ=name, attention_voxels=9, attention_ml=2.0, priority=1.0, error_ml=1.5)
        for name in ("liver", "spleen")
    ]
    store.scores.replace(1, [CaseScore(case_id=one, score=1.0, organs=tuple(organs)) for one in "abcd"])
    tasks = [
        Task(round_number=1, case_id=case_id, organ=name, rank=rank, attention_ml=1.0, minutes=2.0, kind=kind)
        for rank, (case_id, name, kind) in enumerate(
            [
                ("b", "liver", TaskKind.ATTENTION),
                ("c", "liver", TaskKind.AUDIT),
                ("c", "spleen", TaskKind.ATTENTION),
            ],
            start=1,
        )
    ]
    store.tasks.replace(1, tasks)
    atlas.hand_in("b", "liver", liver, minutes=4.0, reader="anna")
    left_out = {"tasks": 7, "minutes": 31.5}
    write_json(queue_path(atlas.workspace), {"left_out": left_out, "budget_minutes": 60.0})
    return atlas


@contextmanager
def statements():
    """Count what is asked of any database."""
    asked = []

    def note(_connection, _cursor, statement, *_):
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_each_organ_has_its_masks_by_source_and_its_tasks(project):
    organs = {one.organ: one for one in dashboard(project.workspace).organs}
    assert list(organs) == ["spleen", "liver", "pancreas"]
    liver, spleen, pancreas = organs["liver"], organs["spleen"], organs["pancreas"]
    assert (liver.n_original, liver.n_revised, liver.n_predicted, liver.n_held) == (1, 1, 1, 1)
    assert (liver.n_open, liver.n_done, liver.n_unknown) == (1, 1, 0)
    assert (spleen.n_predicted, spleen.n_open) == (4, 1)
    assert (pancreas.n_predicted, pancreas.n_unknown) == (4, 0)


def test_the_expected_error_left_is_that_of_predicted_masks_that_stand(project):
    told = dashboard(project.workspace)
    assert {one.organ: one.error_ml for one in told.organs} == {"spleen": 6.0, "liver": 1.5, "pancreas": 0.0}
    assert told.error_left.expected_ml == 7.5
    project.workspace.store.rounds.turn(1, "synthetic")
    assert dashboard(project.workspace).error_left.expected_ml is None


def test_queue_budget_findings_and_bound_are_those_of_status(project):
    told, status = dashboard(project.workspace), summary(project.workspace)
    assert (told.queue.n_left_out, told.queue.minutes_left_out, told.queue.budget_minutes) == (7, 31.5, 60.0)
    assert told.queue.counts == {
        state.value: status[f"tasks_{state.value.replace(' ', '_')}"] for state in TaskState
    }
    assert told.queue.minutes_open == 4.0
    assert told.error_left.said == status["audit"]
    assert (told.n_held, told.n_cases, told.n_predicted) == (1, status["cases"], status["predicted"])
    assert [one.command for one in told.due] == [one["command"] for one in status["waiting"]]


def test_findings_about_cts_come_by_severity_with_the_command_that_confirms_them(project):
    store = project.workspace.store
    network = project.workspace.networks[0]
    for case_id, severity in (("b", 0.5), ("c", 0.9)):
        made = store.predictions.of_case(case_id)[network]
        found = (replace(TURNED, severity=severity),)
        store.predictions.keep(replace(made, findings=found), store.predictions.hashes_of(case_id, network))
    told = dashboard(project.workspace)
    assert [(one.case, one.severity) for one in told.ct_findings] == [("c", 0.9), ("b", 0.5)]
    assert told.ct_findings[0].command == "omentum review confirm --rule orientation --cases c"
    assert (told.n_ct_findings, told.n_mask_findings) == (2, 1)
    assert len(told.ct_findings) <= MOST_FINDINGS


def test_nothing_is_told_of_single_masks_which_an_audit_may_ask_about(project):
    told = dashboard(project.workspace)
    assert "on the left" not in json.dumps([str(one) for one in (*told.ct_findings, *told.organs, *told.due)])


def test_rounds_have_the_dice_that_was_evaluated_last_and_their_verdict(project):
    before = dashboard(project.workspace).rounds
    assert [(one.number, one.dice, one.n_compared, one.verdict) for one in before] == [(1, None, 0, None)]
    report, _ = loop.evaluate(project.workspace)
    verdict = Promotion(
        round_number=1,
        network="synthetic-r1",
        instead_of="synthetic",
        outcome=GateOutcome.KEPT_OUT,
        by="gate",
        why="nothing was gained",
        time=datetime.now(UTC),
    )
    project.workspace.store.promotions.add(verdict)
    told = dashboard(project.workspace)
    (line,), (figures,) = told.rounds, report.rounds
    assert line.dice == figures.summary.dice
    assert line.dice is not None
    assert (line.minutes, line.n_revised, line.n_tasks) == (figures.minutes, figures.n_revised, 3)
    assert (line.attention_ml, line.added_ml) == (figures.attention_ml, figures.added_ml)
    assert (line.verdict, line.verdict_network) == ("kept out", "synthetic-r1")
    assert told.compared_with == report.compared_with


def test_readers_have_minutes_handed_in_and_at_work(project, liver):
    store = project.workspace.store
    task = next(one for one in store.tasks.of_round(1) if one.organ == "spleen")
    for _ in range(2):
        store.activities.add(task, "ben", {}, idle_after=timedelta(seconds=60))
    store.rounds.turn(1, "synthetic")
    project.hand_in("c", "spleen", liver, minutes=2.5, reader="anna", round_number=2)
    anna, ben = dashboard(project.workspace).readers
    assert (anna.reader, anna.n_revisions, anna.minutes, anna.minutes_in_round) == ("anna", 2, 6.5, 2.5)
    assert (anna.minutes_at_work, ben.n_revisions, ben.minutes) == (0.0, 0, 0.0)
    assert ben.minutes_at_work > 0


def test_an_empty_project_has_a_dashboard(atlas):
    told = dashboard(atlas.workspace)
    assert (told.n_cases, told.organs[0].n_unknown, told.readers) == (0, 0, ())
    assert told.due[0].command == "omentum add CT..."


def test_ten_times_the_cases_take_as_many_questions(project, half, liver):
    with statements() as few:
        dashboard(project.workspace)
    names = [f"more-{number}" for number in range(12)]
    project.add(*names)
    for number, name in enumerate(names):
        project.predict(name, {"liver": half})
        project.find(name, SEVERE)
        if number % 2:
            project.hand_in(name, "liver", liver, reader=f"reader-{number}", minutes=1.0)
    with statements() as many:
        told = dashboard(project.workspace)
    assert told.n_cases == 16
    assert len(many) == len(few)
