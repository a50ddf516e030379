"""The commands on cases, as people and programs use them."""

import json

import pytest

from omentum.app import case_commands
from omentum.records import Task
from omentum.volumes.labels import organ


@pytest.fixture
def project(atlas):
    """The folder of a project with three cases, one of them in the queue."""
    atlas.add("a", "b", "c", original={"liver": atlas.box((4, 12), (4, 12), (4, 12))})
    atlas.predict("a", {"liver": atlas.box((4, 12), (4, 12), (4, 12))})
    task = Task(round_number=1, case_id="a", organ="liver", rank=1, attention_ml=1.0)
    atlas.workspace.store.tasks.replace(1, [task])
    return atlas.workspace.folder.root


def listed(omentum, project):
    ran = omentum("-C", project, "cases", "list", "--json")
    assert (ran.code, ran.err) == (0, "")
    return json.loads(ran.out)


def test_cases_are_excluded_and_included_and_listed_with_their_state(omentum, project):
    ran = omentum("-C", project, "cases", "exclude", "a", "--why", "motion")
    assert (ran.code, ran.out) == (0, "a takes no part from now on: motion; 1 task skipped\n")
    (first, *others) = listed(omentum, project)["cases"]
    assert (first["case"], first["state"], first["excluded_why"]) == ("a", "excluded", "motion")
    assert (first["predicted_by"], first["original_organs"]) == (["synthetic"], ["liver"])
    assert {one["state"] for one in others} == {"in"}
    told = omentum("-C", project, "cases", "list").out
    assert "a is excluded: motion" in told
    assert "24 x 20 x 18" in told
    ran = omentum("-C", project, "cases", "include", "a", "--json")
    assert json.loads(ran.out) == {"case": "a", "tasks": [1]}
    assert listed(omentum, project)["cases"][0]["state"] == "in"


def test_a_case_that_is_not_there_or_a_missing_reason_is_refused_in_a_sentence(omentum, project):
    for arguments, why in (
        (("exclude", "nobody", "--why", "motion"), "nobody"),
        (("exclude", "a", "--why", ""), "say why"),
        (("include", "nobody"), "nobody"),
        (("rename", "a", "b"), "choose another"),
        (("rename", "a", "../b"), "names a folder"),
        (("erase", "a", "--why", "consent withdrawn"), "say --yes"),
        (("erase", "nobody", "--why", "consent withdrawn", "--yes"), "nobody"),
    ):
        ran = omentum("-C", project, "cases", *arguments)
        assert (ran.code, len(ran.err.strip().splitlines())) == (2, 1), arguments
        assert why in ran.err
    assert len(listed(omentum, project)["cases"]) == 3


def test_a_case_gets_another_version_of_its_label(omentum, project, atlas):
    voxels = atlas.box((6, 14), (4, 12), (4, 12)).astype("uint8") * organ("spleen").index
    label = atlas.write(project.parent / "corrected.nii.gz", voxels)
    nobody_says = omentum("-C", project, "cases", "relabel", "a", label, "--label-organs", "spleen")
    assert (nobody_says.code, "--label-ids (omentum, " in nobody_says.err) == (2, True)
    words = ("cases", "relabel", "a", label, "--label-organs", "spleen", "--label-ids", "omentum")
    ran = omentum("-C", project, *words)
    assert (ran.code, ran.out.splitlines()[0]) == (0, "a has version 2 of its label now: spleen")
    again = omentum("-C", project, *words, "--json")
    assert json.loads(again.out) == {"case": "a", "is_new": False, "version": None}
    assert listed(omentum, project)["cases"][0]["original_organs"] == ["spleen"]
    assert omentum("-C", project, "cases", "relabel", "a", project / "nothing.nii.gz").code == 2


def test_an_erased_case_is_listed_by_pseudonym_and_what_still_holds_it_is_told(omentum, project):
    (project / "releases" / "V1" / "a").mkdir(parents=True)
    assert omentum("-C", project, "cases", "rename", "b", "d").code == 0
    ran = omentum("-C", project, "cases", "erase", "a", "--why", "consent withdrawn", "--yes")
    assert ran.code == 0
    assert "releases that still hold it: V1" in ran.out
    found = listed(omentum, project)
    assert [(one["case"], one["former_names"]) for one in found["cases"]] == [("c", []), ("d", ["b"])]
    (erased,) = found["erased"]
    assert (erased["why"], erased["releases"]) == ("consent withdrawn", ["V1"])
    assert erased["pseudonym"].startswith("p-")
    assert found["unfinished"] == []
    assert not (project / "cases" / "a").exists()


def test_on_a_terminal_erasing_asks_first(omentum, project, monkeypatch):
    monkeypatch.setattr(case_commands.sys.stdin, "isatty", lambda: True, raising=False)
    answers = iter([False, True])

    def asked(_: str, *, abort: bool) -> None:
        if not next(answers) and abort:
            raise case_commands.typer.Abort

    monkeypatch.setattr(case_commands.typer, "confirm", asked)
    assert omentum("-C", project, "cases", "erase", "a", "--why", "consent withdrawn").code == 1
    assert len(listed(omentum, project)["cases"]) == 3
    assert omentum("-C", project, "cases", "erase", "a", "--why", "consent withdrawn").code == 0
    assert len(listed(omentum, project)["cases"]) == 2
