"""What the store's ledger does beyond what every ledger does."""

from omentum.records import Failure


def test_what_is_done_is_given_for_one_stage(store):
    for stage, key in (("predict", "b"), ("predict", "a"), ("predict", "a"), ("score", "a")):
        store.ledger.mark_done(stage, key)
    store.ledger.mark_failed("predict", "c", "")
    assert store.ledger.done_keys("predict") == {"a", "b"}
    assert store.ledger.done_keys("tune") == set()
    assert store.ledger.failures("predict") == [Failure(key="c", reason="")]


def test_failures_come_for_one_stage_or_for_all(store):
    store.ledger.mark_failed("score", "b", "torn")
    store.ledger.mark_failed("predict", "b", "too small")
    store.ledger.mark_failed("predict", "a", "not a CT")
    predict = [Failure(key="a", reason="not a CT"), Failure(key="b", reason="too small")]
    score = [Failure(key="b", reason="torn")]
    assert store.ledger.failures("predict") == predict
    assert store.ledger.failures("tune") == []
    assert store.ledger.failures() == [*predict, *score]
    assert store.ledger.failures_by_stage() == {"predict": predict, "score": score}


def test_what_is_forgotten_is_to_be_done_again(store):
    store.ledger.mark_done("predict", "a")
    store.ledger.mark_done("predict", "b")
    store.ledger.mark_failed("predict", "c", "torn")
    for key in ("a", "c", "never was"):
        store.ledger.forget("predict", key)
    assert not store.ledger.done("predict", "a")
    assert store.ledger.done("predict", "b")
    assert store.ledger.failures("predict") == []


def test_stages_do_not_see_each_other(store):
    store.ledger.of("predict").mark_done("a", {"ml": float("nan")})
    assert store.ledger.done("predict", "a")
    assert not store.ledger.of("score").done("a")
