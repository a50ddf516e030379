"""What the store's ledger does beyond what every ledger does."""

import pytest

from omentum.records import Failure


def test_what_was_noted_is_given_by_key(store):
    store.ledger.mark_done("predict", "b", {"seconds": 1.5, "organs": ["liver"]})
    store.ledger.mark_done("predict", "a", {})
    store.ledger.mark_done("score", "a", {"other": True})
    assert store.ledger.details("predict") == {"a": {}, "b": {"seconds": 1.5, "organs": ["liver"]}}
    assert store.ledger.details("tune") == {}


def test_what_was_noted_last_counts(store):
    store.ledger.mark_done("predict", "a", {"n": 1})
    store.ledger.mark_done("predict", "a", {"n": 2})
    assert store.ledger.details("predict") == {"a": {"n": 2}}


def test_failures_come_for_one_stage_or_for_all(store):
    store.ledger.mark_failed("score", "b", "torn")
    store.ledger.mark_failed("predict", "b", "too small")
    store.ledger.mark_failed("predict", "a", "not a CT")
    predict = [Failure(key="a", reason="not a CT"), Failure(key="b", reason="too small")]
    score = [Failure(key="b", reason="torn")]
    assert store.ledger.failures("predict") == predict
    assert store.ledger.failures("tune") == []
    assert store.ledger.failures() == [*predict, *score]
    assert store.ledger.failures_by_stage() == {"predict": predict, "score": score}


def test_what_failed_has_no_details(store):
    store.ledger.mark_failed("predict", "a", "")
    assert store.ledger.details("predict") == {}
    assert store.ledger.failures("predict") == [Failure(key="a", reason="")]


def test_what_is_forgotten_is_to_be_done_again(store):
    store.ledger.mark_done("predict", "a", {})
    store.ledger.mark_done("predict", "b", {})
    store.ledger.mark_failed("predict", "c", "torn")
    for key in ("a", "c", "never was"):
        store.ledger.forget("predict", key)
    assert not store.ledger.done("predict", "a")
    assert store.ledger.done("predict", "b")
    assert store.ledger.failures("predict") == []


def test_stages_do_not_see_each_other(store):
    store.ledger.of("predict").mark_done("a", {})
    assert store.ledger.done("predict", "a")
    assert not store.ledger.of("score").done("a")


def test_a_note_that_json_cannot_hold_is_our_bug_and_notes_nothing(store):
    for detail in ({"path": object()}, {"ml": float("nan")}):
        with pytest.raises(Exception, match="JSON"):
            store.ledger.mark_done("predict", "a", detail)
    assert not store.ledger.done("predict", "a")
