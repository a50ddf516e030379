"""The review from the command line: tasks out, masks in, decisions, and what programs read of it."""

import json
import shutil

import numpy as np
import pytest

from omentum.app.say_imported import say_imported
from omentum.project.project import opened
from omentum.records import MaskFinding, Task
from omentum.review.hand_in import HandInResult
from omentum.review.import_report import ImportReport, TakenMask
from omentum.volumes.nifti import read_nifti


@pytest.fixture
def liver(atlas):
    return atlas.box((3, 19), (3, 17), (2, 17))


@pytest.fixture
def project(atlas, liver):
    """The folder of a project with the livers of `a` and `b` in its queue."""
    atlas.add("a", "b")
    for case_id in ("a", "b"):
        atlas.predict(case_id, {"liver": liver})
    queue = [
        Task(round_number=1, case_id=case_id, organ="liver", rank=rank, attention_ml=1.0)
        for rank, case_id in enumerate(("a", "b"), start=1)
    ]
    atlas.workspace.store.tasks.replace(1, queue)
    return atlas.workspace.folder.root


@pytest.fixture
def smaller(liver):
    mask = liver.copy()
    mask[:, :, 16] = False
    return mask


def test_an_adjudicators_word_stands_over_those_of_readers(atlas, omentum, project, tmp_path, liver, smaller):
    assert omentum("-C", project, "review", "export", tmp_path / "t", "--top", "1").code == 0
    for reader, mask in (("A", smaller), ("B", liver)):
        folder = tmp_path / reader
        shutil.copytree(tmp_path / "t", folder)
        atlas.revise(folder, "a", "liver", mask)
        done = omentum("-C", project, "review", "import", folder, "--reader", reader, "--json")
        assert done.code == 0
        told = json.loads(done.out)
    (row,) = told["taken"]
    assert (row["case"], row["organ"], row["says"], row["reader"]) == ("a", "liver", "accepted", "B")
    assert (row["added (mL)"], row["removed (mL)"], row["Dice to before"]) == (0.0, 0.0, 1.0)
    assert (row["round"], row["network"], row["task"], row["stands"]) == (1, "synthetic", 1, False)
    assert told["conflicts"] == [
        {"case": "a", "organ": "liver", "revision": 2, "reader": "B", "conflicts_with": 1}
    ]
    said = omentum("-C", project, "review", "list", "--json")
    assert [one["state"] for one in json.loads(said.out)] == ["in adjudication", "queued"]
    done = omentum(
        "-C", project, "review", "import", tmp_path / "B", "--reader", "chief", "--adjudicate", "--json"
    )
    assert json.loads(done.out)["taken"][0]["stands"] is True
    (one,) = (one for one in atlas.workspace.standing() if one.case.case_id == "a")
    (mask,) = (mask for mask in one.masks if mask.organ == "liver")
    assert mask.revision.reader == "chief"
    np.testing.assert_array_equal(read_nifti(mask.path).voxels > 0, liver)
    told = json.loads(omentum("-C", project, "review", "history", "a", "liver", "--json").out)
    assert (told["stands"], told["why"]) == ("revised", "chief decided it (adjudicate)")
    assert omentum("-C", project, "review", "adjudicate", "a", "liver", "--revision", "1").code == 0
    assert "revision 1" in omentum("-C", project, "review", "history", "a", "liver").out


def test_what_cannot_be_taken_is_told_with_exit_code_1_and_the_rest_is_taken(
    atlas, omentum, project, tmp_path, smaller
):
    folder = tmp_path / "t"
    assert omentum("-C", project, "review", "export", folder, "--reader", "anna", "--days", "2").code == 0
    assert omentum("-C", project, "review", "import", folder).code == 0, "nothing was saved yet"
    atlas.revise(folder, "a", "liver", smaller)
    atlas.write(folder / "b" / "livre_revised.nii.gz", smaller)
    done = omentum("-C", project, "review", "import", folder, "--minutes", "4")
    assert done.code == 1
    assert "1 mask taken" in done.out
    assert "b/livre_revised.nii.gz was set aside: no organ is called 'livre'; did you mean liver?" in done.err
    with opened(project, looking=True) as workspace:
        assert [one.reader for one in workspace.store.revisions.all()] == ["anna"]
    (folder / "b" / "livre_revised.nii.gz").unlink()
    again = omentum("-C", project, "review", "import", folder)
    assert (again.code, "1 mask handed in before" in again.out) == (0, True)
    assert omentum("-C", project, "review", "import", tmp_path / "nowhere").code == 2


def test_a_late_folder_and_a_conflict_of_an_earlier_round_are_counted_and_listed(
    atlas, omentum, project, tmp_path, liver, smaller
):
    assert omentum("-C", project, "review", "export", tmp_path / "t", "--reader", "anna").code == 0
    atlas.revise(shutil.copytree(tmp_path / "t", tmp_path / "A"), "a", "liver", smaller)
    assert omentum("-C", project, "review", "import", tmp_path / "A", "--reader", "A").code == 0
    atlas.next_round("synthetic-r1")
    smallest = smaller.copy()
    smallest[:, :, 15] = False
    atlas.revise(shutil.copytree(tmp_path / "t", tmp_path / "B"), "a", "liver", smallest)
    late = omentum("-C", project, "review", "import", tmp_path / "B", "--reader", "B")
    assert "liver of a does not stand: conflicts with revision 1 of A" in late.err
    tasks = json.loads(omentum("-C", project, "review", "list", "--json").out)
    assert [(one["round"], one["case"], one["state"]) for one in tasks] == [
        (1, "a", "in adjudication"),
        (1, "b", "claimed"),
    ]
    status = json.loads(omentum("-C", project, "status", "--json").out)
    assert (status["tasks_in_adjudication"], status["tasks_claimed"], status["round"]) == (1, 1, 2)
    assert "in adjudication: liver of a" in omentum("-C", project, "status").out
    assert omentum("-C", project, "review", "adjudicate", "a", "liver", "--revision", "2").code == 0
    assert json.loads(omentum("-C", project, "status", "--json").out)["tasks_in_adjudication"] == 0


def test_readings_that_disagree_without_any_task_are_put_to_adjudication(
    atlas, omentum, project, tmp_path, liver, smaller
):
    for reader, mask in (("A", smaller), ("B", liver)):
        atlas.revise(tmp_path / reader, "a", "liver", mask)
        assert omentum("-C", project, "review", "import", tmp_path / reader, "--reader", reader).code == 0
    tasks = json.loads(omentum("-C", project, "review", "list", "--json").out)
    assert [one["state"] for one in tasks] == ["done", "queued", "in adjudication"]
    assert (tasks[-1]["case"], tasks[-1]["organ"]) == ("a", "liver")
    assert omentum("-C", project, "review", "adjudicate", "a", "liver", "--revision", "2").code == 0
    tasks = json.loads(omentum("-C", project, "review", "list", "--json").out)
    assert [one["state"] for one in tasks] == ["done", "queued", "done"]


def test_a_revision_of_an_original_label_is_told_as_not_standing_until_it_is_preferred(
    atlas, omentum, project, tmp_path, liver, smaller
):
    atlas.add("c", original={"liver": liver})
    atlas.revise(tmp_path / "t", "c", "liver", smaller)
    done = omentum("-C", project, "review", "import", tmp_path / "t")
    assert done.code == 0
    assert "liver of c does not stand: the original label stands" in done.err
    assert "revision 1 of liver in c stands" in omentum("-C", project, "review", "prefer", "c", "liver").out
    back = omentum("-C", project, "review", "prefer", "c", "liver", "--original")
    assert "the original label of liver in c stands" in back.out
    restored = omentum("-C", project, "review", "restore", "c", "liver", "--revision", "1")
    assert "revision 1 of liver in c stands" in restored.out


def test_a_mask_that_is_held_back_is_told_and_confirmed(atlas, omentum, project, tmp_path, liver):
    tiny = np.zeros_like(liver)
    tiny[10:12, 10:12, 10:12] = True
    atlas.revise(tmp_path / "t", "a", "liver", tiny)
    done = omentum("-C", project, "review", "import", tmp_path / "t")
    assert "liver of a does not stand: held back (too small" in done.err
    rule = "extreme_volume"
    assert f"omentum review confirm --rule {rule} --cases a" in done.err
    said = omentum("-C", project, "review", "confirm", "--rule", rule, "--cases", "a,b", "--json")
    assert json.loads(said.out) == [{"case": "a", "organ": "liver", "rule": rule, "by": "owner"}]
    assert omentum("-C", project, "review", "confirm", "--rule", rule, "--cases", "a").code == 2


def test_a_finding_that_holds_nothing_back_is_told_as_a_mask_comes_in(
    atlas, project, tmp_path, smaller, capsys
):
    assert project
    mild = MaskFinding(organ="liver", rule="pieces", said="in 3 pieces", severity=0.4)
    revision = atlas.hand_in("a", "liver", smaller, findings=(mild,))
    taken = TakenMask(file="a/liver_revised.nii.gz", result=HandInResult(revision=revision))
    say_imported(ImportReport(folder=tmp_path, taken=[taken]), tmp_path)
    assert "liver of a: in 3 pieces" in capsys.readouterr().err


def test_programs_get_json_of_each_command_that_changes_something(omentum, project, tmp_path):
    def run(*words):
        done = omentum("-C", project, "review", *words, "--json")
        assert done.code == 0, done.err
        return json.loads(done.out)

    assert run("assign", "anna", "--case", "b") == {
        "reader": "anna",
        "tasks": [{"task": 2, "case": "b", "organ": "liver", "state": "queued"}],
    }
    assert omentum("-C", project, "review", "export", tmp_path / "t", "--reader", "anna").code == 0
    accepted = run("accept", "1", "--reader", "anna")
    assert (accepted["task"], accepted["revision"], accepted["stands"]) == (1, 1, True)
    assert run("give-back", "--reader", "anna") == {"holder": "anna", "tasks": [2]}
    assert run("skip", "2", "--why", "no contrast") == {"tasks": [2], "why": "no contrast"}
    asked = run("request", "a", "spleen", "--readings", "2")
    assert (asked["task"], asked["state"], asked["readings"]) == (3, "queued", 2)
    assert run("comment", "1", "right", "--by", "bert")["comment"] == "bert: right"
    for words, stands, revision in (
        (("adjudicate", "a", "liver", "--revision", "1"), "revised", 1),
        (("restore", "a", "liver", "--predicted"), "predicted", None),
        (("prefer", "a", "liver", "--revision", "1"), "revised", 1),
    ):
        told = run(*words)
        assert (told["decision"], told["stands"], told["revision"]) == (words[0], stands, revision)


def test_who_has_what_can_be_seen_and_changed(omentum, project, tmp_path):
    assert omentum("-C", project, "review", "assign", "bert", "--case", "b").code == 0
    assert omentum("-C", project, "review", "export", tmp_path / "1", "--reader", "anna").code == 0
    assert sorted(path.name for path in (tmp_path / "1").iterdir()) == ["a"]
    (row,) = json.loads(omentum("-C", project, "review", "list", "--reader", "anna", "--json").out)
    assert (row["case"], row["state"], row["holder"]) == ("a", "claimed", "anna")
    assert row["until"]
    taken = omentum("-C", project, "review", "export", tmp_path / "2", "--reader", "chris")
    assert taken.code == 2
    assert "anna" in taken.err
    assert "1 task free" in omentum("-C", project, "review", "give-back", "--reader", "anna").out
    assert omentum("-C", project, "review", "skip", row["task"], "--why", "no contrast").code == 0
    asked = omentum("-C", project, "review", "request", "a", "liver", "--reader", "chris")
    assert "liver of a, queued" in asked.out
    assert omentum("-C", project, "review", "export", tmp_path / "3", "--reader", "chris").code == 0
    (row,) = json.loads(omentum("-C", project, "review", "list", "--reader", "chris", "--json").out)
    accepted = omentum("-C", project, "review", "accept", row["task"], "--reader", "chris")
    assert "it stands" in accepted.out
    assert omentum("-C", project, "review", "comment", 1, "right").code == 0
    assert omentum("-C", project, "review", "assign", "--anyone").code == 2
    assert omentum("-C", project, "review", "give-back").code == 2
    assert omentum("-C", project, "review", "restore", "a", "liver").code == 2
