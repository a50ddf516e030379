"""Claims between machines, beside writers, and of more items than one statement names."""

import sys
from datetime import datetime, timedelta

import pytest

from omentum.errors import SharedFileError
from omentum.store.claims import MOST_KEYS
from omentum.store.shared_stage import SharedStageLedger
from omentum.store.store import Store

LEASE = timedelta(minutes=2)
OVER = timedelta(seconds=-1)


@pytest.fixture
def on_postgresql(postgresql_url, tmp_path):
    """A store on PostgreSQL with jobs a, b and c."""
    with Store.open(postgresql_url, tmp_path) as store:
        store.ledger.offer("predict", ["a", "b", "c"])
        yield store


@pytest.fixture
def clock_is_off(monkeypatch):
    """Sets the clock of this machine forwards or back, wherever Omentum reads it."""

    def set_off(by):
        class Off(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime.now(tz) + by

        for name, module in list(sys.modules.items()):
            if name.startswith("omentum.") and getattr(module, "datetime", None) is datetime:
                monkeypatch.setattr(module, "datetime", Off)

    return set_off


@pytest.mark.parametrize("by", [timedelta(hours=1), timedelta(hours=-1)])
def test_a_machine_whose_clock_is_an_hour_off_takes_and_loses_nothing(on_postgresql, clock_is_off, by):
    ledger = on_postgresql.ledger
    assert ledger.claim("predict", "right:1:a", 1, LEASE) == ["a"]
    clock_is_off(by)
    assert ledger.claim("predict", "wrong:2:b", 1, LEASE) == ["b"]
    assert ledger.postpone("predict", "right:1:a", "a", "torn", LEASE)
    assert ledger.renew("predict", "wrong:2:b", LEASE) == {"b"}
    left = ledger.open_counts("predict", "right:1:a")
    assert (left.due, left.later, left.others) == (1, 1, 1)
    assert timedelta(0) < left.next_at - left.asked_at <= LEASE
    jobs = {job.key: job for job in ledger.jobs("predict")}
    assert abs(jobs["b"].time - jobs["a"].time) < LEASE


def test_two_machines_do_not_share_a_sqlite_file(store):
    store.ledger.offer("predict", ["a", "b"])
    store.ledger.claim("predict", "one:1:a", 1, LEASE)
    with pytest.raises(SharedFileError, match=r"omentum.db is a SQLite file, and one works on it .* two can"):
        store.ledger.claim("predict", "two:2:b", 1, LEASE)
    assert store.ledger.claim("predict", "one:3:c", 1, LEASE) == ["b"]
    store.ledger.mark_done("predict", "a")
    store.ledger.give_back("predict", "one:3:c")
    assert store.ledger.claim("predict", "two:2:b", 1, LEASE) == ["b"]


def test_a_machine_may_go_on_with_a_sqlite_file_once_the_leases_of_another_ended(store):
    store.ledger.offer("predict", ["a", "b"])
    store.ledger.claim("predict", "one:1:a", 1, OVER)
    assert store.ledger.claim("predict", "two:2:b", 2, LEASE) == ["a", "b"]


def test_machines_share_a_server(on_postgresql):
    assert on_postgresql.ledger.claim("predict", "one:1:a", 1, LEASE) == ["a"]
    assert on_postgresql.ledger.claim("predict", "two:2:b", 1, LEASE) == ["b"]


def test_claims_do_not_wait_for_who_writes(on_postgresql, postgresql_url, tmp_path):
    with (
        Store.open(postgresql_url, tmp_path, wait_seconds=0.05) as impatient,
        on_postgresql.together(),
    ):
        on_postgresql.facts.set("import", "in the middle")
        ledger = SharedStageLedger(impatient.ledger, "predict", "here:1:a", lease=LEASE)
        ledger.offer(["a", "b", "c"])
        assert ledger.claim(2) == ["a", "b"]
        assert ledger.renew() == {"a", "b"}
        ledger.mark_done("a", None)
        ledger.note_cost("a", seconds=1.0, peak_bytes=1)
        assert ledger.postpone("b", "torn", 60.0)
        assert ledger.claim(1) == ["c"]
        ledger.give_back()
        assert ledger.left().now == 1
        assert ledger.claim(1) == ["c"]
        ledger.mark_failed("c", "torn")
        assert ledger.ended() == {"a": None, "c": "torn"}


def test_a_part_of_a_stage_may_have_more_items_than_a_statement_names(store):
    mine = [f"mine-{number:04}" for number in range(2 * MOST_KEYS + 1)]
    store.ledger.offer("predict", ["other"])
    ledger = SharedStageLedger(store.ledger, "predict", "here:1:a")
    ledger.offer(mine)
    claimed = ledger.claim(len(mine) + 5)
    assert sorted(claimed) == mine
    assert ledger.renew() == set(mine)
    assert ledger.left().now == 0
    ledger.give_back()
    assert ledger.left().now == len(mine)


def test_an_item_that_was_not_offered_is_looked_up(store):
    ledger = SharedStageLedger(store.ledger, "predict", "here:1:a")
    store.ledger.mark_done("predict", "a")
    assert ledger.done("a")
    assert not ledger.done("b")


def test_what_is_written_together_is_kept_together_or_not_at_all(store):
    ledger = SharedStageLedger(store.ledger, "predict", "here:1:a", lease=OVER)
    ledger.offer(["a"])
    ledger.claim(1)

    def mark_done_and_fail():
        with store.together():
            ledger.mark_done("a", None)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        mark_done_and_fail()
    assert ledger.claim(1) == ["a"]
