"""Scores of a round come out in the order of need."""

from dataclasses import replace

import numpy as np
import pytest

from omentum.errors import ProjectError, UnknownCaseError
from omentum.records import CaseScore, OrganScore
from omentum.store.mentions import Mentions

MADE_FROM = {"recipe": "expected-error", "starter": ["5" * 64, ["liver"]]}


def organ_score(organ, heat):
    return OrganScore(organ=organ, attention_voxels=3_000_000_000, attention_ml=0.1, priority=heat)


def case_score(case_id, score, *organs):
    return CaseScore(
        case_id=case_id, score=score, organs=tuple(organ_score(organ, 2.0 * score) for organ in organs)
    )


def test_cases_come_by_falling_score_and_equals_by_name(busy_store):
    scores = [case_score("b", 1.5, "liver"), case_score("a", 1.5, "spleen"), case_score("c", 9.0)]
    busy_store.scores.replace(1, scores)
    assert busy_store.scores.of_round(1) == [scores[2], scores[1], scores[0]]


def test_organs_keep_the_order_in_which_they_came(busy_store):
    score = case_score("a", 1.0, "pancreas", "aorta", "liver", "colon")
    busy_store.scores.replace(1, [score])
    assert busy_store.scores.of_round(1) == [score]


def test_a_new_score_takes_the_place_of_the_old_one_with_all_its_organs(busy_store):
    busy_store.scores.replace(1, [case_score("a", 1.0, "liver", "spleen"), case_score("b", 2.0, "liver")])
    busy_store.scores.replace(1, [case_score("a", 3.0, "aorta")])
    assert busy_store.scores.of_round(1) == [case_score("a", 3.0, "aorta"), case_score("b", 2.0, "liver")]


def test_rounds_have_scores_of_their_own(busy_store):
    busy_store.scores.replace(1, [case_score("a", 1.0, "liver")])
    busy_store.rounds.finish(1)
    busy_store.rounds.start("starter-r1")
    busy_store.scores.replace(2, [case_score("a", 0.25, "liver")])
    assert busy_store.scores.of_round(1) == [case_score("a", 1.0, "liver")]
    assert busy_store.scores.of_round(2) == [case_score("a", 0.25, "liver")]
    assert busy_store.scores.of_round(3) == []


def test_numbers_may_be_numpys(busy_store):
    organ = OrganScore(
        organ="liver", attention_voxels=np.int64(7), attention_ml=np.float32(0.5), priority=np.float32(0.25)
    )
    busy_store.scores.replace(1, [CaseScore(case_id="a", score=np.float32(0.5), organs=(organ,))])
    (kept,) = busy_store.scores.of_round(1)
    assert (kept.score, kept.organs) == (0.5, (organ,))
    assert type(kept.organs[0].attention_voxels) is int


def test_no_score_is_kept_where_one_is_of_an_unknown_case(busy_store):
    with pytest.raises(UnknownCaseError, match="'z'"):
        busy_store.scores.replace(1, [case_score("a", 1.0), case_score("z", 1.0)])
    assert busy_store.scores.of_round(1) == []


def test_a_round_that_never_was_has_no_scores(busy_store):
    with pytest.raises(ProjectError, match="no round 2"):
        busy_store.scores.replace(2, [case_score("a", 1.0)])


def test_what_is_expected_of_an_organ_is_kept_whole(busy_store):
    organ = OrganScore(
        organ="liver",
        attention_voxels=7,
        attention_ml=1.5,
        priority=3.0,
        predicted_ml=1400.25,
        entropy_ml=np.float32(12.5),
        error_ml=4.25,
        dice_loss=0.01,
        spots_ml=(3.0, np.float64(1.25)),
        reasons=("on the left side",),
    )
    score = CaseScore(case_id="a", score=4.25, organs=(organ,), signature="00ff", made_from=MADE_FROM)
    busy_store.scores.replace(1, [score])
    assert busy_store.scores.of_round(1) == [score]


def test_attention_is_summed_over_cases_that_take_part(each_store):
    assert each_store.scores.attention_ml(1) is None
    each_store.scores.replace(1, [case_score("a", 1.0, "liver", "spleen"), case_score("b", 1.0, "liver")])
    assert each_store.scores.attention_ml(1) == pytest.approx(0.3)
    each_store.cases.exclude("a", "upside down")
    assert each_store.scores.attention_ml(1) == pytest.approx(0.1)
    assert each_store.scores.attention_ml(2) is None


def test_expected_errors_come_by_case_and_organ_where_they_are_estimated(each_store):
    known = replace(organ_score("liver", 1.0), error_ml=2.5)
    scores = [CaseScore(case_id="a", score=1.0, organs=(known, organ_score("spleen", 1.0)))]
    each_store.scores.replace(1, scores)
    assert each_store.scores.errors_ml(1) == {("a", "liver"): 2.5}


def losses_by_key(store, round_number=1):
    cases, organs = ["a", "b", "new"], ["aorta", "liver", "spleen"]
    losses = store.scores.losses(round_number, cases, organs)
    assert losses.shape == (3, 3, 2)
    return {
        (case_id, organ): tuple(losses[row, column].tolist())
        for row, case_id in enumerate(cases)
        for column, organ in enumerate(organs)
        if not np.isnan(losses[row, column]).any()
    }


def test_losses_come_where_both_numbers_are_estimated(each_store):
    organs = [
        replace(organ_score(name, 1.0), error_ml=error_ml, dice_loss=dice_loss)
        for name, error_ml, dice_loss in (("spleen", 0.1, 1 / 3), ("liver", 2.5, None), ("aorta", 0.0, 0.0))
    ]
    scores = [
        CaseScore(case_id="a", score=1.0, organs=tuple(organs)),
        CaseScore(case_id="b", score=1.0, organs=(replace(organs[0], organ="colon"), organs[1])),
    ]
    each_store.scores.replace(1, scores)
    assert losses_by_key(each_store) == {("a", "spleen"): (0.1, 1 / 3), ("a", "aorta"): (0.0, 0.0)}
    assert losses_by_key(each_store, 2) == {}
    assert each_store.scores.losses(1, [], []).shape == (0, 0, 2)


def test_the_state_has_another_name_after_whatever_changes_scores(each_store):
    def names():
        yield each_store.scores.state()
        each_store.scores.replace(1, [case_score("a", 1.0, "liver"), case_score("b", 1.0, "liver")])
        yield each_store.scores.state()
        each_store.case_rows.rename("a", "new")
        yield each_store.scores.state()
        each_store.case_rows.erase("b", Mentions(("b",), "erased"))
        yield each_store.scores.state()
        each_store.scores.replace(1, [case_score("new", 1.0, "liver")])
        yield each_store.scores.state()

    assert len({*names()}) == 5
    with each_store.reading_together():
        seen = each_store.scores.state()
    assert seen == each_store.scores.state()
