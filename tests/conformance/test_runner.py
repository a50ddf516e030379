"""What every runner must do."""

import errno
import os
import signal
import subprocess
import sys
from collections import Counter
from importlib import import_module

import pytest

from fixtures.runners import PARALLEL, RAY, RUNNERS
from omentum.errors import DiskFullError, OmentumError, ProjectError, UnreadableImageError
from omentum.records import Batch, Failure
from omentum.runners.memory_ledger import MemoryLedger
from omentum.store.store import Store

URL = "sqlite:///omentum.db"


@pytest.fixture(
    params=[
        pytest.param((name, step), id=f"{name}-{step}")
        for name in RUNNERS
        for step in (["compute"] if name == RAY else ["whole", "read", "compute", "write"])
    ]
)
def runner(request, runner_named):
    name, step = request.param
    return Plain(runner_named(name), step, is_one_by_one=name not in PARALLEL)


@pytest.fixture
def ledger():
    return MemoryLedger()


class Plain:
    """A runner that is given work as it is, or in steps of which one does it all."""

    def __init__(self, runner, step, *, is_one_by_one):
        self.runner, self.step, self.is_one_by_one = runner, step, is_one_by_one

    def run(self, items, work, **how):
        if self.step != "whole":
            work = import_module("runner_work").in_steps(work, self.step)
        return self.runner.run(items, work, **how)


@pytest.fixture
def work_with(tmp_path, runner_named):
    return lambda errors=None: import_module("runner_work").Failing(tmp_path / "calls.txt", errors)


def test_results_reach_the_ledger_and_keys_come_in_the_order_of_the_items(runner, ledger, work_with):
    batch = runner.run(list("cab"), work_with(), key=lambda item: f"key-{item}", ledger=ledger)
    assert batch == Batch(done=("key-c", "key-a", "key-b"), skipped=(), failed=())
    assert ledger.results == {"key-a": "A", "key-b": "B", "key-c": "C"}


def test_nothing_to_do_is_done(runner, ledger, work_with):
    assert runner.run([], work_with(), key=str, ledger=ledger) == Batch(done=(), skipped=(), failed=())


def test_what_is_done_is_skipped(runner, ledger, work_with):
    ledger.mark_done("b", "by an earlier run")
    work = work_with()
    batch = runner.run(list("abc"), work, key=str, ledger=ledger)
    assert batch == Batch(done=("a", "c"), skipped=("b",), failed=())
    assert work.calls == Counter("ac")
    assert ledger.results["b"] == "by an earlier run"


def test_two_items_of_one_key_are_our_bug(runner, ledger, work_with):
    work = work_with()
    with pytest.raises(ValueError, match="keys of their own"):
        runner.run(["a", "b", "a"], work, key=str, ledger=ledger)
    assert work.calls == Counter()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OmentumError("the CT is torn"), "the CT is torn"),
        (
            UnreadableImageError("a.nii.gz", "truncated", "copy it again"),
            "a.nii.gz: truncated; copy it again",
        ),
        (MemoryError(), "more memory than there is"),
        (PermissionError(errno.EACCES, "Permission denied", "a.nii.gz"), "Permission denied: 'a.nii.gz'"),
    ],
)
def test_what_fails_one_item_is_noted_and_the_others_go_on(runner, ledger, work_with, error, reason):
    batch = runner.run(list("abc"), work_with({"b": error}), key=str, ledger=ledger)
    assert (batch.done, batch.skipped) == (("a", "c"), ())
    (failure,) = batch.failed
    assert failure.key == "b"
    assert reason in failure.reason
    assert ledger.failures == [failure]


def test_what_failed_is_tried_again_and_then_its_failure_is_gone(runner, ledger, work_with):
    work = work_with({"b": OmentumError("the CT is torn")})
    runner.run(list("abc"), work, key=str, ledger=ledger)
    work.errors = {}
    batch = runner.run(list("abc"), work, key=str, ledger=ledger)
    assert batch == Batch(done=("b",), skipped=("a", "c"), failed=())
    assert work.calls == Counter("abbc")
    assert ledger.failures == []


def test_our_own_bug_is_noted_and_goes_up(runner, ledger, work_with):
    with pytest.raises(ZeroDivisionError) as caught:
        runner.run(list("abc"), work_with({"b": ZeroDivisionError("by nought")}), key=str, ledger=ledger)
    assert "while working on b" in caught.value.__notes__
    assert ledger.failures == [Failure(key="b", reason="ZeroDivisionError: by nought")]
    assert not ledger.done("b")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_ends_the_run_and_is_no_items_fault(runner, ledger, work_with, code):
    full = OSError(code, os.strerror(code), "b.nii.gz")
    with pytest.raises(DiskFullError, match="free some space and run the same command again"):
        runner.run(list("abc"), work_with({"b": full}), key=str, ledger=ledger)
    assert ledger.done("a") or not runner.is_one_by_one
    assert ledger.failures == []


def test_a_full_disk_that_work_has_told_of_ends_the_run_too(runner, ledger, work_with):
    full = DiskFullError("a chunk", "no space")
    with pytest.raises(DiskFullError, match="no space at a chunk"):
        runner.run(list("abc"), work_with({"b": full}), key=str, ledger=ledger)
    assert ledger.failures == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError(), OSError(errno.ENOSPC, "full")])
def test_after_an_interruption_the_same_call_goes_on_and_does_nothing_twice(runner, ledger, work_with, error):
    work = work_with({"c": error})
    with pytest.raises((type(error), DiskFullError)):
        runner.run(list("abcde"), work, key=str, ledger=ledger)
    done_before = set(ledger.results)
    work.errors = {}
    batch = runner.run(list("abcde"), work, key=str, ledger=ledger)
    assert set(batch.skipped) == done_before
    assert set(batch.done) == set("abcde") - done_before
    if runner.is_one_by_one and runner.step != "read":  # the next item may be read before this one ends
        assert all(work.calls[item] == 1 for item in set("abcde") - {"c"})
    assert ledger.results == {item: item.upper() for item in "abcde"}
    assert ledger.failures == []


def test_an_interruption_is_no_items_failure(runner, ledger, work_with):
    with pytest.raises(KeyboardInterrupt):
        runner.run(["a"], work_with({"a": KeyboardInterrupt()}), key=str, ledger=ledger)
    assert ledger.failures == []


def test_trouble_with_the_ledger_ends_the_run_and_is_no_items_failure(runner, work_with):
    class Torn(MemoryLedger):
        def mark_done(self, key, result):
            raise ProjectError(f"the database is locked, {key} cannot be {result}")

    ledger = Torn()
    with pytest.raises(ProjectError, match="locked"):
        runner.run(list("ab"), work_with(), key=str, ledger=ledger)
    assert ledger.failures == []


def test_progress_is_told_of_each_item_once(runner, ledger, work_with):
    ledger.mark_done("a", "A")
    told = []
    work = work_with({"b": OmentumError("torn")})
    runner.run(list("abcd"), work, key=str, ledger=ledger, progress=lambda *progress: told.append(progress))
    assert sorted(note for *_, note in told) == ["a", "b failed", "c", "d"]
    assert [how_far for *how_far, _ in told] == [["", number, 4] for number in (1, 2, 3, 4)]


def test_an_item_is_noted_before_progress_hears_of_it(runner, ledger, work_with):
    def look(_step, _n_done, _n_total, key):
        assert ledger.done(key)

    runner.run(list("abc"), work_with(), key=str, ledger=ledger, progress=look)


_PROGRAM = """
import os, signal, sys, time
from importlib import import_module
from pathlib import Path
from omentum.errors import OmentumError

runner_name, root, fatal = sys.argv[1], Path(sys.argv[2]), sys.argv[3]

def work(item):
    with (root / "calls.txt").open("a") as log:
        log.write(item + "\\n")
    if item == fatal:
        os.kill(int((root / "pid.txt").read_text()), signal.SIGKILL)
        time.sleep(60)  # until this process ends, too
    if item == "item-03":
        raise OmentumError("the CT is torn")
    return {"said": item.upper()}

if __name__ == "__main__":
    from omentum.store.store import Store

    module, _, attribute = runner_name.partition(":")
    (root / "pid.txt").write_text(str(os.getpid()))
    with Store.open("sqlite:///omentum.db", root) as store:
        items = [f"item-{number:02}" for number in range(12)]
        runner = getattr(import_module(module), attribute)()
        batch = runner.run(items, work, key=str, ledger=store.ledger.of("predict"))
    print(len(batch.done), len(batch.skipped), len(batch.failed))
"""


def run_program(runner_name, root, fatal, address=None):
    root.mkdir(exist_ok=True)
    program = root.parent / "program.py"
    program.write_text(_PROGRAM)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    if address is not None:
        environment["RAY_ADDRESS"] = address
    return subprocess.run(
        [sys.executable, program, runner_name, root, fatal],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def state_of(root):
    with Store.open(URL, root) as store:
        return store.ledger.done_keys("predict"), store.ledger.failures()


@pytest.mark.parametrize(
    ("runner_name", "fatal"),
    [
        (name, fatal)
        for name in RUNNERS
        for fatal in (["item-05"] if name in PARALLEL else ["item-00", "item-05", "item-11"])
    ],
)
def test_what_is_killed_goes_on_to_the_same_end_and_does_nothing_twice(runner_name, tmp_path, fatal, request):
    address = request.getfixturevalue("ray_cluster") if runner_name == RAY else None
    killed = run_program(runner_name, tmp_path / "killed", fatal, address)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    again = run_program(runner_name, tmp_path / "killed", "none", address)
    assert again.returncode == 0, again.stderr
    whole = run_program(runner_name, tmp_path / "whole", "none", address)
    assert whole.stdout.split() == ["11", "0", "1"], whole.stderr

    assert state_of(tmp_path / "killed") == state_of(tmp_path / "whole")
    calls = Counter((tmp_path / "killed" / "calls.txt").read_text().split())
    if runner_name in PARALLEL:
        return
    # The one that it was killed in was never done, and the torn one is tried again by every run.
    assert calls.pop(fatal) == 2
    calls.pop("item-03")
    assert list(calls.values()) == [1] * 10
