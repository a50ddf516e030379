"""`omentum status --watch`: how far the stages are and who works on what, from the shared ledger."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from rich.console import Console

from omentum.app.run_state import run_state
from omentum.app.watch import run_tables, watch_project
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings

STAGE = "predict tiny"
LEASE = timedelta(seconds=120)


@pytest.fixture
def project(tmp_path):
    begin_project(tmp_path / "atlas", Settings(networks=("tiny",)))
    with opened(tmp_path / "atlas") as project:
        yield project


@pytest.fixture
def ledger(project):
    """A stage of ten jobs: two workers have three, one job is done, one failed, one waits."""
    ledger = project.store.ledger
    ledger.offer(STAGE, [f"c{n}" for n in range(10)])
    assert ledger.claim(STAGE, "here:1:aa", 3, LEASE) == ["c0", "c1", "c2"]
    assert ledger.claim(STAGE, "here:2:bb", 3, LEASE) == ["c3", "c4", "c5"]
    ledger.mark_done(STAGE, "c0")
    ledger.note_cost(STAGE, "c0", seconds=20.0, peak_bytes=2_000_000_000)
    ledger.mark_failed(STAGE, "c3", "no CT")
    ledger.postpone(STAGE, "here:1:aa", "c1", "the disk was away", timedelta(minutes=5))
    return ledger


def test_each_stage_is_counted_with_what_its_jobs_took(project, ledger):
    (stage,) = run_state(project).stages
    assert (stage.done, stage.at_work, stage.due, stage.failed) == (1, 3, 5, 1)
    assert (stage.median_seconds, stage.peak_bytes) == (20.0, 2_000_000_000)
    assert stage.an_hour is None, "one end gives no pace"


def test_it_says_who_works_on_what(project, ledger):
    workers = run_state(project).workers
    assert [(one.worker, one.jobs) for one in workers] == [
        ("here:1:aa", ("c2",)),
        ("here:2:bb", ("c4", "c5")),
    ]
    assert not any(one.is_lapsed for one in workers)


def test_a_worker_without_a_sign_of_life_is_told(project):
    project.store.ledger.offer(STAGE, ["a"])
    project.store.ledger.claim(STAGE, "here:1:aa", 1, timedelta(seconds=-1))
    (worker,) = run_state(project).workers
    assert worker.is_lapsed
    assert "no sign of life" in run_state(project).lines()[-1]


def test_the_pace_is_that_of_what_was_done_lately(project, ledger, monkeypatch):
    for n in range(5):
        ledger.mark_done(STAGE, f"c{n}")
    first = project.store.recent_jobs.ends(STAGE, 31, timedelta(hours=1))[-1]
    monkeypatch.setattr(project.store.recent_jobs, "clock", lambda: first + timedelta(minutes=4))
    (stage,) = run_state(project).stages
    assert stage.an_hour == pytest.approx(60)
    assert stage.seconds_left == pytest.approx(5 * 60)


def test_the_last_failures_and_what_waits_for_another_try_are_named(project, ledger):
    said = run_state(project).trouble()
    assert said == [
        f"failed in {STAGE}: c3: no CT",
        f"waits for another try in {STAGE}: c1: the disk was away",
    ]


def test_in_a_log_each_look_is_some_lines(project, ledger, capsys):
    pauses = []
    watch_project(project, every_s=7, n_looks=2, sleep=pauses.append)
    lines = capsys.readouterr().out.splitlines()
    assert pauses == [7]
    assert len(lines) == 2 * 5
    assert f"{STAGE}: 1 done, 3 at work, 5 due, 1 failed, 20.0 s each, 2.0 GB at most" in lines[0]


def test_for_programs_each_look_is_a_line_of_json(project, ledger, capsys):
    watch_project(project, every_s=7, as_json=True, n_looks=2, sleep=lambda _: None)
    looks = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [look["stages"][0]["done"] for look in looks] == [1, 1]
    assert datetime.fromisoformat(looks[0]["time"]) <= datetime.now(UTC)


def test_ctrl_c_ends_it_without_an_error(project, capsys):
    def interrupted(_):
        raise KeyboardInterrupt

    watch_project(project, every_s=7, sleep=interrupted)
    assert capsys.readouterr().out == "nothing was begun yet\n"


def test_a_terminal_shows_tables(project, ledger):
    console = Console(width=120, record=True, file=StringIO())
    console.print(run_tables(run_state(project)))
    said = console.export_text()
    assert "here:2:bb" in said
    assert "c4 and 1 more" in said
    assert "failed in predict tiny: c3: no CT" in said
