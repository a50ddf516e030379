"""The audit log is shown and verified; releases and reports are its anchors."""

import json
import re
import shutil
import sqlite3
from contextlib import closing

import pytest

from omentum.evaluate.stage import evaluate_round
from omentum.project.case_life import erase_case, exclude_case, rename_case


@pytest.fixture
def project(atlas, hand_in):
    """Two predicted cases, one revised, released as V1 and reported; then another mask comes in."""
    liver = atlas.box((3, 14), (3, 14), (3, 12))
    atlas.add("scan_17", "b")
    for case_id in ("scan_17", "b"):
        atlas.predict(case_id, {"liver": liver})
    hand_in(atlas.workspace, "scan_17", "liver", atlas.box((4, 14), (3, 14), (3, 12)), comment="unlike b")
    return atlas


@pytest.fixture
def run(omentum, project):
    return lambda *words: omentum("-C", project.root / "atlas", *words)


def verified(run, *words):
    """Verify the log; give exit code, and number and kind of the first problem."""
    ran = run("audit-log", "verify", "--json", *words)
    problems = json.loads(ran.out)["problems"]
    return ran.code, (problems[0]["entry"], problems[0]["what"]) if problems else None


def changed(project, *statements):
    with closing(sqlite3.connect(project.root / "atlas/omentum.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_entries_are_shown_for_people_and_for_programs(project, run):
    shown = run("audit-log", "show").out.splitlines()
    told = json.loads(run("audit-log", "show", "--json").out)
    assert [line.split("\t")[0] for line in shown] == [str(one["number"]) for one in told]
    assert [one["action"] for one in told][-1] == "revision"
    assert told[-1]["actor"] == "reader-1"
    (last,) = json.loads(run("audit-log", "show", "--json", "--since", len(told)).out)
    assert last == told[-1]
    assert run("audit-log", "show", "--since", "0").code == 2


def test_a_release_and_a_report_anchor_the_log(project, run, hand_in):
    assert run("assemble", "--version", "V1").code == 0
    evaluate_round(project.workspace, project.workspace.standing())
    manifest = json.loads((project.root / "atlas/releases/V1/manifest.json").read_text())
    report = (project.root / "atlas/rounds/1/report.html").read_text()
    found = re.search(r'name="omentum-audit-log" content="(\d+) ([0-9a-f]{64})"', report)
    log = {one.number: one.sha256 for one in project.workspace.store.log.entries()}
    assert log[manifest["audit_log"]["entries"]] == manifest["audit_log"]["sha256"]
    assert log[int(found[1])] == found[2]
    places = [one.place for one in project.workspace.store.log.anchors()]
    assert places == ["release V1", "the report of round 1"]
    hand_in(project.workspace, "b", "liver", project.box((4, 14), (3, 14), (3, 12)))
    assert verified(run) == (0, None)
    assert "4 anchors: all as it was written" in run("audit-log", "verify").out
    assert run("release", "verify", "V1").code == 0


def test_a_log_that_was_cut_short_contradicts_a_release_elsewhere(project, run, tmp_path):
    assert run("assemble", "--version", "V1").code == 0
    published = shutil.copytree(project.root / "atlas/releases/V1", tmp_path / "published")
    last = project.workspace.store.log.last().number
    changed(
        project,
        f"DELETE FROM log_entries WHERE number >= {last - 1}",
        "DELETE FROM log_anchors",
        "DELETE FROM revisions",
    )
    project.workspace.folder.releases_dir.rename(tmp_path / "gone")
    changed(project, "DELETE FROM releases")
    assert verified(run) == (0, None)
    assert verified(run, "--release", published) == (1, (last - 1, "anchor ahead of log"))
    said = run("audit-log", "verify", "--release", published)
    assert "the first place that is wrong: entry" in said.out


def test_a_folder_that_is_no_release_is_refused(run, tmp_path):
    ran = run("audit-log", "verify", "--release", tmp_path)
    assert ran.code == 2
    assert "manifest.json" in ran.err


def test_an_erased_case_leaves_no_name_in_the_log_and_the_log_verifies(project, run):
    workspace = project.workspace
    exclude_case(workspace, "b", "it moved")
    rename_case(workspace, "scan_17", "scan_18")
    assert run("assemble", "--version", "V1").code == 0
    erased = erase_case(workspace, "scan_18", why="consent was withdrawn", by="chief")
    text = run("audit-log", "show").out
    assert not re.search(r"scan_1[78]|consent|it moved", text)
    last = json.loads(run("audit-log", "show", "--json").out)[-1]
    assert (last["actor"], last["action"]) == ("chief", "erased")
    assert last["about"]["case"] == erased.tombstone.pseudonym
    assert verified(run) == (0, None)


def test_a_changed_setting_is_logged_once(project, run):
    path = project.root / "atlas/omentum.toml"
    path.write_text(path.read_text().replace("audit_bound = 0.05", "audit_bound = 0.2"))
    for _ in range(2):
        assert run("score").code in (0, 2)
    told = [one for one in json.loads(run("audit-log", "show", "--json").out) if one["action"] == "settings"]
    assert [one["about"]["settings"]["audit_bound"] for one in told] == ["0.05", "0.2"]
    assert "database" not in told[-1]["about"]["settings"]


def test_a_log_can_be_verified_without_the_right_to_write(project, run, monkeypatch):
    monkeypatch.setattr("omentum.project.project.is_writable", lambda *_: False)
    assert verified(run) == (0, None)
