import threading

import pytest

from omentum.runners.heartbeat import holding_claims
from omentum.runners.memory_ledger import MemoryJobs, MemorySharedLedger


class Watched(MemorySharedLedger):
    """A ledger that tells when its leases were renewed, and may fail to."""

    def __init__(self, jobs, *, n_failures=0):
        super().__init__(jobs, "this")
        self.n_renewals, self.n_failures = 0, n_failures
        self.is_renewed = threading.Event()

    def renew(self):
        self.n_renewals += 1
        if self.n_renewals <= self.n_failures:
            raise OSError("the database is away")
        self.is_renewed.set()
        return super().renew()


def test_leases_are_renewed_while_the_work_goes_on_and_given_back_in_the_end():
    now = [0.0]
    jobs = MemoryJobs(clock=lambda: now[0])
    mine, other = Watched(jobs), MemorySharedLedger(jobs, "other")
    mine.offer(["a"])
    other.offer(["a"])
    mine.claim(1)
    with holding_claims(mine, every_s=0.01):
        now[0] = 100.0
        mine.is_renewed.clear()
        assert mine.is_renewed.wait(10)
        mine.is_renewed.clear()
        assert mine.is_renewed.wait(10)
        now[0] = 200.0
        assert other.claim(1) == []
    assert other.claim(1) == ["a"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_claims_are_given_back_when_the_work_ends_by_an_error(error):
    jobs = MemoryJobs()
    mine, other = Watched(jobs), MemorySharedLedger(jobs, "other")
    mine.offer(["a"])
    other.offer(["a"])
    mine.claim(1)
    with pytest.raises(error), holding_claims(mine):
        raise error
    assert other.claim(1) == ["a"]


def test_a_database_that_is_away_for_a_while_is_asked_again(caplog):
    ledger = Watched(MemoryJobs(), n_failures=2)
    with holding_claims(ledger, every_s=0.01):
        assert ledger.is_renewed.wait(10)
    assert "the database is away" in caplog.text
