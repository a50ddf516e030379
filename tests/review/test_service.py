"""What stands after people handed in, disagreed, decided and confirmed."""

import numpy as np
import pytest

from omentum.errors import ReviewError
from omentum.records import WHOLE_CT, DecisionKind, MaskFinding, MaskSource, Says, TaskKind
from omentum.review.claims import Asked
from omentum.review.hand_in import HandIn, submit
from omentum.review.service import ReviewService


@pytest.fixture
def service(queued) -> ReviewService:
    return ReviewService(queued.workspace)


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


def of_liver(mask, reader, **fields) -> HandIn:
    return HandIn(case_id="a", organ="liver", mask=mask, reader=reader, **fields)


def test_a_claimed_task_is_handed_in_measured_and_done(queued, service, liver, drawn):
    (claim,) = service.claim("anna", 1)
    assert claim.task.shown_sha256 == queued.workspace.store.predictions.hashes_of("a", "made-up")["liver"]
    result = service.submit(of_liver(drawn, "anna", task_number=claim.task.number, comment="segment 6"))
    assert (result.stands, result.why_not, result.is_known) == (True, "", False)
    assert state(queued, claim.task.number) == "done"
    again = service.submit(of_liver(drawn, "anna", task_number=claim.task.number))
    assert (again.is_known, again.revision) == (True, result.revision)
    assert [one.task.key for one in service.claim("anna", 3)] == [("a", "spleen"), ("b", "spleen")]


def test_accepting_a_task_says_that_the_mask_is_right_as_it_is(queued, service):
    (claim,) = service.claim("anna", 1)
    result = service.accept(claim.task.number, "anna", minutes=1.0)
    assert (result.revision.says, result.revision.dice_to_base, result.stands) == (Says.ACCEPTED, 1.0, True)
    with pytest.raises(ReviewError, match="no task 99"):
        service.accept(99, "anna")


def test_a_hand_in_on_an_older_base_is_a_conflict_until_somebody_decides(queued, service, drawn, further):
    (claim,) = service.claim("anna", 1)
    number = claim.task.number
    first = service.submit(of_liver(drawn, "anna", task_number=number))
    second = service.submit(of_liver(further, "bert", task_number=number))
    assert second.revision.conflicts_with == first.revision.number
    assert not second.stands
    assert "omentum review adjudicate a liver" in second.why_not
    assert stands(queued) == [("revised", first.revision.number)]
    assert state(queued, number) == "in adjudication"
    service.adjudicate("a", "liver", second.revision.number, by="chief", why="the tip is liver")
    assert stands(queued) == [("revised", second.revision.number)]
    assert state(queued, number) == "done"
    told = service.history("a", "liver")
    assert (told.stands, told.why) == (MaskSource.REVISED, "chief decided it (adjudicate): the tip is liver")
    assert [one.what for one in told.events].count("revision") == 2
    assert [one.revision_number for one in told.events if one.stands] == [second.revision.number]
    with pytest.raises(ReviewError, match=r"no revision 99; there are: 1 of anna, 2 of bert"):
        service.adjudicate("a", "liver", 99)


def test_the_last_word_of_who_saw_the_other_mask_stands(queued, service, drawn, further):
    first = service.submit(of_liver(drawn, "anna"))
    base = first.revision.sha256
    second = service.submit(of_liver(further, "bert", base_sha256=base))
    assert second.stands
    assert (second.revision.base_source, second.revision.conflicts_with) == (MaskSource.REVISED, None)
    service.restore("a", "liver", first.revision.number)
    assert stands(queued) == [("revised", 1)]
    service.restore("a", "liver", MaskSource.PREDICTED)
    assert [source for source, _ in stands(queued)] == ["predicted"]
    with pytest.raises(ReviewError, match="no original mask"):
        service.restore("a", "liver", MaskSource.ORIGINAL)


def test_blinded_readings_are_done_when_all_are_in_and_agree(queued, service, drawn, further):
    task = service.request("c", "liver", n_readings=2, why="for the study")
    assert task.kind is TaskKind.REQUESTED
    asked = Asked(case_ids=("c",))
    for reader in ("anna", "bert"):
        (claim,) = service.claim(reader, asked=asked)
        assert claim.task.number == task.number
    assert service.claim("chris", asked=asked) == []
    one = HandIn(case_id="c", organ="liver", mask=drawn, reader="anna", task_number=task.number)
    service.submit(one)
    assert state(queued, task.number) == "submitted"
    other = HandIn(case_id="c", organ="liver", mask=further, reader="bert", task_number=task.number)
    assert service.submit(other).revision.conflicts_with == 1
    assert state(queued, task.number) == "in adjudication"


def test_an_original_label_stands_until_a_person_prefers_the_revision(atlas, liver, drawn):
    atlas.add("a", original={"liver": liver})
    atlas.predict("a", {"liver": ~liver})
    service = ReviewService(atlas.workspace)
    task = service.request("a", "liver")
    (claim,) = service.claim("anna", 1)
    assert claim.task.number == task.number
    result = service.submit(of_liver(drawn, "anna", task_number=task.number))
    assert result.revision.base_source is MaskSource.ORIGINAL
    assert not result.stands
    assert "omentum review prefer a liver" in result.why_not
    assert stands(atlas)[0][0] == "original"
    decision = service.prefer("a", "liver")
    assert (decision.kind, decision.revision_number) == (DecisionKind.PREFER, 1)
    assert service.prefer("a", "liver") == decision
    assert stands(atlas) == [("revised", 1)]
    service.restore("a", "liver", MaskSource.ORIGINAL)
    assert stands(atlas)[0][0] == "original"
    decided = service.submit(of_liver(drawn, "chief", decides=True))
    assert decided.stands
    assert stands(atlas) == [("revised", decided.revision.number)]


def test_a_mask_that_can_hardly_be_right_is_held_back_until_a_person_confirms_it(queued, service, liver):
    (claim,) = service.claim("anna", 1)
    tiny = np.zeros_like(liver)
    tiny[10:12, 10:12, 10:12] = True
    result = service.submit(of_liver(tiny, "anna", task_number=claim.task.number))
    assert not result.stands
    (held,) = (one for one in result.revision.findings if one.holds)
    assert f"omentum review confirm --rule {held.rule} --cases a" in result.why_not
    assert state(queued, claim.task.number) == "submitted"
    with pytest.raises(ReviewError, match="no mask in b has an open finding"):
        service.confirm(held.rule, ["b"], organs=["liver"])
    (said,) = service.confirm(held.rule, ["a"], organs=["liver"], by="chief")
    assert (said.organ, said.mask_sha256) == ("liver", result.revision.sha256)
    assert state(queued, claim.task.number) == "done"
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
    assert [one.stands for one in submit(atlas.workspace, swapped)] == [False, False]
    assert [one.stands for one in submit(atlas.workspace, swapped)] == [False, False]


def test_a_finding_about_the_ct_is_answered_by_confirming_it(queued, service):
    said = MaskFinding(organ=WHOLE_CT, rule="orientation", said="upside down", severity=1.0)
    queued.find("b", said)
    task = service.request("b", WHOLE_CT)
    service.confirm("orientation", ["b"], why="situs inversus")
    assert state(queued, task.number) == "done"
    with pytest.raises(ReviewError, match="whole CT"):
        service.accept(task.number, "anna")


def test_tasks_are_assigned_skipped_and_given_back(queued, service):
    service.assign("bert", Asked(organ="spleen"))
    (claim,) = service.claim("anna")
    assert claim.task.organ == "liver"
    assert service.give_back([claim.task.number], "anna") == [claim.task.number]
    assert service.give_back([claim.task.number], "anna") == []
    service.skip([claim.task.number], "no contrast")
    assert [one.task.organ for one in service.claim("bert")] == ["spleen", "spleen"]
    with pytest.raises(ReviewError, match="--why"):
        service.skip([claim.task.number], " ")
    with pytest.raises(ReviewError, match="no open task"):
        service.assign("anna", Asked(organ="liver"))


def test_no_reading_is_preferred_unnamed_while_readings_disagree(queued, service, drawn, further):
    service.submit(of_liver(drawn, "anna"))
    service.submit(of_liver(further, "bert"))
    with pytest.raises(ReviewError, match="disagree: 1 of anna, 2 of bert"):
        service.prefer("a", "liver")
    assert service.prefer("a", "liver", number=2).revision_number == 2
    assert service.prefer("a", "liver").revision_number == 2


def test_comments_stay_with_a_revision(queued, service, drawn):
    number = service.submit(of_liver(drawn, "anna", comment="done in a hurry")).revision.number
    assert service.comment(number, "looks right", by="bert").comment == "done in a hurry\nbert: looks right"
    with pytest.raises(ReviewError, match="no revision 99"):
        service.comment(99, "x")


def test_what_cannot_be_handed_in_is_refused(queued, service, drawn):
    (claim,) = service.claim("anna", 1)
    wrong = HandIn(case_id="b", organ="liver", mask=drawn, reader="anna", task_number=claim.task.number)
    with pytest.raises(ReviewError, match="that is of liver in a"):
        service.submit(wrong)
    with pytest.raises(ReviewError, match="each of another organ"):
        submit(queued.workspace, [of_liver(drawn, "anna"), of_liver(drawn, "bert")])
    queued.workspace.store.cases.exclude("c", "no contrast")
    with pytest.raises(ReviewError, match="excluded"):
        service.request("c", "liver")
