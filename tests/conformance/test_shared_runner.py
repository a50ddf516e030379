"""What every runner must do with a ledger that it shares with other programs."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from importlib import import_module

import pytest

from fixtures.runners import PARALLEL, RAY, RUNNERS
from omentum.errors import DiskFullError, OmentumError
from omentum.records.jobs import JobState
from omentum.runners import job_ends, jobs
from omentum.runners.memory_ledger import MemoryJobs, MemorySharedLedger
from omentum.store.store import Store

LONG_S = 1e6


@pytest.fixture(params=RUNNERS, ids=lambda name: name.partition(":")[2])
def named(request):
    return request.param


@pytest.fixture
def runner(named, runner_named):
    return runner_named(named)


@pytest.fixture
def work(tmp_path, runner_named):
    return import_module("runner_work").Failing(tmp_path / "calls.txt")


@pytest.fixture
def shared_jobs(monkeypatch):
    monkeypatch.setattr(job_ends, "_PAUSES_S", (0.01, 0.02))
    monkeypatch.setattr(jobs, "_LEAST_PAUSE_S", 0.05)
    return MemoryJobs()


@pytest.fixture
def ledger(shared_jobs):
    return MemorySharedLedger(shared_jobs, "this")


def made(name, *arguments):
    return getattr(import_module("runner_work"), name)(*arguments)


def test_two_runs_share_the_items_and_each_is_done_once(named, runner_named, shared_jobs, work):
    items = [f"item-{number:02}" for number in range(20)]
    runners = [runner_named(named) for _ in range(2)]
    batches = {}

    def run(number):
        ledger = MemorySharedLedger(shared_jobs, f"worker-{number}")
        batches[number] = runners[number].run(items, made("Slow", work, 0.02), key=str, ledger=ledger)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert work.calls == Counter(items)
    assert shared_jobs.results == {item: item.upper() for item in items}
    for number in range(2):
        assert sorted(batches[number].done + batches[number].skipped) == items
    assert set(batches[0].done) == set(items) - set(batches[1].done)


def test_what_the_dead_left_is_taken_over_when_their_leases_end(runner, work):
    now = [0.0]
    shared_jobs = MemoryJobs(clock=lambda: now[0])
    dead = MemorySharedLedger(shared_jobs, "dead")
    dead.offer(list("abcd"))
    assert dead.claim(2) == ["a", "b"]

    def progress(_step, n_done, _n_total, _key):
        if n_done == 2:
            assert set(shared_jobs.results) == {"c", "d"}
            now[0] += 121

    mine = MemorySharedLedger(shared_jobs, "mine", lease_s=LONG_S)
    batch = runner.run(list("abcd"), work, key=str, ledger=mine, progress=progress)
    assert batch.done == tuple("abcd")
    assert work.calls == Counter("abcd")


def test_what_others_do_meanwhile_is_waited_for_and_skipped_or_failed(runner, shared_jobs, ledger, work):
    other = MemorySharedLedger(shared_jobs, "other")
    other.offer(list("abc"))
    assert other.claim(2) == ["a", "b"]

    def end_both():
        other.mark_done("a", "by another")
        other.mark_failed("b", "the CT is torn")

    timer = threading.Timer(0.5, end_both)
    timer.start()
    batch = runner.run(list("abc"), work, key=str, ledger=ledger)
    timer.join()
    assert (batch.done, batch.skipped) == (("c",), ("a",))
    assert [(failure.key, failure.reason) for failure in batch.failed] == [("b", "the CT is torn")]
    assert work.calls == Counter("c")


def test_a_run_that_does_not_wait_ends_while_others_work(named, runner_named, shared_jobs, ledger, work):
    other = MemorySharedLedger(shared_jobs, "other")
    other.offer(list("ab"))
    assert other.claim(1) == ["a"]
    runner = runner_named(named, waits_for_others=False)
    batch = runner.run(list("ab"), work, key=str, ledger=ledger)
    assert (batch.done, batch.skipped, batch.failed) == (("b",), (), ())


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), MemoryError()])
def test_what_may_pass_is_tried_again_and_then_done(runner, shared_jobs, ledger, work, error):
    failing = made("FailingAtFirst", work, error, ("b",))
    batch = runner.run(list("abc"), failing, key=str, ledger=ledger)
    assert batch.done == tuple("abc")
    assert work.calls == Counter("abbc")
    assert shared_jobs.failures == []


def test_what_never_passes_fails_after_three_attempts(runner, shared_jobs, ledger, work):
    work.errors = {"b": OSError(errno.EIO, "Input/output error", "b.nii.gz")}
    batch = runner.run(list("abc"), work, key=str, ledger=ledger)
    assert batch.done == ("a", "c")
    assert work.calls["b"] == 3
    (failure,) = batch.failed
    assert failure.reason.endswith("Input/output error: 'b.nii.gz' (3 attempts)")
    assert shared_jobs.failures == [failure]


def test_what_is_wrong_with_an_item_fails_it_at_once(runner, shared_jobs, ledger, work):
    work.errors = {"b": OmentumError("the CT is torn")}
    batch = runner.run(list("abc"), work, key=str, ledger=ledger)
    assert batch.failed == tuple(shared_jobs.failures)
    assert work.calls["b"] == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError(), OSError(errno.ENOSPC, "full")])
def test_what_a_run_did_not_finish_is_given_back(runner, shared_jobs, ledger, work, error):
    work.errors = {"b": error}
    with pytest.raises((type(error), DiskFullError)):
        runner.run(list("abcdef"), work, key=str, ledger=ledger)
    states = {key: job.state for key, job in shared_jobs.jobs.items()}
    assert JobState.CLAIMED not in states.values()
    is_bug = isinstance(error, ZeroDivisionError)
    assert states["b"] is (JobState.FAILED if is_bug else JobState.DUE)
    assert [failure.key for failure in shared_jobs.failures] == (["b"] if is_bug else [])


def test_what_the_work_took_reaches_the_ledger(runner, shared_jobs, ledger, work):
    runner.run(list("ab"), made("Slow", work, 0.05), key=str, ledger=ledger)
    for seconds, peak_bytes in shared_jobs.costs.values():
        assert seconds >= 0.05
        assert peak_bytes is None or peak_bytes > 1_000_000


def test_a_result_is_kept_although_the_lease_was_lost(runner, work):
    now = [0.0]
    shared_jobs = MemoryJobs(clock=lambda: now[0])
    other = MemorySharedLedger(shared_jobs, "other", lease_s=LONG_S)

    class Losing(MemorySharedLedger):
        def claim(self, n):
            claimed = super().claim(n)
            now[0] += 2 * LONG_S if claimed else 0
            other.offer(list("a"))
            other.claim(1)
            return claimed

    losing = Losing(shared_jobs, "losing", lease_s=LONG_S)
    assert runner.run(["a"], work, key=str, ledger=losing).done == ("a",)
    assert shared_jobs.results == {"a": "A"}


_PROGRAM = """
import signal, sys, time
from importlib import import_module
from pathlib import Path

def work(item):
    Path(item).touch()
    time.sleep(600)

def stop(*_):
    raise KeyboardInterrupt

if __name__ == "__main__":
    from omentum.runners.worker_name import worker_name
    from omentum.store.shared_stage import SharedStageLedger
    from omentum.store.store import Store

    signal.signal(signal.SIGTERM, stop)
    module, _, attribute = sys.argv[1].partition(":")
    with Store.open("sqlite:///omentum.db", Path(sys.argv[2])) as store:
        items = [f"{sys.argv[2]}/item-{number}" for number in range(4)]
        ledger = SharedStageLedger(store.ledger, "predict", worker_name())
        getattr(import_module(module), attribute)().run(items, work, key=str, ledger=ledger)
"""


def test_a_run_that_is_told_to_end_gives_back_what_it_had(named, request, tmp_path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    if named == RAY:
        environment["RAY_ADDRESS"] = request.getfixturevalue("ray_cluster")
    script = tmp_path / "program.py"
    script.write_text(_PROGRAM)
    root = tmp_path / "project"
    root.mkdir()
    n_begun = 2 if named in PARALLEL else 1
    with subprocess.Popen([sys.executable, script, named, root], env=environment) as program:
        for _ in range(1200):
            if program.poll() is not None or len(list(root.glob("item-*"))) == n_begun:
                break
            time.sleep(0.1)
        program.send_signal(signal.SIGTERM)
        assert program.wait(60) not in (0, -signal.SIGTERM)
    with Store.open("sqlite:///omentum.db", root) as store:
        records = store.ledger.jobs("predict")
        assert [record.state for record in records] == [JobState.DUE] * 4
        assert {record.attempts for record in records} == {0}
