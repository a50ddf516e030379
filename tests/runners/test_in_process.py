"""What the runner in this process does beyond what every runner does."""

import os
import threading

from omentum.runners.in_process import InProcessRunner
from omentum.runners.memory_ledger import MemoryLedger


def test_items_are_done_here_one_after_another_in_their_order():
    seen = []

    def work(item):
        seen.append((item, os.getpid(), threading.get_ident()))

    InProcessRunner().run(list("cab"), work, key=str, ledger=MemoryLedger())
    assert seen == [(item, os.getpid(), threading.get_ident()) for item in "cab"]


def test_an_item_that_another_did_meanwhile_is_skipped():
    ledger = MemoryLedger()

    def work(item):
        ledger.mark_done("b", "by another")
        return item

    batch = InProcessRunner().run(["a", "b"], work, key=str, ledger=ledger)
    assert (batch.done, batch.skipped) == (("a",), ("b",))
    assert ledger.results["b"] == "by another"


def test_an_item_is_noted_before_the_next_is_begun():
    ledger = MemoryLedger()
    noted = []

    def work(item):
        noted.append(list(ledger.results))
        return item

    InProcessRunner().run(["a", "b", "c"], work, key=str, ledger=ledger)
    assert noted == [[], ["a"], ["a", "b"]]
