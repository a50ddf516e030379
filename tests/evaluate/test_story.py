"""What the report opens with: what rounds brought, and what they did not."""

from omentum.evaluate.agreement import OrganAgreement
from omentum.evaluate.report_data import RoundFigures
from omentum.evaluate.story import story_of
from omentum.evaluate.summary import summarised


def of_round(number, *, minutes=None, n_cases_read=0, audit_share=None, **dice):
    rows = [
        OrganAgreement(case_id="a", organ=name, dice=value, surface_dice=value)
        for name, value in dice.items()
    ]
    return RoundFigures(
        number=number,
        network=f"net-r{number}",
        summary=summarised(rows) if rows else None,
        minutes=minutes,
        n_cases_read=n_cases_read,
        audit_share=audit_share,
    )


def test_figures_go_from_the_first_round_that_has_them_to_the_last():
    story = story_of(
        [
            of_round(1, minutes=60.0, n_cases_read=4, liver=0.8, spleen=0.9),
            of_round(2, minutes=30.0, n_cases_read=4, liver=0.85, spleen=0.9, audit_share=0.31),
            of_round(3, liver=0.9, spleen=0.9, audit_share=0.1201),
        ]
    )
    assert story.brought == (
        "Mean Dice rose from 0.850 in round 1 to 0.900 in round 3.",
        "Readers' minutes a CT fell from 15.0 in round 1 to 7.5 in round 2.",
        "By the audit of round 3, at most 12.1 % of the organs without a revision need a major one.",
    )


def test_an_organ_that_did_not_gain_is_named_with_both_numbers():
    story = story_of([of_round(1, liver=0.8, spleen=0.9312), of_round(2, liver=0.81, spleen=0.9304)])
    assert story.not_better == ("Spleen (0.931, then 0.930)",)


def test_a_loss_is_told_as_one():
    story = story_of([of_round(1, liver=0.8), of_round(2, liver=0.79)])
    assert story.brought == ("Mean Dice fell from 0.800 in round 1 to 0.790 in round 2.",)


def test_one_round_alone_has_no_story():
    story = story_of([of_round(1, liver=0.8, minutes=10.0, n_cases_read=2)])
    assert (story.brought, story.not_better) == ((), ())
