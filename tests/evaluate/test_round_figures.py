"""What evaluation measured last is read back as it was, and the rest is counted anew."""

from datetime import UTC, datetime

import pytest

from omentum.evaluate.round_figures import keep_agreement, kept_agreement, round_figures, verdict_of
from omentum.records.promotions import GateOutcome, Promotion


@pytest.fixture
def project(atlas):
    return atlas.workspace


def test_without_an_evaluation_nothing_is_known(project):
    kept = kept_agreement(project, project.store.rounds.all())
    assert (kept.compared_with, kept.summaries) == ("", {})


def test_agreement_is_read_back_as_it_was_kept(project, figures):
    rounds = [figures(1, {"liver": 0.9, "spleen": None}), figures(2), figures(3, {"liver": 0.95})]
    keep_agreement(project.folder.round_dir(1), rounds, "the masks of 2 cases")
    kept = kept_agreement(project, project.store.rounds.all())
    assert kept.compared_with == "the masks of 2 cases"
    assert kept.summaries == {1: rounds[0].summary, 3: rounds[2].summary}


def test_the_evaluation_of_the_latest_round_counts(project, figures):
    for number, dice in ((1, 0.8), (2, 0.9)):
        keep_agreement(project.folder.round_dir(number), [figures(1, {"liver": dice})], "masks")
    project.store.rounds.turn(1, "tuned")
    kept = kept_agreement(project, project.store.rounds.all())
    assert kept.summaries[1].dice == 0.9


def test_a_round_without_scores_or_revisions_has_no_minutes_and_no_attention(project):
    made = round_figures(project, project.store.rounds.current(), None)
    assert (made.minutes, made.attention_ml, made.n_tasks, made.n_revised) == (None, None, None, 0)


def test_the_last_verdict_of_a_round_counts_and_going_back_is_none():
    def said(outcome, number=1):
        return Promotion(
            round_number=number,
            network="tuned",
            instead_of="starter",
            outcome=outcome,
            by="gate",
            why="",
            time=datetime.now(UTC),
        )

    undecided, promoted = said(GateOutcome.UNDECIDED), said(GateOutcome.PROMOTED)
    told = [undecided, promoted, said(GateOutcome.ROLLED_BACK), said(GateOutcome.KEPT_OUT, 2)]
    assert verdict_of(told, 1) is promoted
    assert verdict_of(told, 3) is None
