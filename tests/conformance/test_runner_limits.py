"""What every runner must do that works in other processes: what happens in one is one item's failure."""

from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

from fixtures.runners import PARALLEL
from omentum.runners.memory_ledger import MemoryJobs, MemoryLedger, MemorySharedLedger


@pytest.fixture(params=sorted(PARALLEL), ids=lambda name: name.partition(":")[2])
def make(request, runner_named):
    return lambda **options: runner_named(request.param, **options)


@pytest.fixture
def work(tmp_path, runner_named):
    return import_module("runner_work").Failing(tmp_path / "calls.txt")


def harming(work, *how):
    return import_module("runner_work").Harming(work, *how)


@pytest.fixture(params=["own", "shared"])
def ledger(request):
    return MemoryLedger() if request.param == "own" else MemorySharedLedger(MemoryJobs(), "this")


def test_a_job_that_ends_its_process_fails_alone(make, work, ledger):
    batch = make().run(list("abcdef"), harming(work, "b", "end"), key=str, ledger=ledger)
    assert batch.done == tuple("acdef")
    (failure,) = batch.failed
    assert failure.key == "b"
    assert failure.reason.startswith("it ended the process")
    assert work.calls == Counter("abbcdef")


def test_a_job_in_steps_that_ends_its_process_fails_alone(make, work):
    steps = import_module("runner_work").in_steps(harming(work, "b", "end"), "compute")
    batch = make().run(list("abcdef"), steps, key=str, ledger=MemoryLedger())
    assert batch.done == tuple("acdef")
    assert [failure.key for failure in batch.failed] == ["b"]


def test_a_job_whose_process_was_ended_once_is_done(make, work):
    once = harming(work, "b", "end", True)
    batch = make().run(list("abc"), once, key=str, ledger=MemoryLedger())
    assert batch.done == tuple("abc")


def test_a_job_that_takes_too_long_fails_alone(make, work):
    runner = make(job_seconds=3)
    batch = runner.run(list("abc"), harming(work, "b", "time"), key=str, ledger=MemoryLedger())
    assert batch.done == tuple("ac")
    (failure,) = batch.failed
    assert failure.reason.startswith("it took more than 3 s")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is looked up in /proc")
def test_a_job_that_takes_too_much_memory_fails_alone(make, work):
    runner = make(job_bytes=1_000_000_000)
    batch = runner.run(list("abc"), harming(work, "b", "memory"), key=str, ledger=MemoryLedger())
    assert batch.done == tuple("ac")
    (failure,) = batch.failed
    assert failure.reason.startswith("it used more than 1.0 GB")
