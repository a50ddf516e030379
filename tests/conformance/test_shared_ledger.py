"""What every ledger by which programs share items must do."""

import threading
from collections import Counter
from datetime import timedelta

import pytest

from omentum.records.jobs import MOST_ATTEMPTS
from omentum.runners.memory_ledger import MemoryJobs, MemoryLedger, MemorySharedLedger
from omentum.runners.shared_ledger import is_shared
from omentum.store.shared_stage import SharedStageLedger
from omentum.store.store import Store

KEYS = ["b", "a", "c"]
N_THREADS, N_JOBS = 8, 120


@pytest.fixture
def memory():
    """Makes workers' ledgers of jobs in memory."""
    jobs = MemoryJobs()
    return lambda worker, lease_s=120.0: MemorySharedLedger(jobs, worker, lease_s=lease_s)


@pytest.fixture
def sqlite(tmp_path):
    """Makes workers' ledgers of a stage in a project."""
    yield from _stored("sqlite:///omentum.db", tmp_path)


@pytest.fixture
def postgresql(tmp_path, postgresql_url):
    """The same on PostgreSQL."""
    yield from _stored(postgresql_url, tmp_path)


def _stored(url, root):
    with Store.open(url, root) as store:
        yield lambda worker, lease_s=120.0: SharedStageLedger(
            store.ledger, "predict", f"here:{worker}", lease=timedelta(seconds=lease_s)
        )


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def ledger_of(request):
    """Each implementation in turn; add yours to the list. Makes the ledger of a worker by its name."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def anna(ledger_of):
    """A worker's ledger on which three items are offered."""
    ledger = ledger_of("anna")
    ledger.offer(KEYS)
    return ledger


@pytest.fixture
def ben(ledger_of, anna):
    """That of another, who offers the same."""
    ledger = ledger_of("ben")
    ledger.offer(KEYS)
    return ledger


def test_it_says_that_it_is_shared(anna):
    assert is_shared(anna)
    assert not is_shared(MemoryLedger())


def test_each_gets_other_jobs_in_the_order_in_which_they_were_offered(anna, ben):
    assert anna.claim(1) == ["b"]
    assert ben.claim(5) == ["a", "c"]
    assert anna.claim(1) == []


def test_a_worker_gets_none_that_it_did_not_offer(ledger_of, anna):
    cleo = ledger_of("cleo")
    cleo.offer(["c", "d"])
    assert sorted(cleo.claim(5)) == ["c", "d"]
    assert anna.claim(5) == ["b", "a"]


def test_a_worker_gets_none_that_another_offered_later(ledger_of, anna):
    ledger_of("cleo").offer(["0", *KEYS])
    assert anna.claim(5) == KEYS
    assert anna.left().now == 0
    assert ledger_of("dan").done("0") is False


def test_what_was_done_before_is_known_to_whoever_offers_it(anna, ledger_of):
    anna.claim(1)
    anna.mark_done("b", 1)
    assert anna.done("b")
    cleo = ledger_of("cleo")
    cleo.offer(KEYS)
    assert [key for key in KEYS if cleo.done(key)] == ["b"]
    assert cleo.claim(5) == ["a", "c"]


def test_what_lapses_is_claimed_by_another_and_no_longer_renewed(ledger_of, ben):
    slow = ledger_of("slow", 0.0)
    slow.offer(KEYS)
    assert slow.claim(1) == ["b"]
    assert ben.claim(1) == ["b"]
    assert slow.renew() == set()
    assert ben.renew() == {"b"}
    slow.mark_done("b", 1)
    assert ben.ended() == {"b": None}
    assert ben.renew() == set()


def test_what_is_renewed_is_nobody_elses(anna, ben):
    anna.claim(2)
    assert anna.renew() == {"a", "b"}
    anna.mark_done("a", 1)
    assert anna.renew() == {"b"}
    assert ben.claim(5) == ["c"]


def test_all_or_some_are_given_back(anna, ben):
    anna.claim(3)
    anna.give_back(["a"])
    assert ben.claim(3) == ["a"]
    anna.give_back()
    assert anna.renew() == set()
    assert ben.claim(3) == ["b", "c"]


def test_giving_back_again_and_again_fails_no_job(anna):
    for _ in range(MOST_ATTEMPTS + 2):
        assert anna.claim(1) == ["b"]
        anna.give_back()
    assert anna.ended() == {}


def test_a_job_whose_workers_end_fails_after_three_and_the_others_go_on(ledger_of, ben):
    for number in range(MOST_ATTEMPTS):
        ended = ledger_of(f"ended-{number}", 0.0)
        ended.offer(KEYS)
        assert ended.claim(1) == ["b"]
    assert ben.claim(5) == ["a", "c"]
    assert "ended 3 times" in ben.ended()["b"]
    ben.offer(KEYS)
    assert ben.claim(5) == ["b"]


def test_a_postponed_job_waits_for_its_pause(anna, ben):
    anna.claim(1)
    assert anna.postpone("b", "the share is gone", 1000.0)
    assert ben.claim(5) == ["a", "c"]
    left = anna.left()
    assert (left.now, left.others) == (0, 2)
    assert 100 < left.later_s <= 120, "the leases of others end before the pause does"
    assert anna.renew() == set()


def test_a_postponed_job_fails_with_its_last_attempt(anna):
    for is_later in (True, True, False):
        assert anna.claim(1) == ["b"]
        assert anna.postpone("b", "the share is gone", 0.0) is is_later
    assert anna.ended() == {"b": "the share is gone (3 attempts)"}


def test_only_who_has_a_job_postpones_it(anna, ben):
    anna.claim(1)
    assert ben.postpone("b", "torn", 0.0)
    assert anna.renew() == {"b"}
    assert ben.claim(1) == ["a"]


def test_what_is_left_leaves_out_what_the_worker_has(anna, ben):
    assert (anna.left().now, anna.left().later_s, anna.left().others) == (3, None, 0)
    anna.claim(1)
    ben.claim(1)
    left = anna.left()
    assert (left.now, left.others) == (1, 1)
    assert 100 < left.later_s <= 120
    for ledger, key in ((anna, "b"), (ben, "a"), (anna, "c")):
        ledger.mark_done(key, 1)
    assert (anna.left().now, anna.left().later_s, anna.left().others) == (0, None, 0)


def test_ends_of_others_are_told_with_their_reasons(anna, ben):
    anna.claim(3)
    anna.mark_done("a", 1)
    anna.note_cost("a", seconds=1.5, peak_bytes=None)
    anna.mark_failed("b", "torn")
    assert ben.ended() == {"a": None, "b": "torn"}
    assert ben.done("a")
    assert not ben.done("b")


def test_threads_get_each_job_once(ledger_of):
    keys = [f"{number:03}" for number in range(N_JOBS)]
    claimed: list[str] = []
    may_begin = threading.Barrier(N_THREADS)

    def work(name):
        ledger = ledger_of(name)
        ledger.offer(keys)
        may_begin.wait(60)
        while part := ledger.claim(3):
            claimed.extend(part)
            for key in part:
                ledger.mark_done(key, name)

    threads = [threading.Thread(target=work, args=(f"thread-{number}",)) for number in range(N_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(claimed) == Counter(keys)
