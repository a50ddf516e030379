"""Rules for readers, and decisions about tasks that two of them read, from the command line."""

import json

import pytest

from omentum.project.project import opened
from omentum.records import Task
from omentum.review.hand_in import HandIn, hand_in


@pytest.fixture
def liver(atlas):
    return atlas.box((3, 19), (3, 17), (2, 17))


@pytest.fixture
def project(atlas, liver):
    """The folder of a project whose first task, the liver of `a`, is read by two."""
    atlas.add("a", "b")
    for case_id in ("a", "b"):
        atlas.predict(case_id, {"liver": liver})
    queue = [
        Task(round_number=1, case_id=case_id, organ="liver", rank=rank, attention_ml=1.0, n_readings=3 - rank)
        for rank, case_id in enumerate(("a", "b"), start=1)
    ]
    atlas.workspace.store.tasks.replace(1, queue)
    return atlas.workspace.folder.root


@pytest.fixture
def disagreeing(project, liver):
    smaller = liver.copy()
    smaller[:, :, 16] = False
    with opened(project) as one:
        for name, mask in (("anna", smaller), ("ben", liver)):
            hand_in(one, [HandIn(case_id="a", organ="liver", mask=mask, reader=name, task_number=1)])
    return project


def test_rules_are_made_listed_and_removed(omentum, project):
    def run(*words):
        return omentum("-C", project, "review", *words)

    assert "rule 1: tasks of liver for anna" in run("assign", "--reader", "anna", "--organ", "liver").out
    made = json.loads(run("assign", "--reader", "ben", "--share", "0.3", "--json").out)
    assert made == {"rule": 2, "reader": "ben", "organ": None, "share": 0.3}
    listed = json.loads(run("assignments", "--json").out)
    assert [(one["rule"], one["reader"]) for one in listed] == [(1, "anna"), (2, "ben")]
    with opened(project) as one:
        assert {slot.reserved_for for slot in one.store.leases.slots("tasks 1")} == {"anna", None}
    assert run("unassign", "2").code == 0
    assert run("unassign", "2").code == 2
    for words in (("--reader", "anna"), ("--share", "0.5"), ("anna", "--reader", "ben", "--share", "0.1")):
        assert run("assign", *words).code == 2


def test_a_task_is_decided_by_what_its_readings_share(omentum, disagreeing):
    said = omentum(
        "-C", disagreeing, "review", "adjudicate", "1", "--stands", "common", "--by", "dora", "--json"
    )
    told = json.loads(said.out)
    assert (told["decision"], told["revision"], told["by"]) == ("adjudicate", 3, "dora")
    listed = json.loads(omentum("-C", disagreeing, "review", "list", "--json").out)
    assert [one["state"] for one in listed] == ["done", "queued"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("1",), 2),
        (("1", "--stands", "revision:9"), 2),
        (("a", "--stands", "common"), 2),
        (("a", "liver", "--stands", "common"), 2),
        (("2", "--stands", "common"), 2),
        (("1", "--stands", "revision:1"), 0),
    ],
)
def test_what_cannot_be_decided_is_refused(omentum, disagreeing, words, code):
    assert omentum("-C", disagreeing, "review", "adjudicate", *words).code == code


def test_evaluate_and_status_tell_how_far_readers_agree(omentum, disagreeing):
    told = json.loads(omentum("-C", disagreeing, "evaluate", "--json").out)
    assert [(one["readers"], one["organ"], one["n_tasks"]) for one in told["readers"]] == [
        (["anna", "ben"], "liver", 1), (["anna", "ben"], "all organs", 1),
    ]  # fmt: skip
    assert 0.9 < told["readers"][0]["dice"] < 1.0
    assert "readers of the same tasks" in omentum("-C", disagreeing, "evaluate").out
