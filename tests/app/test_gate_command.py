"""The verdict on a network, yes or no to it, and back again, on the command line."""

import json

import pytest

from omentum.project.project import opened
from omentum.records import NetworkRecord, TaskState
from omentum.score.stage import score_round


@pytest.fixture
def tuned(atlas):
    """A round whose network was tuned on a liver; nobody is held out. Another task is out with readers."""
    box = atlas.box((3, 11), (3, 11), (3, 11))
    atlas.add("a", "b")
    for case_id in ("a", "b"):
        atlas.predict(case_id, {"liver": box}, unsure={"liver": ~box})
    score_round(atlas.workspace)
    tasks = atlas.workspace.store.tasks
    tasks.set_state([task.number for task in tasks.of_round(1)], TaskState.CLAIMED)
    atlas.hand_in("a", "liver", box)
    record = NetworkRecord(
        name="synthetic-r1", folder=None, weights_sha256="v" * 64, parent="synthetic", round_number=1
    )
    atlas.workspace.store.networks.add(record)
    return atlas.workspace.folder.root


def status_of(omentum, root):
    return json.loads(omentum("-C", root, "status", "--json").out)


def test_a_network_that_was_not_judged_waits_for_that(omentum, tuned):
    assert status_of(omentum, tuned)["next"] == "omentum gate"


def test_the_gate_says_its_verdict_and_status_and_round_say_that_it_waits(omentum, tuned):
    ran = omentum("-C", tuned, "gate")
    assert ran.code == 0
    assert "synthetic-r1: undecided by gate (fewer than 8 held-out patients" in ran.out
    first, readers = status_of(omentum, tuned)["waiting"]
    assert first["who"] == "you"
    assert first["what"].startswith("the verdict on synthetic-r1 (fewer")
    assert first["command"] == "omentum gate --accept, or omentum gate --reject"
    assert (readers["who"], readers["what"]) == ("readers", "1 task")
    ran = omentum("-C", tuned, "round")
    assert ran.code == 0
    assert "waiting for you: the verdict on synthetic-r1" in ran.out
    told = json.loads(omentum("-C", tuned, "round", "--json").out)
    assert [one["who"] for one in told["waiting"]] == ["you", "readers"]


@pytest.mark.parametrize(("option", "network"), [("--accept", "synthetic-r1"), ("--reject", "synthetic")])
def test_a_person_decides_and_the_next_round_begins(omentum, tuned, option, network):
    omentum("-C", tuned, "gate")
    ran = omentum("-C", tuned, "gate", option, "--by", "reader-2", "--why", "looked at both", "--json")
    assert ran.code == 0
    assert json.loads(ran.out)["by"] == "reader-2"
    status = status_of(omentum, tuned)
    assert (status["round"], status["network"]) == (2, network)
    with opened(tuned) as workspace:
        assert workspace.store.promotions.all()[-1].why == "looked at both"


def test_back_and_forth_with_one_command(omentum, tuned):
    omentum("-C", tuned, "gate")
    omentum("-C", tuned, "gate", "--accept")
    ran = omentum("-C", tuned, "rollback", "--why", "odd spleens")
    assert ran.code == 0
    assert ran.out == (
        "synthetic: rolled back by reader-1 (odd spleens); synthetic is in use again, from round 3 on\n"
    )
    assert status_of(omentum, tuned)["network"] == "synthetic"
    assert (
        json.loads(omentum("-C", tuned, "rollback", "synthetic-r1", "--json").out)["outcome"] == "rolled back"
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("gate", "--accept"), "synthetic-r1 does not wait for a person; run `omentum gate` first"),
        (("gate", "--accept", "--reject"), "a verdict is one of the two"),
        (("round", "--accept"), "say `omentum gate --accept`"),
        (("rollback", "nobody"), "this project has no network 'nobody'"),
        (("rollback",), "first network of this project"),
        (("tune", "--replay", "1.5"), "replay_share is 1.5, but it must be less than or equal to 1"),
        (("tune", "--replay-by", "chance"), "it must be one of importance, random, none"),
        (("tune", "--mode", "full", "--replay", "0.1"), "it goes with --mode continual"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(omentum, tuned, arguments, why):
    ran = omentum("-C", tuned, *arguments)
    assert ran.code == 2
    assert why in ran.err
    assert len(ran.err.splitlines()) == 1


def test_without_a_network_there_is_nothing_to_judge(omentum, atlas):
    ran = omentum("-C", atlas.workspace.folder.root, "gate", "--accept")
    assert (ran.code, "no verdict waits in round 1" in ran.err) == (2, True)
    ran = omentum("-C", atlas.workspace.folder.root, "gate")
    assert ran.code == 2
    assert "no network was tuned in round 1 yet; run `omentum tune` first" in ran.err


def test_before_any_revision_tuning_says_what_is_missing(omentum, home, cohort, tmp_path):
    omentum("init", tmp_path / "atlas", "--network", "tiny")
    omentum("-C", tmp_path / "atlas", "add", cohort / "phantom_0000")
    ran = omentum("-C", tmp_path / "atlas", "tune")
    assert ran.code == 2
    assert "round 1 has no revision to tune on" in ran.err
