"""What every ledger that runners are given must do."""

import pytest

from omentum.records import Failure
from omentum.runners.memory_ledger import MemoryLedger
from omentum.store.store import Store


@pytest.fixture
def memory():
    """The ledger of a run without a project, and how to list its failures."""
    ledger = MemoryLedger()
    return ledger, lambda: ledger.failures


@pytest.fixture
def stored(tmp_path):
    """The ledger of a stage in a project, among those of others."""
    with Store.open("sqlite:///omentum.db", tmp_path) as store:
        store.ledger.mark_done("other stage", "a")
        store.ledger.mark_failed("other stage", "b", "torn")
        yield store.ledger.of("predict"), lambda: store.ledger.failures("predict")


@pytest.fixture(params=["memory", "stored"])
def ledger_and_failures(request):
    """Each implementation in turn; add yours to the list."""
    return request.getfixturevalue(request.param)


def test_nothing_is_done_at_first(ledger_and_failures):
    ledger, failures = ledger_and_failures
    assert not ledger.done("a")
    assert failures() == []


def test_what_is_marked_done_is_done_and_nothing_else(ledger_and_failures):
    ledger, _ = ledger_and_failures
    ledger.mark_done("a", {"n": 1})
    assert ledger.done("a")
    assert not any(ledger.done(other) for other in ("", "A", "a ", "b"))


def test_what_comes_of_an_item_may_be_empty(ledger_and_failures):
    ledger, _ = ledger_and_failures
    ledger.mark_done("a", {})
    assert ledger.done("a")


def test_what_failed_is_not_done_and_says_why(ledger_and_failures):
    ledger, failures = ledger_and_failures
    ledger.mark_failed("b", "torn")
    ledger.mark_failed("a", "no CT")
    assert not ledger.done("a")
    assert failures() == [Failure(key="a", reason="no CT"), Failure(key="b", reason="torn")]


def test_the_last_reason_counts(ledger_and_failures):
    ledger, failures = ledger_and_failures
    ledger.mark_failed("a", "torn")
    ledger.mark_failed("a", "still torn")
    assert failures() == [Failure(key="a", reason="still torn")]


def test_a_failure_is_gone_once_its_item_is_done(ledger_and_failures):
    ledger, failures = ledger_and_failures
    ledger.mark_failed("a", "torn")
    ledger.mark_done("a", {})
    assert ledger.done("a")
    assert failures() == []


def test_what_is_done_stays_done(ledger_and_failures):
    ledger, failures = ledger_and_failures
    ledger.mark_done("a", {})
    ledger.mark_failed("a", "torn")
    assert ledger.done("a")
    assert failures() == []


def test_what_is_done_may_be_marked_again(ledger_and_failures):
    ledger, _ = ledger_and_failures
    ledger.mark_done("a", {"n": 1})
    ledger.mark_done("a", {"n": 2})
    assert ledger.done("a")


@pytest.mark.parametrize(
    "key", ["", "case/organ:liver", "Größe 漢字 🫀", "'; DROP TABLE ledger; --", "%_", "x" * 2000]
)
def test_any_text_is_a_key(ledger_and_failures, key):
    ledger, failures = ledger_and_failures
    ledger.mark_failed(key, key)
    assert failures() == [Failure(key=key, reason=key)]
    ledger.mark_done(key, {})
    assert ledger.done(key)
