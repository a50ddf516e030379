"""What the runner in several processes does beyond what every runner does."""

import os
import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

from omentum.errors import ConfigError, JobError
from omentum.runners.memory_ledger import MemoryJobs, MemoryLedger, MemorySharedLedger
from omentum.runners.processes import ProcessRunner
from omentum.runners.steps import Steps


@pytest.fixture
def process_work(monkeypatch):
    """The module of this name beside this one, found by other processes too."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    return import_module("process_work")


def test_the_work_is_loaded_once_in_each_process(process_work, tmp_path):
    log, ledger = tmp_path / "loaded.txt", MemoryLedger()
    ProcessRunner(2).run(list(range(10)), process_work.Costly(log), key=str, ledger=ledger)
    loaded = log.read_text().split()
    assert len(loaded) == len(set(loaded)) <= 2
    assert set(ledger.results.values()) <= {int(one) for one in loaded}


@pytest.mark.parametrize(("options", "expected"), [({"threads": 3}, "3"), ({}, None)])
def test_each_process_computes_with_its_share_of_the_processors(process_work, monkeypatch, options, expected):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", raising=False)
    ledger = MemoryLedger()
    n_processors = len(os.sched_getaffinity(0))
    ProcessRunner(n_processors, **options).run(["a"], process_work.threads_of, key=str, ledger=ledger)
    assert ledger.results["a"] == (expected or "1",) * 2
    assert "OMP_NUM_THREADS" not in os.environ


def test_threads_that_the_environment_sets_are_kept(process_work, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    ledger = MemoryLedger()
    ProcessRunner(2).run(["a"], process_work.threads_of, key=str, ledger=ledger)
    assert ledger.results["a"][0] == "5"


def test_a_process_leaves_it_to_its_parent_to_end_a_run(process_work):
    ledger = MemoryLedger()
    ProcessRunner(1).run(["a"], process_work.told_to_end, key=str, ledger=ledger)
    assert ledger.results == {"a": "went on"}


def test_a_result_that_cannot_be_pickled_is_our_bug(process_work):
    with pytest.raises(TypeError, match="pickle"):
        ProcessRunner(1).run(["a"], process_work.lock_of, key=str, ledger=MemoryLedger())


def test_work_that_cannot_be_loaded_ends_the_run(process_work, tmp_path):
    work, ledger = process_work.Costly(tmp_path / "absent" / "loaded.txt"), MemoryLedger()
    with pytest.raises(FileNotFoundError):
        ProcessRunner(1).run(["a"], work, key=str, ledger=ledger)
    assert ledger.failures == []


def test_processes_that_end_before_they_begin_end_the_run(process_work, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setattr("multiprocessing.spawn.get_executable", lambda: b"/bin/false")
    with pytest.raises(JobError, match="end before they begin to work"):
        ProcessRunner(1, threads=3).run(["a"], process_work.threads_of, key=str, ledger=MemoryLedger())


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forks of a server on Linux alone")
def test_a_run_goes_on_when_the_server_that_forks_its_processes_is_killed(
    process_work, tmp_path, monkeypatch
):
    monkeypatch.setattr("omentum.runners.fork_server._threads_of_server", [])  # whatever began it
    ledger, work = MemoryLedger(), partial(process_work.kill_server_once, tmp_path / "killed")
    ProcessRunner(1).run(list("ab"), work, key=str, ledger=ledger)
    assert ledger.results == {"a": "done", "b": "done"}


def test_a_process_reads_the_next_item_and_writes_the_last_one_while_it_computes(process_work, tmp_path):
    steps = Steps(
        read=partial(process_work.note, tmp_path, "read"),
        compute=partial(process_work.compute_between, tmp_path),
        write=partial(process_work.note, tmp_path, "write"),
    )
    batch = ProcessRunner(1).run([0, 1, 2], steps, key=str, ledger=MemoryLedger())
    assert batch.done == ("0", "1", "2")


def test_no_more_is_claimed_than_there_are_processes(process_work):
    jobs = MemoryJobs()
    seen = []

    class Counting(MemorySharedLedger):
        def mark_done(self, key, result):
            seen.append(sum(job.state == "claimed" for job in jobs.jobs.values()))
            super().mark_done(key, result)

    ProcessRunner(2).run(list("abcdef"), process_work.threads_of, key=str, ledger=Counting(jobs, "this"))
    assert max(seen) <= 2


def test_no_process_is_begun_for_nothing(monkeypatch):
    monkeypatch.setattr("omentum.runners.worker_slot.multiprocessing.get_context", None)
    ledger = MemoryLedger()
    ledger.mark_done("a", 1)
    assert ProcessRunner(2).run(["a"], str, key=str, ledger=ledger).skipped == ("a",)


def test_no_workers_are_refused():
    with pytest.raises(ConfigError, match="workers is 0, but it takes one at least"):
        ProcessRunner(0)
