"""Which mask of an organ stands, rule by rule."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np

from fixtures.revisions import NOON, decision, word
from omentum.project.conflicts import open_conflicts
from omentum.project.standing import (
    CaseFacts,
    standing_case,
    standing_revision,
    unconfirmed,
)
from omentum.records import (
    Case,
    Confirmation,
    LabelVersion,
    MaskFinding,
    MaskSource,
    Prediction,
)
from omentum.volumes.geometry import Geometry

PREDICTED, REVISED, ORIGINAL = MaskSource.PREDICTED, MaskSource.REVISED, MaskSource.ORIGINAL
CASE = Case(
    case_id="a",
    patient_id="a",
    ct_path=Path("ct.nii.gz"),
    geometry=Geometry((8, 8, 8), np.eye(4)),
    source="a",
    original_label_path=Path("original_label.nii.gz"),
    original_organs=("spleen",),
)
LABEL = LabelVersion(
    case_id="a", path=Path("original_label.nii.gz"), sha256="0d", organs=("spleen",), time=NOON
)
PREDICTION = Prediction(
    case_id="a",
    network="starter",
    weights_sha256="w",
    folder=Path("starter"),
    organs=("spleen", "liver", "aorta"),
    masks_sha256="4d",
)


def finding(organ="liver", sha256="", *, holds=True):
    return MaskFinding(
        organ=organ, rule="side", said="on the left", severity=1.0, holds=holds, mask_sha256=sha256
    )


def facts_of(*revisions, decisions=(), **changes):
    plain = {"case": CASE, "label": LABEL, "prediction": PREDICTION}
    return CaseFacts(**{**plain, **changes}, revisions=revisions, decisions=tuple(decisions))


def sources(facts):
    return {mask.organ: mask.source for mask in standing_case(facts).masks}


def stands(facts, organ="liver"):
    (mask,) = (mask for mask in standing_case(facts).masks if mask.organ == organ)
    return mask


def test_an_original_label_beats_what_was_revised_which_beats_what_was_predicted():
    facts = facts_of(word(1, "f1"), word(2, "f2", organ="spleen"))
    assert sources(facts) == {"aorta": PREDICTED, "liver": REVISED, "spleen": ORIGINAL}
    assert sources(facts_of(prediction=None)) == {"spleen": ORIGINAL}


def test_masks_come_in_the_order_in_which_they_are_painted_with_their_files_and_hashes():
    drawn = word(1, "f1")
    masks = standing_case(facts_of(drawn)).masks
    assert [(mask.organ, mask.path.name, mask.sha256) for mask in masks] == [
        ("aorta", "masks.nii.gz", "4d"),
        ("liver", "f1.nii.gz", "f1"),
        ("spleen", "original_label.nii.gz", "0d"),
    ]
    assert [mask.revision for mask in masks] == [None, drawn, None]


def test_a_revision_of_an_original_label_is_named_beside_it_and_stands_once_a_person_prefers_it():
    beside = word(1, "f1", organ="spleen")
    facts = facts_of(beside)
    assert (stands(facts, "spleen").source, stands(facts, "spleen").revision) == (ORIGINAL, beside)
    preferred = replace(facts, decisions=(decision(1, organ="spleen"),))
    assert stands(preferred, "spleen").sha256 == "f1"
    back = replace(facts, decisions=(*preferred.decisions, decision(stands=ORIGINAL, organ="spleen")))
    assert stands(back, "spleen").sha256 == "0d"


def test_the_last_word_counts_by_when_it_was_handed_in():
    first, second = word(1, "f1"), word(2, "f2", base="f1", time=NOON - timedelta(days=1))
    assert standing_revision([first, second], []) == second
    assert standing_revision([], []) is None


def test_a_conflict_is_no_word_and_waits_for_a_decision():
    first, late = word(1, "f1"), word(2, "f2", "ben", conflicts_with=1)
    assert standing_revision([first, late], []) == first
    assert open_conflicts([first, late], []) == [late]
    decided = [decision(2)]
    assert standing_revision([first, late], decided) == late
    assert open_conflicts([first, late], decided) == []
    again = word(200, "f3", "carl", conflicts_with=2)
    assert open_conflicts([first, late, again], decided) == [again]


def test_a_decision_beats_later_words_until_the_next_decision():
    first, second, third = word(1, "f1"), word(2, "f2", base="f1"), word(3, "f3", base="f2")
    assert standing_revision([first, second, third], [decision(1)]) == first
    assert standing_revision([first, second, third], [decision(1), decision(2)]) == second
    predicted_again = facts_of(first, decisions=[decision(stands=PREDICTED)])
    assert stands(predicted_again).source is PREDICTED


def test_a_decision_for_a_source_that_is_gone_leaves_the_order_of_sources():
    facts = facts_of(word(1, "f1"), decisions=[decision(stands=ORIGINAL)])
    assert stands(facts).source is REVISED
    erased = facts_of(decisions=[decision(7)])
    assert stands(erased).source is PREDICTED


def test_a_severe_finding_holds_a_mask_back_and_nothing_takes_its_place():
    drawn = word(1, "f1", findings=(finding(sha256="f1"), finding("aorta")))
    labelled = standing_case(facts_of(drawn))
    assert "liver" not in {mask.organ for mask in labelled.masks}
    (held,) = labelled.held
    assert (held.organ, held.source, held.revision) == ("liver", REVISED, drawn)
    assert held.findings == (finding(sha256="f1"),)


def test_a_mask_is_held_back_whoever_made_it():
    facts = facts_of(
        prediction=replace(PREDICTION, findings=(finding("aorta", "11"), finding("spleen", "12"))),
        label=replace(LABEL, findings=(finding("spleen", "13"),)),
    )
    assert {(held.organ, held.source) for held in standing_case(facts).held} == {
        ("aorta", PREDICTED),
        ("spleen", ORIGINAL),
    }
    assert sources(facts) == {"liver": PREDICTED}


def test_a_finding_that_is_not_severe_is_told_with_the_mask_that_stands():
    mild = finding("aorta", "11", holds=False)
    assert stands(facts_of(prediction=replace(PREDICTION, findings=(mild,))), "aorta").findings == (mild,)


def test_what_a_person_confirmed_stands_again_as_long_as_it_is_the_same_mask():
    confirmed = Confirmation(
        case_id="a", organ="liver", rule="side", mask_sha256="f1", by="chief", why="situs inversus", time=NOON
    )
    drawn = word(1, "f1", findings=(finding(sha256="f1"),))
    assert stands(facts_of(drawn, confirmations=(confirmed,))).findings == ()
    later = word(2, "f2", base="f1", findings=(finding(sha256="f2"),))
    assert [
        held.revision for held in standing_case(facts_of(drawn, later, confirmations=(confirmed,))).held
    ] == [later]
    assert unconfirmed([finding(sha256="f1"), finding(sha256="f2")], [confirmed]) == (finding(sha256="f2"),)
