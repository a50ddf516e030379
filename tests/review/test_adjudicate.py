"""A person decides between the readings of a task."""

from datetime import UTC, datetime

import numpy as np
import pytest

from omentum.errors import ConfigError, HiddenError, ReviewError
from omentum.records import TaskState
from omentum.records.people import Person, Role
from omentum.review.adjudicate import adjudications, decide_task, readings_of, sources_of
from omentum.review.claims import claim_task
from omentum.review.hand_in import HandIn, hand_in
from omentum.volumes.nifti import read_nifti


def person(name, *roles, is_disabled=False):
    now = datetime.now(UTC)
    return Person(name=name, roles=roles, is_disabled=is_disabled, time=now, sessions_from=now)


@pytest.fixture
def read(queued):
    """Function: `read("anna", mask)` claims the first task and hands a mask in for it."""

    def hand(name, mask, number=1):
        claim_task(queued.workspace, number, name)
        one = HandIn(case_id="a", organ="liver", mask=mask, reader=name, task_number=number)
        return hand_in(queued.workspace, [one])[0]

    return hand


@pytest.fixture
def disagreeing(queued, read, drawn, liver):
    queued.workspace.store.tasks.want_readings(1, 2)
    read("anna", drawn)
    read("ben", liver)
    return queued.workspace


def test_who_read_a_task_decides_only_where_no_other_adjudicator_is_left(disagreeing):
    people = disagreeing.store.people
    people.add(person("anna", Role.ADMIN), by="owner")
    people.add(person("carl", Role.ADJUDICATOR), by="owner")
    with pytest.raises(HiddenError, match=r"anna read task 1.*leave it to carl"):
        decide_task(disagreeing, 1, "common", by="anna")
    people.change(person("carl", Role.ADJUDICATOR, is_disabled=True), by="owner")
    assert decide_task(disagreeing, 1, "common", by="anna").by == "anna"


def test_a_source_that_the_task_has_not_is_refused_with_those_it_has(disagreeing):
    with pytest.raises(ConfigError, match="revision:1, revision:2, common"):
        decide_task(disagreeing, 1, "majority")
    with pytest.raises(ReviewError, match="task 2 is queued"):
        decide_task(disagreeing, 2, "common")


@pytest.mark.parametrize("is_swapped", [False, True])
def test_the_common_part_is_the_same_in_both_orders(queued, read, drawn, liver, is_swapped):
    queued.workspace.store.tasks.want_readings(1, 2)
    masks = [drawn, liver][:: -1 if is_swapped else 1]
    for name, mask in zip(("anna", "ben"), masks, strict=True):
        read(name, mask)
    decision = decide_task(queued.workspace, 1, "common", by="dora")
    made = queued.workspace.store.revisions.get(decision.revision_number)
    assert np.array_equal(read_nifti(made.path).voxels == 1, drawn & liver)
    assert queued.workspace.store.tasks.get(1).state is TaskState.DONE


@pytest.mark.parametrize("is_swapped", [False, True])
def test_readings_above_the_dice_of_the_setting_need_no_decision(queued, read, drawn, liver, is_swapped):
    settings = queued.workspace.settings.model_copy(update={"same_above_dice": 0.9})
    object.__setattr__(queued.workspace, "settings", settings)
    queued.workspace.store.tasks.want_readings(1, 2)
    masks = [drawn, liver][:: -1 if is_swapped else 1]
    read("anna", masks[0])
    assert read("ben", masks[1]).stands
    assert queued.workspace.store.tasks.get(1).state is TaskState.DONE
    assert adjudications(queued.workspace) == []


def test_of_each_reader_the_last_reading_is_compared(disagreeing, read, queued, liver, drawn):
    again = drawn.copy()
    again[10] = False
    hand_in(disagreeing, [HandIn(case_id="a", organ="liver", mask=again, reader="anna", task_number=1)])
    readings = readings_of(disagreeing, disagreeing.store.tasks.get(1))
    assert [(one.label, one.revision.number) for one in readings] == [("A", 2), ("B", 3)]
    assert sources_of(readings) == ("revision:2", "revision:3", "common")


def test_a_reading_that_comes_after_the_decision_waits_for_another_one(queued, read, drawn, liver):
    workspace = queued.workspace
    workspace.store.tasks.want_readings(1, 3)
    claim_task(workspace, 1, "carl")
    read("anna", drawn)
    read("ben", liver)
    assert workspace.store.tasks.get(1).state is TaskState.SUBMITTED
    late = liver.copy()
    late[5] = False
    hand_in(workspace, [HandIn(case_id="a", organ="liver", mask=late, reader="carl", task_number=1)])
    assert workspace.store.tasks.get(1).state is TaskState.IN_ADJUDICATION
    decide_task(workspace, 1, "majority", by="dora")
    assert workspace.store.tasks.get(1).state is TaskState.DONE
    late[6] = False
    hand_in(workspace, [HandIn(case_id="a", organ="liver", mask=late, reader="carl", task_number=1)])
    assert workspace.store.tasks.get(1).state is TaskState.IN_ADJUDICATION


def test_readings_that_came_in_without_a_task_of_two_are_adjudicated_as_well(queued, drawn, liver):
    workspace = queued.workspace
    other = liver.copy()
    other[4] = False
    for name, mask in (("anna", drawn), ("ben", other)):
        hand_in(workspace, [HandIn(case_id="c", organ="liver", mask=mask, reader=name)])
    (waiting,) = adjudications(workspace)
    assert (waiting.task.case_id, waiting.n_readings) == ("c", 2)
    decide_task(workspace, waiting.task.number, "revision:2", by="dora")
    assert adjudications(workspace) == []
