"""A job has one worker at a time, and none is lost, on every database."""

from datetime import timedelta

import pytest

from omentum.records import Failure
from omentum.records.jobs import MOST_ATTEMPTS, JobState

LEASE = timedelta(minutes=2)
OVER = timedelta(seconds=-1)
"""Of a lease that has ended when it begins."""
ANNA, BEN = "here:1:a0", "here:2:b0"


@pytest.fixture
def ledger(each_store):
    """A ledger on which b, a and c are offered, in this order, and something else in another stage."""
    each_store.ledger.offer("score", ["a", "x"])
    each_store.ledger.offer("predict", ["b", "a", "c"])
    return each_store.ledger


def jobs_of(ledger):
    return {job.key: job for job in ledger.jobs("predict")}


def test_jobs_are_claimed_in_the_order_in_which_they_were_offered(ledger):
    assert ledger.claim("predict", ANNA, 2, LEASE) == ["b", "a"]
    assert ledger.claim("predict", BEN, 2, LEASE) == ["c"]
    assert ledger.claim("predict", BEN, 2, LEASE) == []
    assert ledger.claim("score", BEN, 5, LEASE) == ["a", "x"]


def test_a_claim_may_name_keys(ledger):
    assert ledger.claim("predict", ANNA, 5, LEASE, keys=["c", "nowhere"]) == ["c"]
    assert ledger.claim("predict", ANNA, 5, LEASE, keys=[]) == []


def test_a_claimed_job_says_who_has_it_until_when(ledger):
    ledger.claim("predict", ANNA, 1, LEASE)
    job = jobs_of(ledger)["b"]
    assert (job.state, job.worker, job.attempts) == (JobState.CLAIMED, ANNA, 1)
    assert job.until - job.started == pytest.approx(LEASE, abs=timedelta(seconds=1))
    assert jobs_of(ledger)["a"].worker is None


def test_what_is_done_or_claimed_stays_so_when_it_is_offered_again(ledger):
    ledger.claim("predict", ANNA, 1, LEASE)
    ledger.mark_done("predict", "a")
    before = ledger.offer("predict", ["a", "b", "c", "d"])
    assert before == {"a": JobState.DONE, "b": JobState.CLAIMED, "c": JobState.DUE}
    assert ledger.claim("predict", BEN, 5, LEASE) == ["c", "d"]


def test_what_failed_is_due_once_it_is_offered_again_and_its_attempts_are_counted_anew(ledger):
    ledger.claim("predict", ANNA, 3, LEASE)
    ledger.mark_failed("predict", "a", "torn")
    assert ledger.claim("predict", BEN, 3, LEASE) == []
    ledger.offer("predict", ["a", "b", "c"])
    assert ledger.failures("predict") == []
    assert ledger.claim("predict", BEN, 3, LEASE) == ["a"]
    assert jobs_of(ledger)["a"].attempts == 1


def test_a_lease_that_has_ended_is_taken_over_before_what_is_due(ledger):
    assert ledger.claim("predict", ANNA, 1, OVER) == ["b"]
    assert ledger.claim("predict", BEN, 2, LEASE) == ["b", "a"]
    assert ledger.renew("predict", ANNA, LEASE) == set()
    assert jobs_of(ledger)["b"].attempts == 2


def test_a_lease_that_has_ended_can_be_renewed_while_nobody_took_it(ledger):
    ledger.claim("predict", ANNA, 2, OVER)
    assert ledger.renew("predict", ANNA, LEASE) == {"a", "b"}
    assert ledger.claim("predict", BEN, 3, LEASE) == ["c"]


def test_only_what_a_worker_has_is_renewed(ledger):
    ledger.claim("predict", ANNA, 1, LEASE)
    ledger.claim("predict", BEN, 1, LEASE)
    assert ledger.renew("predict", ANNA, 2 * LEASE, keys=["a", "b", "c"]) == {"b"}
    jobs = jobs_of(ledger)
    assert jobs["b"].until - jobs["a"].until > LEASE / 2


def test_what_is_given_back_is_claimed_by_others_and_does_not_count_as_an_attempt(ledger):
    ledger.claim("predict", ANNA, 2, LEASE)
    ledger.give_back("predict", ANNA, ["a"])
    assert ledger.claim("predict", BEN, 1, LEASE) == ["a"]
    ledger.give_back("predict", ANNA)
    assert {key: job.attempts for key, job in jobs_of(ledger).items()} == {"a": 1, "b": 0, "c": 0}
    assert ledger.claim("predict", BEN, 2, LEASE) == ["b", "c"]


def test_a_worker_gives_nothing_back_that_it_lost(ledger):
    ledger.claim("predict", ANNA, 1, OVER)
    ledger.claim("predict", BEN, 1, LEASE)
    ledger.give_back("predict", ANNA)
    assert jobs_of(ledger)["b"].worker == BEN
    assert ledger.postpone("predict", ANNA, "b", "torn", LEASE)
    assert jobs_of(ledger)["b"].state is JobState.CLAIMED


def test_a_job_during_which_workers_end_again_and_again_fails_and_blocks_nothing(ledger):
    for attempt in range(MOST_ATTEMPTS):
        assert ledger.claim("predict", f"here:{attempt}:f", 1, OVER) == ["b"]
    assert ledger.claim("predict", ANNA, 5, LEASE) == ["a", "c"]
    (failure,) = ledger.failures("predict")
    assert failure.key == "b"
    assert "ended 3 times" in failure.reason
    assert "here:2:f" in failure.reason


def test_a_postponed_job_is_claimed_after_its_pause_only(ledger):
    ledger.claim("predict", ANNA, 1, LEASE)
    assert ledger.postpone("predict", ANNA, "b", "the share is gone", LEASE)
    assert ledger.claim("predict", BEN, 1, LEASE) == ["a"]
    assert jobs_of(ledger)["b"].reason == "the share is gone"
    assert ledger.failures("predict") == []
    ledger.give_back("predict", BEN)
    ledger.claim("predict", BEN, 2, LEASE, keys=["a"])
    assert ledger.postpone("predict", BEN, "a", "the share is gone", OVER)
    assert ledger.claim("predict", ANNA, 2, LEASE) == ["a", "c"]


def test_the_last_attempt_is_not_postponed(ledger):
    for is_later in (True, True, False):
        assert ledger.claim("predict", ANNA, 1, LEASE) == ["b"]
        assert ledger.postpone("predict", ANNA, "b", "the share is gone", OVER) is is_later
    assert ledger.failures("predict") == [Failure(key="b", reason="the share is gone (3 attempts)")]


def test_what_ended_keeps_who_did_it_and_has_no_lease(ledger):
    ledger.claim("predict", ANNA, 2, LEASE)
    ledger.mark_done("predict", "b")
    ledger.note_cost("predict", "b", seconds=1.5, peak_bytes=2**40)
    ledger.mark_failed("predict", "a", "torn")
    done, failed = jobs_of(ledger)["b"], jobs_of(ledger)["a"]
    assert (done.state, done.worker, done.until, done.reason) == (JobState.DONE, ANNA, None, None)
    assert (done.seconds, done.peak_bytes) == (1.5, 2**40)
    assert (failed.state, failed.worker, failed.until, failed.reason) == (JobState.FAILED, ANNA, None, "torn")
    assert ledger.not_done("predict") == {"a": (JobState.FAILED, "torn"), "c": (JobState.DUE, None)}


def test_the_work_of_a_worker_that_lost_its_lease_counts(ledger):
    ledger.claim("predict", ANNA, 1, OVER)
    ledger.claim("predict", BEN, 1, LEASE)
    ledger.mark_done("predict", "b")
    assert ledger.renew("predict", BEN, LEASE) == set()
    ledger.mark_failed("predict", "b", "late")
    assert ledger.done("predict", "b")


def test_what_is_left_is_counted_as_a_worker_sees_it(ledger):
    ledger.offer("predict", list("bacdef"))
    ledger.claim("predict", ANNA, 2, LEASE)
    ledger.claim("predict", BEN, 1, LEASE / 2)
    ledger.claim("predict", ANNA, 1, OVER)
    ledger.postpone("predict", ANNA, "b", "torn", LEASE / 4)
    left = ledger.open_counts("predict", ANNA)
    assert (left.due, left.later, left.mine, left.others) == (3, 1, 1, 1)
    assert left.next_at - left.asked_at == pytest.approx(LEASE / 4, abs=timedelta(seconds=5))
    of_ben = ledger.open_counts("predict", BEN, keys=["a", "d", "e"])
    assert (of_ben.due, of_ben.later, of_ben.mine, of_ben.others) == (2, 0, 0, 1)
    nothing = ledger.open_counts("tune", ANNA)
    assert (nothing.due, nothing.next_at) == (0, None)


def test_a_stage_is_summed_up_with_the_median_of_its_seconds(ledger):
    for key, seconds in (("a", 1.0), ("b", 9.0), ("c", 3.0)):
        ledger.mark_done("predict", key)
        ledger.note_cost("predict", key, seconds=seconds, peak_bytes=int(100 * seconds))
    ledger.mark_failed("predict", "d", "torn")
    ledger.claim("score", ANNA, 1, LEASE)
    summary = ledger.summary()
    assert list(summary) == ["predict", "score"]
    predict, score = summary["predict"], summary["score"]
    assert (predict.due, predict.claimed, predict.done, predict.failed) == (0, 0, 3, 1)
    assert (predict.total_s, predict.median_s, predict.peak_bytes) == (13.0, 3.0, 900)
    assert (score.due, score.claimed, score.total_s, score.median_s) == (1, 1, None, None)
    ledger.mark_done("predict", "d")
    ledger.note_cost("predict", "d", seconds=4.0, peak_bytes=None)
    assert ledger.summary()["predict"].median_s == 3.5


def test_jobs_are_listed_by_stage_and_state(ledger):
    ledger.claim("predict", ANNA, 1, LEASE)
    assert [(job.stage, job.key) for job in ledger.jobs()] == [
        ("predict", "b"),
        ("predict", "a"),
        ("predict", "c"),
        ("score", "a"),
        ("score", "x"),
    ]
    assert [job.key for job in ledger.jobs(states=[JobState.CLAIMED])] == ["b"]
    assert [job.key for job in ledger.jobs("predict", [JobState.DUE])] == ["a", "c"]
