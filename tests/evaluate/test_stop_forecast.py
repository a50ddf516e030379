"""What more hours of readers are expected to bring is said in words, or what is missing for it."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from omentum.app.forecast_table import forecast_table
from omentum.app.status import summary
from omentum.evaluate.audit import audit_result
from omentum.evaluate.stage import evaluate_round
from omentum.evaluate.stop_forecast import ASSUMED, HOURS, prepare_forecast, stop_forecast
from omentum.project.project import Project
from omentum.records import Audit, CaseScore, OrganScore, ReaderAnswer, Revision, Task
from omentum.store.mentions import Mentions
from omentum.store.scores import Scores
from omentum.store.store import Store
from omentum.volumes.atomic import write_json

CASES = [f"case-{place:02d}" for place in range(12)]
ORGANS = ("liver", "pancreas", "spleen")
N_DRAWN = 9
COSTS = {"minutes_per_case": 1.0, "minutes_per_look": 10.0, "minutes_per_ml": 0.3, "whole_look_factor": 1.0}


@pytest.fixture
def audited(atlas):
    """Twelve predicted cases with three organs each; the liver of the first nine was drawn at random."""
    atlas.add(*CASES)
    for case_id in CASES:
        atlas.predict(case_id, {})
    atlas.workspace.store.audits.keep(
        Audit(
            round_number=1,
            network="synthetic",
            weights_sha256="w" * 64,
            seed=1,
            frame=dict.fromkeys(CASES, ORGANS),
            n_cases_drawn=N_DRAWN,
            drawn=tuple((case_id, "liver") for case_id in CASES[:N_DRAWN]),
            time=datetime.now(UTC),
        )
    )
    return atlas


@pytest.fixture
def bounded(audited, tmp_path):
    """All drawn masks have come back, and two were changed much."""
    with audited.workspace.store.together():
        for place, case_id in enumerate(CASES[:N_DRAWN]):
            audited.workspace.store.revisions.add(
                Revision(
                    case_id=case_id,
                    organ="liver",
                    path=tmp_path / f"{case_id}.nii.gz",
                    sha256=case_id,
                    round_number=1,
                    reader="reader-1",
                    says=ReaderAnswer.REVISED,
                    added_ml=0.0,
                    removed_ml=0.0,
                    dice_to_base=0.5 if place < 2 else 0.97,
                    network="synthetic",
                    time=datetime.now(UTC),
                )
            )
    return audited


@pytest.fixture
def queued(bounded):
    """Scored, with the prices of a queue: errors are expected in the pancreas of the last cases."""

    def score(case_id, name):
        loss = 0.6 if name == "pancreas" and case_id in CASES[6:] else 0.005
        return OrganScore(
            organ=name,
            attention_voxels=1,
            attention_ml=1.0,
            priority=1.0,
            error_ml=20 * loss,
            dice_loss=loss,
        )

    store = bounded.workspace.store
    scores = [
        CaseScore(case_id=one, score=1.0, organs=tuple(score(one, name) for name in ORGANS)) for one in CASES
    ]
    store.scores.replace(1, scores)
    store.tasks.replace(
        1,
        [Task(round_number=1, case_id=CASES[-1], organ="liver", rank=1, attention_ml=1.0, minutes=20.0)],
    )
    costs = {**COSTS, "by_organ": {"pancreas": {"look": 1.5, "ml": 1.0}}, "n_records": 3}
    path = bounded.workspace.folder.round_dir(1) / "queue.json"
    write_json(path, {"costs": costs, "left_out": {"tasks": 0, "minutes": 0.0}, "budget_minutes": 60.0})

    return bounded


def test_hours_are_said_to_lower_the_bound_with_an_interval(queued):
    forecast = stop_forecast(queued.workspace)
    now = audit_result(queued.workspace, 1).share
    assert (forecast.bound_now, forecast.queued_minutes) == (now, 20.0)
    assert [one.hours for one in forecast.later] == list(HOURS[: len(forecast.later)])
    assert forecast.later[1].expected < now
    assert all(one.low <= one.expected <= one.high for one in forecast.later)
    assert "more hours are expected to lower the bound from" in forecast.said
    assert "% (90% of outcomes: " in forecast.said


def test_the_least_hours_that_reach_the_wanted_bound_are_named(queued):
    workspace = queued.workspace
    later = stop_forecast(workspace).later
    wanted = later[1].expected + 1e-6
    settings = workspace.settings.changed(audit_bound=wanted)
    other = Project(workspace.folder, settings, workspace.store, workspace.runner)
    enough = next(one for one in later if one.expected <= wanted)
    assert stop_forecast(other).said.startswith(f"{enough.hours:g} more hour")


def test_what_is_missing_is_said_with_the_command_for_it(audited, bounded):
    assert "no expected errors or no prices; `omentum score`" in stop_forecast(bounded.workspace).said
    store = audited.workspace.store
    store.audits.keep(replace(store.audits.of_round(1), n_cases_drawn=0, drawn=()))
    said = stop_forecast(audited.workspace)
    assert said.later == ()
    assert said.said.startswith("no forecast: it needs a bound of the audit")
    assert "`omentum audit`" in said.said


def test_status_dashboard_and_report_say_the_same(queued):
    forecast = stop_forecast(queued.workspace)
    told = summary(queued.workspace)
    assert told["forecast"] == forecast.said
    assert json.loads(json.dumps(told["bound_by_hours"]))[0]["hours"] == 1.0
    table = forecast_table(queued.workspace)
    assert table.said.lower().startswith(forecast.said.lower())
    assert [row[0] for row in table.rows] == [one.hours for one in forecast.later]
    report, path = evaluate_round(queued.workspace, [])
    assert report.forecast == forecast.said
    html = path.read_text(encoding="utf-8")
    assert ASSUMED.replace("'", "&#39;") in html


def kept_files(workspace):
    return sorted((workspace.folder.cache_dir / "forecast").glob("*.npz"))


def losses_of(workspace, factor):
    scores = workspace.store.scores.of_round(1)
    for one in scores:
        organs = tuple(replace(row, dice_loss=factor * row.dice_loss) for row in one.organs)
        workspace.store.scores.replace(1, [replace(one, organs=organs)])


def test_a_forecast_from_what_is_kept_is_that_from_all_scores(queued, monkeypatch):
    first = stop_forecast(queued.workspace)
    (kept,) = kept_files(queued.workspace)
    with monkeypatch.context() as patch:
        patch.setattr(Scores, "losses", None)  # scores are not read
        assert stop_forecast(queued.workspace) == first
    kept.unlink()
    assert stop_forecast(queued.workspace) == first
    assert kept_files(queued.workspace) == [kept]


def change_scores(workspace):
    losses_of(workspace, 0.1)


def change_prices(workspace):
    path = workspace.folder.round_dir(1) / "queue.json"
    queue = json.loads(path.read_text())
    write_json(path, {**queue, "costs": {**queue["costs"], "minutes_per_look": 60.0}})


def erase_a_case(workspace):
    workspace.store.case_rows.erase(CASES[-1], Mentions((CASES[-1],), "erased"))


def draw_anew(workspace):
    audit = workspace.store.audits.of_round(1)
    frame = {case_id: names for case_id, names in audit.frame.items() if case_id != CASES[-2]}
    workspace.store.audits.keep(replace(audit, frame=frame))


@pytest.mark.parametrize("change", [change_scores, change_prices, erase_a_case, draw_anew])
def test_a_forecast_follows_what_it_depends_on(queued, change):
    workspace = queued.workspace
    before, (kept,) = stop_forecast(workspace), kept_files(workspace)
    change(workspace)
    after = stop_forecast(workspace)
    assert after.later != before.later
    assert kept_files(workspace) != [kept]
    kept_files(workspace)[0].unlink()
    assert stop_forecast(workspace) == after


def test_a_task_that_ends_changes_the_forecast_and_not_what_is_kept(queued):
    workspace = queued.workspace
    before, kept = stop_forecast(workspace), kept_files(workspace)
    (task,) = workspace.store.tasks.of_round(1)
    workspace.store.tasks.replace(1, [replace(task, minutes=200.0)])
    after = stop_forecast(workspace)
    assert (before.queued_minutes, after.queued_minutes) == (20.0, 200.0)
    assert after.later != before.later
    assert kept_files(workspace) == kept


def test_a_forecast_of_a_project_that_may_only_be_read_keeps_nothing(queued):
    workspace = queued.workspace
    said = stop_forecast(workspace).said
    shutil.rmtree(workspace.folder.cache_dir / "forecast")
    with Store.open(workspace.settings.database, workspace.folder.root, read_only=True) as store:
        read_only = Project(workspace.folder, workspace.settings, store, workspace.runner)
        assert stop_forecast(read_only).said == said
    assert kept_files(workspace) == []


def test_scoring_prepares_the_forecast(queued, monkeypatch):
    prepare_forecast(queued.workspace)
    monkeypatch.setattr(Scores, "losses", None)
    assert stop_forecast(queued.workspace).later


def test_what_is_kept_and_damaged_is_made_again(queued):
    first = stop_forecast(queued.workspace)
    (kept,) = kept_files(queued.workspace)
    whole = kept.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole[:40] + bytes(200) + whole[240:]):
        kept.write_bytes(damaged)
        assert stop_forecast(queued.workspace) == first
        assert kept.read_bytes() == whole
