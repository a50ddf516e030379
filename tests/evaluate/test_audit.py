from dataclasses import replace
from datetime import UTC, datetime

import pytest

from omentum.evaluate.audit import audit_plan, audit_result, is_major
from omentum.project.case_life import erase_case, exclude_case
from omentum.records import Audit, Decision, DecisionKind, MaskSource, ReaderAnswer, Revision

CASES = [f"case-{place:02d}" for place in range(20)]


@pytest.fixture
def audited(atlas):
    """Twenty cases with three organs each; the liver of ten was drawn at random."""
    atlas.add(*CASES)
    for case_id in CASES:
        atlas.predict(case_id, {})
    atlas.workspace.store.audits.keep(
        Audit(
            round_number=1,
            network="synthetic",
            weights_sha256="w" * 64,
            seed=1,
            frame=dict.fromkeys(CASES, ("liver", "pancreas", "spleen")),
            n_cases_drawn=10,
            drawn=tuple((case_id, "liver") for case_id in CASES[:10]),
            time=datetime.now(UTC),
        )
    )
    return atlas


def revision(case_id: str, dice: float | None, **changes) -> Revision:
    plain = Revision(
        case_id=case_id,
        organ="liver",
        path=f"{case_id}.nii.gz",
        sha256=case_id,
        round_number=1,
        reader="reader-1",
        says=ReaderAnswer.REVISED,
        minutes=1.0,
        added_ml=0.0,
        removed_ml=0.0,
        dice_to_base=dice,
        network="synthetic",
        time=datetime.now(UTC),
    )
    return replace(plain, **changes)


@pytest.fixture
def come_back(audited, tmp_path):
    """Notes revisions, by case, with these agreements with what was shown."""

    def note(dices: dict[str, float | None], **changes):
        for case_id, dice in dices.items():
            path = tmp_path / f"{case_id}.nii.gz"
            audited.workspace.store.revisions.add(revision(case_id, dice, path=path, **changes))

    return note


def test_each_organ_has_its_own_threshold_of_a_major_revision():
    assert is_major(revision("a", 0.88))
    assert not is_major(revision("a", 0.93))
    for organ in ("pancreas", "gall_bladder"):
        assert not is_major(revision("a", 0.85, organ=organ))
        assert is_major(revision("a", 0.6, organ=organ))


def test_an_organ_drawn_where_none_was_shown_is_major_and_one_empty_on_both_sides_is_clean():
    assert is_major(revision("a", 0.0))
    assert not is_major(revision("a", None))


def test_where_the_mask_that_was_shown_is_gone_whatever_was_not_accepted_is_major():
    gone = {"added_ml": None, "removed_ml": None}
    assert is_major(revision("a", None, **gone))
    assert is_major(revision("a", None, **gone, says=ReaderAnswer.ABSENT))
    assert not is_major(revision("a", None, **gone, says=ReaderAnswer.ACCEPTED))


def test_the_bound_is_stated_once_all_have_come_back(audited, come_back):
    come_back(dict.fromkeys(CASES[:10], 0.97))
    result = audit_result(audited.workspace, 1)
    assert (result.n_drawn, result.n_done, result.major, result.missing) == (10, 10, (), ())
    assert result.share == pytest.approx(14 / 60, abs=0.02)
    assert result.statement.startswith("with 95 % confidence at most ")
    assert "of the 60 organs without a revision still need a major one" in result.statement
    assert "as predicted by synthetic (0 of 10 drawn at random did; major errors" in result.statement


def test_major_revisions_widen_the_bound(audited, come_back):
    come_back({**dict.fromkeys(CASES[:8], 0.97), CASES[8]: 0.5, CASES[9]: None})
    result = audit_result(audited.workspace, 1)
    assert result.major == ((CASES[8], "liver"),)
    assert result.share > 0.3


def test_of_several_masks_of_one_organ_the_last_counts(audited, come_back):
    come_back(dict.fromkeys(CASES[:10], 0.5))
    come_back(dict.fromkeys(CASES[:10], 0.97), sha256="second")
    assert audit_result(audited.workspace, 1).major == ()


def test_what_contradicts_another_mask_or_began_from_a_readers_does_not_count(audited, come_back):
    come_back(dict.fromkeys(CASES[:10], 0.97))
    come_back({CASES[0]: 0.5}, conflicts_with=1, sha256="other")
    come_back({CASES[1]: 0.5}, base_source=MaskSource.REVISED, sha256="other")
    assert audit_result(audited.workspace, 1).major == ()
    decided = Decision(
        case_id=CASES[0],
        organ="liver",
        kind=DecisionKind.ADJUDICATE,
        revision_number=11,
        by="reader-2",
        time=datetime.now(UTC),
    )
    audited.workspace.store.decisions.add(decided)
    assert audit_result(audited.workspace, 1).major == ((CASES[0], "liver"),)


def test_what_comes_back_late_counts_for_the_round_of_its_task(audited, come_back):
    come_back(dict.fromkeys(CASES[:9], 0.97))
    audited.next_round("synthetic-r1")
    assert audit_result(audited.workspace, 1).share is None
    come_back({CASES[9]: 0.97})
    assert audit_result(audited.workspace, 1).share is not None


def test_while_one_is_missing_there_is_no_bound_and_it_is_named(audited, come_back):
    come_back(dict.fromkeys(CASES[:9], 0.97))
    result = audit_result(audited.workspace, 1)
    assert result.share is None
    assert result.missing == ((CASES[9], "liver"),)
    assert result.statement.startswith(
        "no bound: 1 of 10 organs drawn at random have not come back (liver of case-09)"
    )


def test_what_is_missing_can_be_counted_as_wrong_which_widens_the_bound(audited, come_back):
    come_back(dict.fromkeys(CASES[:9], 0.97))
    counted = audit_result(audited.workspace, 1, count_missing=True)
    come_back({CASES[9]: 0.1})
    assert counted.share == audit_result(audited.workspace, 1).share
    assert "1 that have not come back count as if they did" in counted.statement


def test_a_revision_of_another_round_or_of_another_networks_mask_does_not_count(audited, come_back):
    come_back(dict.fromkeys(CASES[:10], 0.97), network="other")
    assert audit_result(audited.workspace, 1).n_done == 0


def test_other_weights_since_void_the_audit(audited, come_back):
    come_back(dict.fromkeys(CASES[:10], 0.97))
    audited.predict(CASES[15], {}, weights="v" * 64)
    result = audit_result(audited.workspace, 1)
    assert result.share is None
    assert "1 cases (case-15) are not predicted any more by the weights of synthetic" in result.statement


def test_a_tuned_network_needs_an_audit_of_its_own(audited, come_back):
    come_back(dict.fromkeys(CASES[:10], 0.97))
    audited.next_round("synthetic-r1")
    result = audit_result(audited.workspace, 2)
    assert result.share is None
    assert "nothing was drawn at random from the predictions of synthetic-r1" in result.statement
    assert "that of round 1 is about synthetic" in result.statement
    assert audit_result(audited.workspace, 1).share is not None


def test_the_plan_says_what_a_bound_takes_or_what_is_within_reach(audited):
    plan = audit_plan(audited.workspace, 0.3)
    assert (plan.n_organs, plan.n_cases) == (60, 20)
    assert 0 < plan.n_tasks <= 20
    far = audit_plan(audited.workspace, 0.01)
    assert far.n_tasks is None
    assert 0.1 < far.least_share < 0.3


def test_before_anything_is_predicted_there_is_nothing_to_plan(atlas):
    plan = audit_plan(atlas.workspace, 0.05)
    assert (plan.n_organs, plan.n_tasks, plan.least_share) == (0, None, None)


def test_what_was_drawn_of_a_case_that_is_excluded_or_erased_counts_as_wrong(audited, come_back):
    come_back(dict.fromkeys(CASES[:7], 0.97))
    three_missing = audit_result(audited.workspace, 1, count_missing=True)
    exclude_case(audited.workspace, CASES[7], "motion")
    exclude_case(audited.workspace, CASES[15], "motion")
    erase_case(audited.workspace, CASES[8], why="consent withdrawn", by="reader-1")
    come_back({CASES[9]: 0.97})
    result = audit_result(audited.workspace, 1)
    assert (len(result.gone), result.missing, result.n_done) == (2, (), 8)
    assert 14 / 60 < result.share < three_missing.share
    assert "(0 of 10 drawn at random did, as do 2 of cases that were excluded or erased; " in result.statement
