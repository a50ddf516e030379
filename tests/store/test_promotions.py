from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from omentum.errors import ProjectError
from omentum.records.promotions import GateOutcome, OrganGain, Promotion
from omentum.store.store import Store


@pytest.fixture
def verdict() -> Promotion:
    liver = OrganGain(
        organ="liver",
        differences=(0.1, -1 / 3),
        mean=0.1 - 1 / 3,
        bound=None,
        outcome=GateOutcome.UNDECIDED,
        is_revised=False,
    )
    return Promotion(
        round_number=1,
        network="starter-r1",
        instead_of="starter",
        outcome=GateOutcome.UNDECIDED,
        by="gate",
        why="fewer than 8 held-out patients",
        time=datetime(2026, 11, 25, 9, 30, tzinfo=UTC),
        organs=(liver,),
    )


def test_a_verdict_comes_back_as_it_was_given(busy_store, verdict, tmp_path):
    assert busy_store.promotions.of_network(1, "starter-r1") is None
    assert busy_store.promotions.add(verdict) == verdict
    with Store.open("sqlite:///omentum.db", tmp_path) as again:
        assert again.promotions.all() == [verdict]
        assert again.promotions.of_network(1, "starter-r1") == verdict


def test_the_same_verdict_again_is_not_kept_twice(busy_store, verdict):
    busy_store.promotions.add(verdict)
    later = replace(verdict, time=verdict.time + timedelta(hours=1))
    assert busy_store.promotions.add(later) == verdict
    assert busy_store.promotions.all() == [verdict]


def test_what_was_decided_last_stands_and_what_was_said_before_is_kept(busy_store, verdict):
    decision = replace(verdict, outcome=GateOutcome.PROMOTED, by="reader-1", organs=())
    busy_store.promotions.add(verdict)
    busy_store.promotions.add(decision)
    assert busy_store.promotions.of_network(1, "starter-r1") == decision
    assert busy_store.promotions.all() == [verdict, decision]


def test_a_verdict_is_of_a_round_that_there_is(busy_store, verdict):
    with pytest.raises(ProjectError, match="no round 7"):
        busy_store.promotions.add(replace(verdict, round_number=7))
