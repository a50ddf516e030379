"""`omentum plan`: from shipped figures outside of a project, from a project's own inside."""

import json

import pytest

from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings
from omentum.records import NetworkRecord
from omentum.volumes.atomic import write_json


@pytest.fixture
def planned(omentum, tmp_path, monkeypatch):
    """Function: plan in an empty folder; give the object for programs."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        ran = omentum("plan", *arguments, "--json")
        assert ran.code == 0, ran.err
        return json.loads(ran.out)

    return run


def test_outside_of_a_project_shipped_figures_answer_and_say_so(planned):
    plan = planned("--cases", "8448", "--workers", "4")
    predict, score = plan["stages"]
    assert (predict["stage"], predict["network"], predict["device"]) == ("predict", "starter", "cpu")
    assert "measured elsewhere" in predict["source"]
    assert "benchmarks/starter_speed.py" in predict["source"]
    slowest = max(one["mean"] for one in predict["seconds"].values())
    assert predict["hours"] == pytest.approx(8448 * slowest / 4 / 3600)
    assert plan["hours"] == pytest.approx(predict["hours"] + score["hours"])
    assert plan["published"]["us_cents_a_case"] == pytest.approx(0.8, abs=0.005)


def test_gpus_without_a_figure_of_one_are_bounded_by_processors(planned, omentum):
    plan = planned("--cases", "100", "--gpus", "4", "--price-gpu-hour", "2.5", "--price-gb-month", "0.02")
    assert plan["stages"][0]["is_at_most"] is True
    assert plan["asked"]["n_workers"] == 4, "one process a GPU"
    assert plan["compute_price"] == pytest.approx(2.5 * plan["gpu_hours"])
    assert plan["month_price"] == pytest.approx(0.02 * plan["gb_kept"])
    said = omentum("plan", "--cases", "100", "--gpus", "4", "--price-gpu-hour", "2.5", "--currency", "CHF")
    assert "No figure of a GPU is known" in said.out
    assert "x 2.5 CHF = " in said.out


def test_sizes_that_are_not_known_are_named(planned):
    plan = planned("--cases", "10", "--network", "universal-unet")
    assert {one["kind"] for one in plan["unmeasured"]} == {"masks", "probabilities"}


def test_readers_are_planned_if_asked(planned, omentum):
    assert planned("--cases", "100")["reader_hours"] is None
    assert planned("--cases", "500", "--revisit", "400", "--minutes-per-case", "3")["reader_hours"] == 20.0
    assert planned("--cases", "500", "--revisit", "400", "--minutes-per-case", "model")["reader_hours"] > 0
    assert "Readers: 400 cases (as asked) x 3.0 min = 20.0 h." in (
        omentum("plan", "--cases", "500", "--revisit", "400", "--minutes-per-case", "3").out
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--cases is None, but outside of a project, say how many CTs there are"),
        (("--cases", "0"), "--cases is 0"),
        (("--cases", "9", "--keep", "some"), "--keep is 'some'"),
        (
            ("--cases", "9", "--network", "mine"),
            "shipped figures are of starter, starter-second, universal-unet",
        ),
        (("--cases", "9", "--minutes-per-case", "few"), "it must be a number of minutes, or `model`"),
        (("--cases", "9", "--price-gpu-hour", "nan"), "--price-gpu-hour is nan"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_a_sentence(omentum, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    ran = omentum("plan", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_folder_that_is_named_and_holds_no_project_is_refused(omentum, tmp_path):
    ran = omentum("-C", tmp_path / "nothing", "plan", "--cases", "9")
    assert ran.code == 2
    assert "holds no project" in ran.err


def test_in_a_project_its_own_figures_answer(omentum, atlas):
    atlas.add("a", "b", "c")
    for case_id, total in (("a", 10.0), ("b", 20.0), ("c", 60.0)):
        liver = atlas.box((2, 9), (2, 9), (2, 9))
        atlas.predict(case_id, {"liver": liver})
        summary = atlas.folder(case_id) / "networks" / "synthetic" / "summary.json"
        seconds = {"read": 1.0, "network": total - 3.0, "write": 2.0, "total": total}
        write_json(summary, {"device": "cpu", "seconds": seconds, "made_with": {}})
    plan = planned_in(omentum, atlas.workspace.folder.root)
    assert plan["asked"]["n_cases"] == 3
    predict = plan["stages"][0]
    assert predict["source"] == "measured in this project, 3 cases"
    compute = predict["seconds"]["compute"]
    assert (compute["mean"], compute["median"], compute["n"]) == (27.0, 17.0, 3)
    assert (compute["low"], compute["high"]) == (9.0, 49.0)
    assert predict["hours"] == pytest.approx(3 * 27 / 3600)
    sizes = {(one["kind"], one["network"]): one["n_bytes"] for one in plan["storage"]}
    assert sizes["CT", ""]["n"] == 3
    assert sizes["masks", "synthetic"]["mean"] > 0


def planned_in(omentum, root, *arguments):
    ran = omentum("-C", root, "plan", *arguments, "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_a_network_that_was_tuned_costs_what_its_parent_does(omentum, atlas):
    atlas.add("a")
    tuned = NetworkRecord(
        name="starter-r1", folder=None, weights_sha256="v" * 64, parent="starter", round_number=1
    )
    atlas.workspace.store.networks.add(tuned)
    plan = planned_in(omentum, atlas.workspace.folder.root, "--network", "starter-r1")
    assert "starter_speed" in plan["stages"][0]["source"]


def test_planning_writes_nothing(omentum, tmp_path):
    root = tmp_path / "atlas"
    begin_project(root, Settings())
    with opened(root):
        pass
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert omentum("-C", root, "plan", "--cases", "9").code == 0
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
