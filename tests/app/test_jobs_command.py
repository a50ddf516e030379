"""Jobs are counted by stage, and whoever works on one is named."""

import json
from datetime import timedelta

import pytest

from omentum.store.shared_stage import SharedStageLedger


@pytest.fixture
def run(omentum, atlas):
    """Runs `omentum jobs` in a project of which one stage is under way."""
    ledger = SharedStageLedger(atlas.workspace.store.ledger, "predict starter", "node-3:41:f00")
    ledger.offer(["a", "b", "c", "d"])
    ledger.claim(3)
    ledger.mark_done("a", None)
    ledger.note_cost("a", seconds=12.5, peak_bytes=3_000_000_000)
    ledger.postpone("b", "OSError: the share is gone", timedelta(hours=1).total_seconds())
    atlas.workspace.store.ledger.mark_failed("score 1", "a", "torn")
    return lambda *words: omentum("-C", atlas.root / "atlas", "jobs", *words)


def test_jobs_are_counted_with_what_they_took(run):
    ran = run("--stage", "predict starter")
    assert ran.code == 0
    row = next(line for line in ran.out.splitlines() if "predict starter" in line)
    assert row.replace("│", " ").split() == ["predict", "starter", "2", "1", "1", "0", "12.5", "3.00"]
    assert "score 1" not in ran.out


def test_who_works_on_what_is_told_and_what_waits_for_another_try(run):
    said = run().out
    assert "node-3:41:f00 works on predict starter c since " in said
    assert "predict starter b waits for another try: OSError: the share is gone" in said


def test_programs_get_the_same_as_json(run):
    told = json.loads(run("--json").out)
    predict = next(one for one in told["stages"] if one["stage"] == "predict starter")
    assert (predict["due"], predict["claimed"], predict["done"], predict["failed"]) == (2, 1, 1, 0)
    assert (predict["median_s"], predict["peak_bytes"]) == (12.5, 3_000_000_000)
    (claimed,) = told["claimed"]
    assert (claimed["key"], claimed["worker"], claimed["attempts"]) == ("c", "node-3:41:f00", 1)
    assert claimed["until"] > claimed["started"]
    assert [one["key"] for one in told["postponed"]] == ["b"]


def test_a_stage_without_jobs_is_refused_with_those_that_have_some(run):
    ran = run("--stage", "predict")
    assert ran.code == 2
    assert "'predict starter', 'score 1'" in ran.err


def test_a_project_in_which_nothing_was_begun_says_how_to_begin(omentum, tmp_path):
    assert omentum("init", tmp_path / "new").code == 0
    assert "begin with omentum predict" in omentum("-C", tmp_path / "new", "jobs").out
