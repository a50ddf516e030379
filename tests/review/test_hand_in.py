"""What stands after people handed in, disagreed, decided and confirmed."""

import numpy as np
import pytest

from omentum.errors import ReviewError
from omentum.records import WHOLE_CT, DecisionKind, MaskFinding, MaskSource, ReaderAnswer, TaskKind
from omentum.review.claimed_tasks import give_back
from omentum.review.claims import claim
from omentum.review.decide import adjudicate, comment, confirm, prefer, restore
from omentum.review.hand_in import HandIn, HandInResult, accept, hand_in
from omentum.review.history import history
from omentum.review.tasks import TaskFilter, assign, request, skip


@pytest.fixture
def project(queued):
    return queued.workspace


@pytest.fixture
def further(liver) -> np.ndarray:
    """Another correction of the liver."""
    mask = liver.copy()
    mask[:, :, 2] = False
    return mask


def stands(queued, case_id="a", name="liver"):
    """Give the source and number of what stands of an organ, and of what is held back."""
    (one,) = (one for one in queued.workspace.standing() if one.case.case_id == case_id)
    return [
        (mask.source.value, mask.revision.number if mask.revision else None)
        for masks in (one.masks, one.held)
        for mask in masks
        if mask.organ == name
    ]


def state(queued, number) -> str:
    return queued.workspace.store.tasks.get(number).state.value


def handed_in(project, one: HandIn) -> HandInResult:
    (result,) = hand_in(project, [one])
    return result


def of_liver(mask, reader, **fields) -> HandIn:
    return HandIn(case_id="a", organ="liver", mask=mask, reader=reader, **fields)


def test_a_claimed_task_is_handed_in_measured_and_done(queued, project, liver, drawn):
    (task,) = claim(project, "anna", 1)
    assert task.shown_sha256 == queued.workspace.store.predictions.hashes_of("a", "synthetic")["liver"]
    result = handed_in(project, of_liver(drawn, "anna", task_number=task.number, comment="segment 6"))
    assert (result.stands, result.why_not, result.is_known) == (True, "", False)
    assert state(queued, task.number) == "done"
    again = handed_in(project, of_liver(drawn, "anna", task_number=task.number))
    assert (again.is_known, again.revision) == (True, result.revision)
    assert [one.key for one in claim(project, "anna", 3)] == [("a", "spleen"), ("b", "spleen")]


def test_accepting_a_task_says_that_the_mask_is_right_as_it_is(queued, project):
    (task,) = claim(project, "anna", 1)
    result = accept(project, task.number, "anna", minutes=1.0)
    assert (result.revision.says, result.revision.dice_to_base, result.stands) == (
        ReaderAnswer.ACCEPTED,
        1.0,
        True,
    )
    with pytest.raises(ReviewError, match="no task 99"):
        accept(project, 99, "anna")


def test_a_hand_in_on_an_older_base_is_a_conflict_until_somebody_decides(queued, project, drawn, further):
    (task,) = claim(project, "anna", 1)
    number = task.number
    first = handed_in(project, of_liver(drawn, "anna", task_number=number))
    second = handed_in(project, of_liver(further, "bert", task_number=number))
    assert second.revision.conflicts_with == first.revision.number
    assert not second.stands
    assert "omentum review adjudicate a liver" in second.why_not
    assert stands(queued) == [("revised", first.revision.number)]
    assert state(queued, number) == "in adjudication"
    adjudicate(project, "a", "liver", second.revision.number, by="chief", why="the tip is liver")
    assert stands(queued) == [("revised", second.revision.number)]
    assert state(queued, number) == "done"
    told = history(project, "a", "liver")
    assert (told.stands, told.why) == (MaskSource.REVISED, "chief decided it (adjudicate): the tip is liver")
    assert [one.what for one in told.events].count("revision") == 2
    assert [one.revision_number for one in told.events if one.stands] == [second.revision.number]
    with pytest.raises(ReviewError, match=r"no revision 99; there are: 1 of anna, 2 of bert"):
        adjudicate(project, "a", "liver", 99)


def test_the_last_word_of_who_saw_the_other_mask_stands(queued, project, drawn, further):
    first = handed_in(project, of_liver(drawn, "anna"))
    base = first.revision.sha256
    second = handed_in(project, of_liver(further, "bert", base_sha256=base))
    assert second.stands
    assert (second.revision.base_source, second.revision.conflicts_with) == (MaskSource.REVISED, None)
    restore(project, "a", "liver", first.revision.number)
    assert stands(queued) == [("revised", 1)]
    restore(project, "a", "liver", MaskSource.PREDICTED)
    assert [source for source, _ in stands(queued)] == ["predicted"]
    with pytest.raises(ReviewError, match="no original mask"):
        restore(project, "a", "liver", MaskSource.ORIGINAL)


def test_blinded_readings_are_done_when_all_are_in_and_agree(queued, project, drawn, further):
    task = request(project, "c", "liver", n_readings=2, why="for the study")
    assert task.kind is TaskKind.REQUESTED
    only = TaskFilter(case_ids=("c",))
    for reader in ("anna", "bert"):
        assert [one.number for one in claim(project, reader, only=only)] == [task.number]
    assert claim(project, "chris", only=only) == []
    one = HandIn(case_id="c", organ="liver", mask=drawn, reader="anna", task_number=task.number)
    handed_in(project, one)
    assert state(queued, task.number) == "submitted"
    other = HandIn(case_id="c", organ="liver", mask=further, reader="bert", task_number=task.number)
    assert handed_in(project, other).revision.conflicts_with == 1
    assert state(queued, task.number) == "in adjudication"


def test_an_original_label_stands_until_a_person_prefers_the_revision(atlas, liver, drawn):
    atlas.add("a", original={"liver": liver})
    atlas.predict("a", {"liver": ~liver})
    project = atlas.workspace
    task = request(project, "a", "liver")
    assert [one.number for one in claim(project, "anna", 1)] == [task.number]
    result = handed_in(project, of_liver(drawn, "anna", task_number=task.number))
    assert result.revision.base_source is MaskSource.ORIGINAL
    assert not result.stands
    assert "omentum review prefer a liver" in result.why_not
    assert stands(atlas)[0][0] == "original"
    decision = prefer(project, "a", "liver")
    assert (decision.kind, decision.revision_number) == (DecisionKind.PREFER, 1)
    assert prefer(project, "a", "liver") == decision
    assert stands(atlas) == [("revised", 1)]
    restore(project, "a", "liver", MaskSource.ORIGINAL)
    assert stands(atlas)[0][0] == "original"
    decided = handed_in(project, of_liver(drawn, "chief", decides=True))
    assert decided.stands
    assert stands(atlas) == [("revised", decided.revision.number)]


def test_a_mask_that_can_hardly_be_right_is_held_back_until_a_person_confirms_it(queued, project, liver):
    (task,) = claim(project, "anna", 1)
    tiny = np.zeros_like(liver)
    tiny[10:12, 10:12, 10:12] = True
    result = handed_in(project, of_liver(tiny, "anna", task_number=task.number))
    assert not result.stands
    (held,) = (one for one in result.revision.findings if one.holds)
    assert f"omentum review confirm --rule {held.rule} --cases a" in result.why_not
    assert state(queued, task.number) == "submitted"
    with pytest.raises(ReviewError, match="no mask in b has an open finding"):
        confirm(project, held.rule, ["b"], organs=["liver"])
    (said,) = confirm(project, held.rule, ["a"], organs=["liver"], by="chief")
    assert (said.organ, said.mask_sha256) == ("liver", result.revision.sha256)
    assert state(queued, task.number) == "done"
    assert stands(queued) == [("revised", 1)]


def test_kidneys_that_were_mixed_up_are_held_back(atlas):
    left, right = atlas.box((15, 20), (4, 10), (5, 13)), atlas.box((4, 9), (4, 10), (5, 13))
    liver = atlas.box((3, 14), (10, 18), (3, 17))
    atlas.add("a")
    atlas.predict("a", {"liver": liver})
    swapped = [
        HandIn(case_id="a", organ=name, mask=mask, reader="anna")
        for name, mask in (("kidney_left", right), ("kidney_right", left))
    ]
    assert [one.stands for one in hand_in(atlas.workspace, swapped)] == [False, False]
    assert [one.stands for one in hand_in(atlas.workspace, swapped)] == [False, False]


def test_a_finding_about_the_ct_is_answered_by_confirming_it(queued, project):
    said = MaskFinding(organ=WHOLE_CT, rule="orientation", said="upside down", severity=1.0)
    queued.find("b", said)
    task = request(project, "b", WHOLE_CT)
    confirm(project, "orientation", ["b"], why="situs inversus")
    assert state(queued, task.number) == "done"
    with pytest.raises(ReviewError, match="whole CT"):
        accept(project, task.number, "anna")


def test_tasks_are_assigned_skipped_and_given_back(queued, project):
    assign(project, "bert", TaskFilter(organ="spleen"))
    (task,) = claim(project, "anna")
    assert task.organ == "liver"
    assert give_back(project, [task.number], "anna") == [task.number]
    assert give_back(project, [task.number], "anna") == []
    skip(project, [task.number], "no contrast")
    assert [one.organ for one in claim(project, "bert")] == ["spleen", "spleen"]
    with pytest.raises(ReviewError, match="--why"):
        skip(project, [task.number], " ")
    with pytest.raises(ReviewError, match="no open task"):
        assign(project, "anna", TaskFilter(organ="liver"))


def test_no_reading_is_preferred_unnamed_while_readings_disagree(queued, project, drawn, further):
    handed_in(project, of_liver(drawn, "anna"))
    handed_in(project, of_liver(further, "bert"))
    with pytest.raises(ReviewError, match="disagree: 1 of anna, 2 of bert"):
        prefer(project, "a", "liver")
    assert prefer(project, "a", "liver", number=2).revision_number == 2
    assert prefer(project, "a", "liver").revision_number == 2


def test_comments_stay_with_a_revision(queued, project, drawn):
    number = handed_in(project, of_liver(drawn, "anna", comment="done in a hurry")).revision.number
    assert comment(project, number, "looks right", by="bert").comment == "done in a hurry\nbert: looks right"
    with pytest.raises(ReviewError, match="no revision 99"):
        comment(project, 99, "x")


def test_what_cannot_be_handed_in_is_refused(queued, project, drawn):
    (task,) = claim(project, "anna", 1)
    wrong = HandIn(case_id="b", organ="liver", mask=drawn, reader="anna", task_number=task.number)
    with pytest.raises(ReviewError, match="that is of liver in a"):
        handed_in(project, wrong)
    with pytest.raises(ReviewError, match="each of another organ"):
        hand_in(queued.workspace, [of_liver(drawn, "anna"), of_liver(drawn, "bert")])
    queued.workspace.store.cases.exclude("c", "no contrast")
    with pytest.raises(ReviewError, match="excluded"):
        request(project, "c", "liver")
