"""What the runner on a Ray cluster does beyond what every runner does."""

import os
import socket

import numpy as np
import pytest

from omentum.errors import ConfigError
from omentum.runners.memory_ledger import MemoryLedger
from omentum.runners.steps import Steps

pytest.importorskip("ray")
from omentum.runners.ray_runner import RayRunner


def test_an_address_where_nothing_answers_is_refused_at_once():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(ConfigError, match="no Ray cluster answers there"):
        RayRunner(1, address=address).run(["a"], str, key=str, ledger=MemoryLedger())


def test_arrays_that_steps_hand_over_can_be_changed(ray_cluster):
    def add_one(_, array):
        array += 1
        return array

    steps = Steps(
        read=lambda n: np.full(100_000, n), compute=add_one, write=lambda _, array: int(array.sum())
    )
    ledger = MemoryLedger()
    RayRunner(1).run([1, 2], steps, key=str, ledger=ledger)
    assert ledger.results == {"1": 200_000, "2": 300_000}


def test_steps_that_may_not_be_apart_are_done_by_one_process(ray_cluster):
    steps = Steps(
        read=lambda _: os.getpid(),
        compute=lambda _, pid: (pid, os.getpid()),
        write=lambda _, pids: (*pids, os.getpid()),
        may_be_apart=False,
    )
    ledger = MemoryLedger()
    RayRunner(1).run(["a"], steps, key=str, ledger=ledger)
    assert len(set(ledger.results["a"])) == 1


def test_actors_for_which_the_cluster_has_no_room_are_not_waited_for(ray_cluster):
    ledger = MemoryLedger()
    batch = RayRunner(4).run(list("abcdef"), str.upper, key=str, ledger=ledger)
    assert batch.done == tuple("abcdef")
