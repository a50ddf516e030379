"""What the runner in this process does beyond what every runner does."""

import os
import threading

from omentum.runners.in_process import InProcessRunner
from omentum.runners.memory_ledger import MemoryLedger
from omentum.runners.steps import Steps


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


def test_the_next_item_is_read_and_the_last_one_written_while_this_one_is_computed():
    is_read, is_written = [threading.Event() for _ in range(3)], threading.Event()

    def compute(item, _):
        if item < 2:
            assert is_read[item + 1].wait(10)
        if item == 1:
            is_written.set()
        return item

    def write(item, made):
        assert item > 0 or is_written.wait(10)
        return made

    steps = Steps(read=lambda item: is_read[item].set(), compute=compute, write=write)
    batch = InProcessRunner().run([0, 1, 2], steps, key=str, ledger=MemoryLedger())
    assert batch.done == ("0", "1", "2")
