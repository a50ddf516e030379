"""What plausibility rules are sure of is in the queue, whatever the budget."""

from dataclasses import replace

import pytest

from omentum.records import WHOLE_CT, CaseScore, Confirmation, MaskFinding, OrganScore, TaskKind, TaskState
from omentum.score.round_queue import QueueOptions, costs_of, queue_round, read_queue
from omentum.score.stage import score_round
from omentum.score.task_selection import planned, worth_a_look

UPSIDE_DOWN = MaskFinding(organ=WHOLE_CT, rule="orientation", said="upside down", severity=1.0)
SWAPPED = MaskFinding(
    organ="spleen", rule="swapped_sides", said="on the right", severity=1.0, holds=True, error_ml=40.0
)
ODD = MaskFinding(organ="liver", rule="pieces", said="in 3 pieces", severity=0.4, error_ml=6.0)


@pytest.fixture
def box(atlas):
    return atlas.box((3, 11), (3, 11), (3, 11))


@pytest.fixture
def found(atlas, box):
    """Three cases: the spleen of `a` is held back, the CT of `b` is upside down, `c` has an odd label."""
    settings = atlas.workspace.settings.changed(scoring="expected-error", gate_share=0.0)
    atlas.workspace = replace(atlas.workspace, settings=settings)
    atlas.add("a", "b")
    atlas.add("c", original={"liver": box})
    for case_id in ("a", "b", "c"):
        atlas.predict(case_id, {"spleen": box})
    atlas.find("a", SWAPPED)
    atlas.find("b", UPSIDE_DOWN)
    atlas.label("c", {"liver": box}, ODD)
    return atlas


def scores(*error_ml):
    """One case for each error: `a` with the first, and so on."""
    return [
        CaseScore(
            case_id=case_id,
            score=ml,
            organs=(
                OrganScore(
                    organ="pancreas",
                    attention_voxels=1,
                    attention_ml=1.0,
                    priority=1.0,
                    error_ml=ml,
                    spots_ml=(ml,),
                ),
            ),
        )
        for case_id, ml in zip("abc", error_ml, strict=True)
    ]


def queued(atlas, minutes=60.0, errors=(1.0, 1.0, 0.0)):
    options = QueueOptions(strategy="expected-error", budget_minutes=minutes)
    return queue_round(atlas.workspace, scores(*errors), options)


def keys(tasks):
    return [task.key for task in tasks]


def test_a_ct_comes_first_then_what_is_held_back_then_what_is_planned(found):
    ct, held, *others = queued(found)
    assert (ct.key, ct.kind, ct.reason) == (("b", WHOLE_CT), TaskKind.FINDING, "whole CT: upside down")
    assert ct.minutes == 1.0, "to open it, and one look"
    assert (held.key, held.kind, held.error_ml) == (("a", "spleen"), TaskKind.FINDING, 40.0)
    assert held.minutes == pytest.approx(0.5 + 0.5 + 0.3 * 40)
    assert held.reason == "spleen: on the right (held back until confirmed or revised)"
    assert set(keys(others)) == {("a", "pancreas"), ("b", "pancreas"), ("c", "liver")}
    assert {task.kind for task in others} == {TaskKind.ATTENTION}
    (label,) = (task for task in others if task.case_id == "c")
    assert (label.reason, label.error_ml) == ("liver: in 3 pieces", 6.0)


def test_a_task_says_whose_mask_it_shows(found, box):
    revised = found.hand_in("b", "spleen", box, findings=(replace(SWAPPED, severity=0.9),))
    tasks = {task.key: task for task in queued(found)}
    hashes = found.workspace.store.predictions.organ_hashes("synthetic")
    shown = {key: (task.network, task.shown_sha256) for key, task in tasks.items()}
    assert shown == {
        ("b", WHOLE_CT): ("synthetic", None),
        ("a", "spleen"): ("synthetic", hashes["a"]["spleen"]),
        ("b", "spleen"): ("", revised.sha256),
        ("a", "pancreas"): ("synthetic", hashes["a"]["pancreas"]),
        ("b", "pancreas"): ("synthetic", hashes["b"]["pancreas"]),
        ("c", "liver"): ("", None),
    }
    assert tasks["b", "spleen"].reason.startswith("spleen: on the right (revised mask, held back")


def test_findings_are_in_the_queue_beyond_the_budget_and_what_does_not_fit_is_told(found):
    tasks = queued(found, minutes=10.0, errors=(20.0, 1.0, 0.0))
    assert keys(tasks) == [("b", WHOLE_CT), ("a", "spleen")]
    made = read_queue(found.workspace)
    assert made["findings"] == {"tasks": 2, "minutes": pytest.approx(14.0)}
    assert made["left_out"]["tasks"] == 3
    # 20, 1 and 6 mL in three looks; of the three cases only `c` is not opened anyway
    assert made["left_out"]["minutes"] == pytest.approx(0.5 + 3 * 0.5 + 27 * 0.3)
    queued(found, minutes=1e6)
    assert read_queue(found.workspace)["left_out"] == {"tasks": 0, "minutes": 0.0}


def test_what_does_not_fit_is_what_the_planner_would_choose_without_a_budget(found):
    everything = scores(3.0, 2.0, 0.0)
    costs, _ = costs_of(found.workspace)
    endless = planned(everything, costs, float("inf"))
    assert {(one.case_id, one.organ.organ) for one in worth_a_look(everything)} == {
        (one.case_id, one.organ.organ) for one in endless
    }


def test_what_a_person_confirmed_is_no_task(found):
    store = found.workspace.store
    before = keys(queued(found))
    sha256 = store.predictions.organ_hashes("synthetic")["a"]["spleen"]
    for case_id, one, mask in (("a", SWAPPED, sha256), ("b", UPSIDE_DOWN, "")):
        store.confirmations.add(
            [
                Confirmation(
                    case_id=case_id, organ=one.organ, rule=one.rule, mask_sha256=mask, by="reader-1", why="",
                    time=store.rounds.current().started,
                )
            ]
        )  # fmt: skip
    assert set(keys(queued(found))) == set(before) - {("b", WHOLE_CT), ("a", "spleen")}


def test_a_finding_of_an_organ_that_somebody_has_already_keeps_that_task(found, box):
    first = queued(found)
    numbers = {task.key: task.number for task in first}
    found.workspace.store.tasks.set_state([numbers["a", "pancreas"]], TaskState.CLAIMED)
    found.find("a", SWAPPED, replace(SWAPPED, organ="pancreas"))
    tasks = {task.key: task for task in queued(found)}
    assert len(tasks) == len(first)
    again = tasks["a", "pancreas"]
    assert (again.number, again.state, again.kind) == (
        numbers["a", "pancreas"],
        TaskState.CLAIMED,
        TaskKind.ATTENTION,
    )
    assert "held back" in again.reason


def test_with_the_published_scoring_findings_come_first_too(found):
    settings = found.workspace.settings.changed(scoring="published")
    found.workspace = replace(found.workspace, settings=settings)
    found.predict("a", {}, unsure={"liver": found.box((3, 11), (3, 11), (3, 11))})
    found.find("a", SWAPPED)
    score_round(found.workspace)
    tasks = found.workspace.store.tasks.of_round(1)
    assert keys(tasks) == [("b", WHOLE_CT), ("a", "spleen"), ("a", "liver")]
