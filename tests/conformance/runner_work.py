"""Work for the tests of runners, in a module that other processes can import."""

import os
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial

from omentum.runners.steps import Steps


class Failing:
    """Work that notes its calls in a file, as it may be done anywhere, and fails where it is told to."""

    def __init__(self, log, errors=None):
        self.log, self.errors = log, errors or {}

    def __call__(self, item):
        with self.log.open("a") as log:
            log.write(f"{item}\n")
        if item in self.errors:
            raise self.errors[item]
        return item.upper()

    @property
    def calls(self):
        return Counter(self.log.read_text().split()) if self.log.exists() else Counter()


@dataclass(frozen=True)
class FailingAtFirst:
    """Work that fails at its first call for each item named."""

    work: Failing
    error: Exception
    items: tuple = ()

    def __call__(self, item):
        is_first = not self.work.calls[item]
        result = self.work(item)
        if is_first and item in self.items:
            raise self.error
        return result


@dataclass(frozen=True)
class Harming:
    """Work that harms its process at one item: ends it, takes long, or takes much memory."""

    work: Failing
    item: str
    harm: str
    is_once: bool = False

    def __call__(self, item):
        is_first = not self.work.calls[item]
        result = self.work(item)
        if item == self.item and (is_first or not self.is_once):
            if self.harm == "end":
                os._exit(3)
            if self.harm == "memory":
                taken = bytearray(1_500_000_000)
                taken[::4096] = b"1" * len(taken[::4096])
            time.sleep(600)
        return result


@dataclass(frozen=True)
class Slow:
    """Work that takes a while."""

    work: Failing
    seconds: float

    def __call__(self, item):
        time.sleep(self.seconds)
        return self.work(item)


def in_steps(work, busy):
    """Give work in steps, of which one does it all."""
    return Steps(
        read=work if busy == "read" else str,
        compute=partial(_compute, work if busy == "compute" else None),
        write=partial(_compute, work if busy == "write" else None),
    )


def _compute(work, item, given):
    return work(item) if work is not None else given
