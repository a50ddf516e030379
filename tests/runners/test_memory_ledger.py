"""What the ledger of a run without a project keeps beyond what every ledger does."""

from omentum.records import Failure
from omentum.runners.memory_ledger import MemoryLedger


def test_results_are_kept_themselves_in_the_order_in_which_they_came():
    ledger = MemoryLedger()
    first, second = object(), object()
    ledger.mark_done("b", first)
    ledger.mark_done("a", second)
    assert list(ledger.results) == ["b", "a"]
    assert ledger.results["b"] is first


def test_a_result_that_is_none_is_done():
    ledger = MemoryLedger()
    ledger.mark_done("a", None)
    assert ledger.done("a")


def test_failures_come_by_key():
    ledger = MemoryLedger()
    ledger.mark_failed("b", "torn")
    ledger.mark_failed("a", "too small")
    assert ledger.failures == [Failure(key="a", reason="too small"), Failure(key="b", reason="torn")]


def test_two_ledgers_share_nothing():
    one, other = MemoryLedger(), MemoryLedger()
    one.mark_done("a", 1)
    one.mark_failed("b", "torn")
    assert not other.done("a")
    assert other.failures == []
