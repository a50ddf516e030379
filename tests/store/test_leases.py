"""What is lent has one holder at a time, on every database."""

import threading
from datetime import timedelta

import pytest

from omentum.store.leases import Lease, Offer
from omentum.store.store import Store

DAY = timedelta(days=1)
OVER = timedelta(seconds=-1)
"""Of a lease that has ended when it begins."""


@pytest.fixture
def leases(each_store):
    """Three things on offer in the pool `reads`: `b` before `a`, then `c`, which two may have."""
    offers = [Offer(key="a", rank=2), Offer(key="b", rank=1), Offer(key="c", rank=3, n_slots=2)]
    each_store.leases.offer("reads", offers)
    each_store.leases.offer("other pool", [Offer(key="a", rank=0)])
    return each_store.leases


def claimed(leases, holder, n=10, lasting=DAY, **narrowed):
    return [(one.key, one.slot) for one in leases.claim("reads", holder, n, lasting, **narrowed)]


def test_claims_take_the_least_rank_first_and_of_each_key_one(leases):
    assert claimed(leases, "anna", 1) == [("b", 0)]
    assert claimed(leases, "anna") == [("a", 0), ("c", 0)]
    assert claimed(leases, "anna") == []
    assert claimed(leases, "ben") == [("c", 1)]
    assert leases.free("reads") == []
    assert leases.free("other pool") == ["a"]


def test_a_claim_may_name_keys(leases):
    assert claimed(leases, "anna", keys=["c", "nowhere"]) == [("c", 0)]
    assert claimed(leases, "ben", keys=[]) == []


def test_what_is_held_says_until_when_by_the_databases_clock(leases):
    (lease,) = leases.claim("reads", "anna", 1, DAY)
    assert lease == Lease(key="b", slot=0, holder="anna", until=lease.until)
    assert leases.held("reads", "anna") == [lease]
    assert leases.held("reads", "ben") == []
    assert leases.all("reads") == {"b": (lease,)}
    longer = leases.renew("reads", "b", "anna", 2 * DAY)
    assert timedelta(hours=23) < longer.until - lease.until < timedelta(hours=25)
    assert leases.renew("reads", "b", "ben", DAY) is None


def test_a_lease_that_has_ended_is_claimed_by_another_and_then_lost(leases):
    assert claimed(leases, "anna", 1, OVER) == [("b", 0)]
    assert leases.all("reads") == {}
    assert leases.renew("reads", "b", "anna", OVER) is not None, "nobody took it meanwhile"
    assert leases.free("reads") == ["b", "a", "c"]
    assert claimed(leases, "ben", 1) == [("b", 0)]
    assert leases.renew("reads", "b", "anna", DAY) is None
    assert leases.held("reads", "anna") == []
    assert not leases.give_back("reads", "b", "anna")
    assert [one.key for one in leases.held("reads", "ben")] == ["b"]


def test_what_is_given_back_is_claimed_again(leases):
    claimed(leases, "anna")
    assert leases.give_back("reads", "a", "anna")
    assert not leases.give_back("reads", "a", "anna")
    assert claimed(leases, "ben", 1) == [("a", 0)]


def test_a_reading_that_is_done_is_never_claimed_again_by_anyone(leases):
    claimed(leases, "anna", 1)
    for _ in range(2):
        leases.end("reads", "b", "anna")
    assert leases.held("reads", "anna") == []
    assert leases.free("reads") == ["a", "c"]
    leases.end("reads", "c", "anna")
    assert claimed(leases, "anna", keys=["c"]) == [], "she has read it without a lease"
    assert claimed(leases, "ben", keys=["c"]) == [("c", 1)]


def test_who_lost_a_lease_and_hands_in_ends_no_reading_that_another_has(leases):
    claimed(leases, "anna", 1, OVER)
    claimed(leases, "ben", 1)
    leases.end("reads", "b", "anna")
    assert [one.key for one in leases.held("reads", "ben")] == ["b"]


def test_what_is_reserved_is_claimed_by_one_holder_only_and_stays_reserved_when_offered_again(leases):
    leases.reserve("reads", ["b", "c"], "ben")
    leases.offer("reads", [Offer(key="b", rank=9)])
    assert claimed(leases, "anna") == [("a", 0)]
    assert leases.touched("reads") == {"a", "b", "c"}
    assert claimed(leases, "ben") == [("c", 0), ("b", 0)]
    leases.reserve("reads", ["c"], None)
    assert claimed(leases, "anna") == [("c", 1)]


def test_an_offer_again_keeps_who_has_it_and_adds_slots(leases):
    claimed(leases, "anna", 1)
    leases.offer("reads", [Offer(key="b", rank=5, n_slots=2)])
    assert [one.key for one in leases.held("reads", "anna")] == ["b"]
    assert claimed(leases, "ben") == [("a", 0), ("c", 0), ("b", 1)]


def test_what_is_withdrawn_cannot_be_claimed_and_who_was_done_with_it_is_known(leases):
    claimed(leases, "anna", 1)
    leases.end("reads", "b", "anna")
    claimed(leases, "ben", 1)
    leases.withdraw("reads", ["a", "b"])
    assert leases.free("reads") == ["c"]
    assert leases.held("reads", "ben") == []
    leases.offer("reads", [Offer(key=key, rank=1, n_slots=2) for key in ("a", "b")])
    assert claimed(leases, "anna") == [("a", 0), ("c", 0)]
    assert claimed(leases, "ben") == [("a", 1), ("b", 1), ("c", 1)]


def test_on_postgresql_a_claim_waits_for_no_writer_and_for_no_other_claim(postgresql_url, tmp_path):
    with (
        Store.open(postgresql_url, tmp_path, wait_seconds=0.2) as one,
        Store.open(postgresql_url, tmp_path, wait_seconds=0.2) as other,
    ):
        one.leases.offer("reads", [Offer(key=key, rank=0) for key in "abc"])
        with one.together():
            one.facts.set("fact", "said")
            assert [lease.key for lease in other.leases.claim("reads", "anna", 1, DAY)] == ["a"]
            assert [lease.key for lease in one.leases.claim("reads", "ben", 1, DAY)] == ["b"]
            assert [lease.key for lease in other.leases.claim("reads", "carl", 2, DAY)] == ["c"]
        assert set(one.leases.all("reads")) == set("abc")


def test_on_postgresql_a_hand_in_waits_for_a_claim_in_flight_and_takes_it_from_nobody(
    postgresql_url, tmp_path
):
    with (
        Store.open(postgresql_url, tmp_path) as one,
        Store.open(postgresql_url, tmp_path) as other,
    ):
        one.leases.offer("reads", [Offer(key="a", rank=0)])
        ending = threading.Thread(target=other.leases.end, args=("reads", "a", "late"))
        with one.together():
            one.facts.set("fact", "said")
            one.leases.claim("reads", "ben", 1, DAY)
            ending.start()
            ending.join(0.2)
        ending.join()
        assert [lease.key for lease in one.leases.held("reads", "ben")] == ["a"]
