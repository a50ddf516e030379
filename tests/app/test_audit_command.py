import json

import pytest

from omentum.project.project import opened
from omentum.score.audit_draw import audit_tasks

CASES = [f"case-{place}" for place in range(6)]


@pytest.fixture
def predicted(atlas):
    """Six cases with three organs each, all predicted; two organs are drawn, and one came back."""
    atlas.add(*CASES)
    for case_id in CASES:
        atlas.predict(case_id, {"liver": atlas.box((3, 15), (3, 15), (3, 15))})
    return atlas


def draw(atlas):
    tasks = audit_tasks(atlas.workspace, [], minutes=2)
    atlas.workspace.store.tasks.replace(1, tasks)
    return tasks


def test_it_says_what_a_bound_takes_and_that_nothing_is_drawn(omentum, predicted):
    root = predicted.workspace.folder.root
    ran = omentum("-C", root, "audit", "--bound", "45%")
    assert ran.code == 0
    assert "a bound of 45.0% takes" in ran.out
    assert "18 organs without a revision, in 6 cases" in ran.out
    assert "no bound: nothing was drawn at random" in ran.out
    assert "is out of reach with one organ a case" in omentum("-C", root, "audit").out


def test_it_says_what_is_drawn_done_and_missing_for_programs(omentum, predicted, tmp_path):
    root, tasks = predicted.workspace.folder.root, draw(predicted)
    first = tasks[0]
    predicted.revise(tmp_path / "t", first.case_id, first.organ, predicted.box((3, 15), (3, 15), (3, 15)))
    assert omentum("-C", root, "review", "import", tmp_path / "t").code == 0
    told = json.loads(omentum("-C", root, "audit", "--json").out)
    assert (told["drawn"], told["done"], told["organs"], told["cases"]) == (2, 1, 18, 6)
    assert told["missing"] == [[tasks[1].case_id, tasks[1].organ]]
    assert (told["bound"], told["tasks_needed"], told["stop"]) == (None, None, False)
    assert (told["readers"], told["missed_at_most"]) == ([], None)
    assert told["bound_by_what_was_seen"] == told["bound"]
    counted = json.loads(omentum("-C", root, "audit", "--count-missing", "--json").out)
    assert 0.5 < counted["bound"] <= 1.0


@pytest.mark.parametrize("bound", ["five", "101%", "-1", "nan", "5%%", "1.5"])
def test_a_bound_that_is_no_share_is_refused(omentum, predicted, bound):
    ran = omentum("-C", predicted.workspace.folder.root, "audit", f"--bound={bound}")
    assert ran.code == 2
    assert "such as 5% or 0.05" in ran.err


def test_status_says_what_the_audit_says(omentum, predicted):
    root = predicted.workspace.folder.root
    status = json.loads(omentum("-C", root, "status", "--json").out)
    assert status["audit"].startswith("no bound: nothing was drawn")


def test_before_anything_is_predicted_it_says_so(omentum, atlas):
    assert "predict first" in omentum("-C", atlas.workspace.folder.root, "audit").out


def test_status_says_when_the_round_may_be_the_last(omentum, predicted, tmp_path):
    root = predicted.workspace.folder.root
    for task in draw(predicted):
        shown = predicted.box((3, 15), (3, 15), (3, 15)) & (task.organ == "liver")
        predicted.revise(tmp_path / "t", task.case_id, task.organ, shown)
    assert omentum("-C", root, "review", "import", tmp_path / "t").code == 0
    toml = root / "omentum.toml"
    toml.write_text(toml.read_text().replace("audit_bound = 0.05", "audit_bound = 0.9"))
    with opened(root):
        pass
    status = json.loads(omentum("-C", root, "status", "--json").out)
    assert "this round may be the last" in status["audit"]
    assert "this round may be the last" in status["next"]
    assert omentum("-C", root, "audit").out.endswith("this round may be the last\n")
