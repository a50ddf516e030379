import sys

import pytest

from omentum.choices import RUNNERS
from omentum.errors import ConfigError
from omentum.runners.make import make_runner
from omentum.runners.memory_ledger import MemoryLedger


@pytest.mark.parametrize("name", RUNNERS)
def test_each_name_makes_a_runner(name):
    if name == "ray":
        pytest.importorskip("ray")
    assert make_runner(name, workers=2) is not None


def test_limits_reach_the_processes(monkeypatch):
    runner = make_runner("processes", workers=1, job_seconds=600.0, job_bytes=8_000_000_000)
    assert runner.run([], len, key=str, ledger=MemoryLedger()).done == ()


def test_another_name_is_refused():
    with pytest.raises(ConfigError, match="known are in-process, processes, ray"):
        make_runner("threads")


def test_a_missing_ray_is_told_with_its_cure(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'omentum\[ray\]'"):
        make_runner("ray")
