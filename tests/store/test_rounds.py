"""Rounds follow each other."""

from datetime import UTC, datetime, timedelta

import pytest

from omentum.errors import ProjectError


def test_the_first_round_is_round_one_and_current(store):
    before = datetime.now(UTC)
    first = store.rounds.start("starter")
    assert (first.number, first.network, first.finished) == (1, "starter", None)
    assert before <= first.started <= datetime.now(UTC)
    assert store.rounds.current() == first


def test_before_the_first_round_there_is_no_current_one(store):
    assert store.rounds.all() == []
    with pytest.raises(ProjectError, match="omentum init"):
        store.rounds.current()


def test_the_next_round_starts_once_the_last_has_ended(store):
    store.rounds.start("starter")
    with pytest.raises(ProjectError, match="round 1 has not ended"):
        store.rounds.start("starter-r1")
    ended = store.rounds.finish(1)
    assert store.rounds.current() == ended
    second = store.rounds.start("starter-r1")
    assert store.rounds.current() == second
    assert store.rounds.all() == [ended, second]
    assert second.number == 2


def test_a_round_that_has_ended_keeps_its_time(store):
    store.rounds.start("starter")
    first = store.rounds.finish(1)
    assert store.rounds.finish(1) == first
    assert first.finished is not None


def test_a_round_that_never_was_cannot_end(store):
    store.rounds.start("starter")
    with pytest.raises(ProjectError, match="no round 2; the latest is 1"):
        store.rounds.finish(2)


def test_times_come_out_in_utc(store):
    started = store.rounds.start("starter").started
    assert store.rounds.current().started.utcoffset() == timedelta(0)
    assert store.rounds.current().started == started


def test_a_round_turns_into_the_next_at_once_and_only_once(store):
    store.rounds.start("starter")
    second = store.rounds.turn(1, "starter-r1")
    assert (second.number, second.network, second.finished) == (2, "starter-r1", None)
    assert store.rounds.all()[0].finished is not None
    assert store.rounds.turn(1, "starter-r1") == second
    with pytest.raises(ProjectError, match="round 2 has begun with starter-r1, not with starter"):
        store.rounds.turn(1, "starter")
    assert [one.number for one in store.rounds.all()] == [1, 2]


def test_a_round_that_had_ended_before_a_kill_turns_and_keeps_its_time(store):
    store.rounds.start("starter")
    ended = store.rounds.finish(1)
    store.rounds.turn(1, "starter")
    assert store.rounds.all()[0] == ended
