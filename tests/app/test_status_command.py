"""What `omentum status` tells: findings, masks held back, conflicts, who has tasks, what is left out."""

import gzip
import json
from dataclasses import replace
from datetime import timedelta

import nibabel as nib
import pytest

from omentum.records import WHOLE_CT, Confirmation, MaskFinding, Task, TaskState
from omentum.score.round_queue import queue_path
from omentum.store.tasks import pool_of
from omentum.volumes import file_hash
from omentum.volumes.atomic import write_json

SEVERE = MaskFinding(organ="liver", rule="wrong_side", said="on the left", severity=1.0, holds=True)
MILD = MaskFinding(organ="spleen", rule="pieces", said="in 3 pieces", severity=0.4)
UPSIDE_DOWN = MaskFinding(organ=WHOLE_CT, rule="orientation", said="upside down", severity=1.0)


@pytest.fixture
def project(atlas):
    """Four cases: `a` with findings, `b` with a conflict, `c` with a label that is odd, `d` is excluded."""
    box, other = atlas.box((3, 11), (3, 11), (3, 11)), atlas.box((3, 12), (3, 11), (3, 11))
    atlas.add("a", "b", "d")
    atlas.add("c", original={"spleen": box})
    for case_id in "abcd":
        atlas.predict(case_id, {"liver": box, "spleen": box})
    atlas.find("a", SEVERE, MILD, UPSIDE_DOWN)
    atlas.label("c", {"spleen": box}, MILD)
    atlas.hand_in("b", "liver", box)
    atlas.hand_in("b", "liver", other, reader="reader-2", conflicts_with=1)
    atlas.workspace.store.cases.exclude("d", "cut at the dome")
    tasks = [
        Task(round_number=1, case_id=case_id, organ="pancreas", rank=1, attention_ml=1.0) for case_id in "ab"
    ]
    (first, _) = atlas.workspace.store.tasks.replace(1, tasks)
    atlas.workspace.store.leases.claim(pool_of(1), "reader-1", 1, timedelta(days=14))
    atlas.workspace.store.tasks.set_state([first.number], TaskState.CLAIMED)
    left_out = {"tasks": 12, "minutes": 340.0}
    write_json(queue_path(atlas.workspace), {"budget_minutes": 60.0, "left_out": left_out})
    return atlas


@pytest.fixture
def told(omentum, project):
    """Function: what `status --json` says."""
    return lambda: json.loads(omentum("-C", project.workspace.folder.root, "status", "--json").out)


def test_programs_get_every_finding_conflict_holder_and_case_that_is_out(told):
    status = told()
    found = {(one["case"], one["organ"], one["rule"], one["source"]) for one in status["findings"]}
    assert found == {
        ("a", "whole_ct", "orientation", "ct"),
        ("a", "liver", "wrong_side", "predicted"),
        ("a", "spleen", "pieces", "predicted"),
        ("c", "spleen", "pieces", "original"),
    }
    (held,) = status["held"]
    assert held["command"] == "omentum review confirm --rule wrong_side --cases a --organs liver"
    (conflict,) = status["conflicts"]
    assert (conflict["case"], conflict["organ"], conflict["revision"], conflict["contradicts"]) == (
        "b",
        "liver",
        2,
        1,
    )
    assert conflict["command"] == "omentum review adjudicate b liver --revision 2"
    assert status["excluded"] == [{"case": "d", "why": "cut at the dome"}]
    assert [(one["holder"], one["tasks"]) for one in status["holders"]] == [("reader-1", 1)]
    assert status["left_out_by_budget"] == {"tasks": 12, "minutes": 340.0, "budget_minutes": 60.0}
    assert status["label_findings"] == {"c": ["spleen: in 3 pieces"]}
    counts = [
        status[name] for name in ("cases", "cases_excluded", "predicted", "tasks_claimed", "tasks_queued")
    ]
    assert counts == [3, 1, 3, 1, 1]
    assert status["waiting"][-1]["what"] == "1 mask in conflict with another"


def test_people_get_a_line_with_the_command_for_each(omentum, project):
    out = omentum("-C", project.workspace.folder.root, "status").out
    for line in (
        "a: whole CT: upside down; where that is right, omentum review confirm --rule orientation --cases a",
        "held back: liver of a (predicted): on the left; where that is right, omentum review confirm",
        "spleen of a (predicted) stands, and is suspect: in 3 pieces",
        "spleen of c (original) stands, and is suspect: in 3 pieces",
        "in adjudication: liver of b: revision 2 of reader-2 contradicts revision 1;",
        "reader-1 has 1 tasks until ",
        "12 tasks of about 340 min do not fit the budget of 60 min",
        "original labels of 1 cases can hardly be right",
    ):
        assert line in out


def test_of_many_findings_people_get_twenty_lines_and_a_count(omentum, project):
    project.find("a", *(replace(MILD, rule=f"rule {n}") for n in range(24)))
    out = omentum("-C", project.workspace.folder.root, "status").out
    assert out.count("spleen of a (predicted) stands, and is suspect") == 20
    assert "... and 5 more such lines; --json has all" in out


def test_minutes_are_rounded(told, project):
    for number, minutes in enumerate([20 / 9] * 9):
        mask = project.box((3, 11), (3, 11), (3, 12 + number))
        project.hand_in("a", "pancreas", mask, minutes=minutes)
    assert sum([20 / 9] * 9) != 20.0
    assert told()["minutes_in_round"] == 20.0


def test_what_was_confirmed_is_no_finding_any_more(told, project):
    store = project.workspace.store
    sha256 = store.predictions.organ_hashes("synthetic")["a"]["liver"]
    time = store.rounds.current().started
    said = Confirmation(
        case_id="a", organ=WHOLE_CT, rule="orientation", mask_sha256="", by="reader-1", why="", time=time
    )
    of_liver = replace(said, organ="liver", rule="wrong_side", mask_sha256=sha256)
    store.confirmations.add([said, of_liver])
    status = told()
    assert status["held"] == []
    assert {one["rule"] for one in status["findings"]} == {"pieces"}


def test_status_and_the_list_of_organs_open_no_volume_and_hash_no_file(omentum, project, monkeypatch):
    for module, name in ((nib, "load"), (gzip, "open"), (file_hash, "file_sha256")):
        monkeypatch.setattr(module, name, None)
    root = project.workspace.folder.root
    assert omentum("-C", root, "status", "--cases").code == 0
    assert omentum("-C", root, "organs", "list").code == 0


def test_a_project_that_may_only_be_read_is_told_all_the_same(omentum, project, monkeypatch):
    monkeypatch.setattr("omentum.project.project.is_writable", lambda *_: False)
    assert omentum("-C", project.workspace.folder.root, "status").code == 0
