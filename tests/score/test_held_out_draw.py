"""Minutes of the budget are reserved for masks by which networks are judged."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omentum.measures.effort import CostModel
from omentum.records import CaseScore, OrganScore, TaskState
from omentum.records.promotions import LEAST_PATIENTS
from omentum.score.held_out_draw import drawn, held_out_tasks
from omentum.score.round_queue import QueueOptions, queue_path, queue_round

ORGANS = ("spleen", "liver", "pancreas")


def keys(tasks):
    return {(task.case_id, task.organ) for task in tasks}


@pytest.fixture
def kept(atlas):
    """Twelve predicted cases, the first ten held out."""
    ids = [f"c{number:02d}" for number in range(12)]
    box = atlas.box((4, 9), (4, 9), (4, 9))
    atlas.add(*ids)
    for case_id in ids:
        atlas.predict(case_id, {"liver": box})
    atlas.workspace.store.cases.hold_out(ids[:10])
    return atlas


def test_masks_are_asked_for_until_8_patients_have_each_organ(kept):
    tasks = held_out_tasks(kept.workspace, [], CostModel(), 1e6)
    assert len(tasks) == LEAST_PATIENTS * len(ORGANS)
    assert {task.case_id for task in tasks} < {f"c{number:02d}" for number in range(10)}
    assert all(task.is_held_out and task.is_whole and not task.is_audit for task in tasks)
    assert [task.rank for task in tasks] == list(range(1, len(tasks) + 1))
    assert held_out_tasks(kept.workspace, [], CostModel(), 1e6) == tasks


def test_what_came_back_is_not_asked_for_again_and_original_masks_count(kept):
    box = kept.box((4, 9), (4, 9), (4, 9))
    kept.add("labelled", original={"liver": box})
    kept.workspace.store.cases.hold_out(["labelled"])
    kept.hand_in("c00", "spleen", box)
    tasks = held_out_tasks(kept.workspace, [], CostModel(), 1e6)
    n_of = {name: sum(task.organ == name for task in tasks) for name in ORGANS}
    assert n_of == {"spleen": 7, "liver": 7, "pancreas": 8}
    assert ("c00", "spleen") not in keys(tasks)


def test_without_held_out_patients_nothing_is_reserved(kept):
    kept.workspace.store.cases.hold_out([f"c{number:02d}" for number in range(10)], held_out=False)
    assert held_out_tasks(kept.workspace, [], CostModel(), 1e6) == []


def scores_of(workspace):
    organ = OrganScore(
        organ="liver", attention_voxels=1, attention_ml=1.0, priority=1.0, error_ml=4.0, spots_ml=(4.0,)
    )
    scores = [
        CaseScore(case_id=case.case_id, score=1.0, organs=(organ,)) for case in workspace.store.cases.all()
    ]
    workspace.store.scores.replace(1, scores)
    return scores


def claim(workspace, tasks):
    workspace.store.tasks.set_state([task.number for task in tasks], TaskState.CLAIMED)


def queued(atlas, minutes, **settings):
    fitted = atlas.workspace.settings.changed(
        scoring="expected-error",
        **{"audit_share": 0.0, "gate_share": 0.25, **settings},
    )
    workspace = replace(atlas.workspace, settings=fitted)
    options = QueueOptions(strategy="expected-error", budget_minutes=minutes)
    return queue_round(workspace, scores_of(workspace), options)


def test_the_queue_keeps_to_its_budget_with_what_is_reserved(kept):
    tasks = queued(kept, 16.0)
    reserved = [task for task in tasks if task.is_held_out]
    assert sum(task.minutes for task in reserved[:-1]) < 4.0
    assert 4.0 <= sum(task.minutes for task in reserved) < 8.0, "the last may take longer"
    assert sum(task.minutes for task in tasks) <= 16.0
    assert len(keys(tasks)) == len(tasks)
    assert [task.rank for task in tasks] == list(range(1, len(tasks) + 1))
    noted = json.loads(queue_path(kept.workspace).read_text())["held_out"]
    assert noted == {"tasks": len(reserved), "minutes": sum(task.minutes for task in reserved)}


def test_with_an_audit_no_organ_is_in_the_queue_twice(kept):
    tasks = queued(kept, 30.0, audit_share=0.2)
    assert any(task.is_audit for task in tasks)
    assert len(keys(tasks)) == len(tasks)


def test_minutes_that_nobody_needs_for_it_go_to_the_queue(kept):
    kept.workspace.store.cases.hold_out([f"c{number:02d}" for number in range(10)], held_out=False)
    assert sum(task.minutes for task in queued(kept, 16.0)) > 12.0


def test_what_people_have_begun_stays_and_no_more_is_drawn_for_the_same_minutes(kept):
    first = queued(kept, 16.0)
    reserved = keys(task for task in first if task.is_held_out)
    (case_id, organ), *_ = sorted(reserved)
    claim(kept.workspace, first)
    kept.hand_in(case_id, organ, kept.box((4, 9), (4, 9), (4, 9)))
    again = queued(kept, 16.0)
    assert keys(task for task in again if task.is_held_out) == reserved
    states = {(task.case_id, task.organ): task.state for task in again}
    assert states[case_id, organ] is TaskState.DONE


def test_what_is_expected_to_be_mended_is_paid_for(kept):
    scores = scores_of(kept.workspace)
    found = held_out_tasks(kept.workspace, scores, CostModel(), 1e6)
    costs = {task.organ: set() for task in found}
    for task in found:
        costs[task.organ].add(round(task.minutes, 6))
    assert costs["liver"] <= {1.7, 2.2}, "a look, 4 mL, and perhaps the opening of the case"
    assert costs["spleen"] <= {0.5, 1.0}


def test_a_mask_with_much_to_mend_is_not_passed_over_for_one_with_little():
    ids = [f"c{number:02d}" for number in range(10)]
    free = drawn(
        {one: ["liver"] for one in ids}, dict(zip(ids, ids, strict=True)), {"liver": 8}, 1e6, lambda *_: 1.0
    )
    first, second, *_ = free
    dear = {first[0]: 50.0}
    found = drawn(
        {one: ["liver"] for one in ids},
        dict(zip(ids, ids, strict=True)),
        {"liver": 8},
        10.0,
        lambda case_id, *_: dear.get(case_id, 1.0),
    )
    assert found == {first: 50.0}
    assert second not in found


cases = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3), st.lists(st.sampled_from(ORGANS), unique=True)
)


@given(cases, st.dictionaries(st.sampled_from(ORGANS), st.integers(0, 9)), st.floats(0, 20))
def test_what_is_drawn_is_lacking_within_the_minutes_and_once_a_patient(open_organs, lacking, minutes):
    patient_of = {case_id: case_id[0] for case_id in open_organs}
    found = drawn(open_organs, patient_of, lacking, minutes, lambda *_: 0.75)
    assert sum(list(found.values())[:-1]) <= minutes
    for name in ORGANS:
        patients = [patient_of[case_id] for case_id, organ in found if organ == name]
        assert len(patients) == len(set(patients)) <= lacking.get(name, 0)
    backwards = dict(reversed(open_organs.items()))
    assert drawn(backwards, patient_of, lacking, minutes, lambda *_: 0.75) == found
