"""Do work on the machines of a Ray cluster, or with Ray on this one."""

import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from omentum.errors import ConfigError
from omentum.runners.jobs import Jobs
from omentum.runners.ray_slot import RayNeeds, RaySlot
from omentum.runners.runner import Runner
from omentum.runners.slots import Limits, run_in_slots
from omentum.runners.steps import Steps

__all__ = ["RayRunner"]

_OWN = "local"
"""Ray's name for a cluster that the program begins itself."""
_HOST_AND_PORT = re.compile(r"[\w.-]+:\d+")
_ANSWERS_WITHIN_S = 10.0
_NO_CLUSTER = "no Ray cluster answers there; `ray status` on a machine of the cluster shows whether it runs"


class RayRunner(Runner):
    """Does several items at a time, each in an actor of a Ray cluster, that is, in a process of its own.

    A cluster with GPUs gets an actor a GPU. Of work in `Steps`, tasks on any machine read and write, and two
    items at a time belong to each actor, so that memory stays bounded. All machines must have Omentum, and
    see the same files by the same paths; the program that runs this alone uses the ledger.

    Args:
        n_workers: How many actors, where the cluster has no GPUs.
        address: Of the cluster, such as `auto` on a machine that is part of it; `None` is the one that
            `RAY_ADDRESS` names, or else begins one on this machine, which ends with this program.
        threads: Processors of an actor, where the cluster has no GPUs.
        job_seconds: Longest time of a job, from when its actor is free for it; `None` if there is no limit.
        job_bytes: Most memory of the actor of a job; `None` if there is no limit.
        waits_for_others: See `Runner`.

    Raises:
        ConfigError: Ray is not installed, or a number is below one.
    """

    def __init__(
        self,
        n_workers: int = 2,
        *,
        address: str | None = None,
        threads: int = 1,
        job_seconds: float | None = None,
        job_bytes: int | None = None,
        waits_for_others: bool = True,
    ) -> None:
        super().__init__(waits_for_others=waits_for_others)
        if n_workers < 1:
            raise ConfigError("workers", n_workers, "it takes one at least")
        self._ray = _imported_ray()
        self._n_workers, self._address, self._threads = n_workers, address, threads
        self._limits = Limits(seconds=job_seconds, n_bytes=job_bytes)

    def _run_all(self, jobs: Jobs, work: Callable[[Any], Any]) -> None:
        ray = self._ray
        _connect(ray, self._address)
        n_gpus = int(ray.cluster_resources().get("GPU", 0))
        if n_gpus:
            needs = RayNeeds(actor_cpus=0, actor_gpus=1, task_cpus=1)
        else:  # reading and writing wait more than they compute
            needs = RayNeeds(actor_cpus=self._threads, actor_gpus=0, task_cpus=0)
        is_apart = isinstance(work, Steps) and work.may_be_apart
        in_cluster = ray.put(work)
        slots = [
            RaySlot(ray, in_cluster, is_apart=is_apart, needs=needs, limits=self._limits)
            for _ in range(n_gpus or self._n_workers)
        ]

        def wait_for_any(seconds: float) -> None:
            results = [one for slot in slots for one in slot.waits_on]
            if results:
                ray.wait(results, timeout=seconds)
            else:
                time.sleep(seconds)

        run_in_slots(slots, jobs, wait_for_any)


def _imported_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing of a project is told to anybody
    try:
        import ray
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        rule = "Ray is not installed; `pip install 'omentum[ray]'` installs it"
        raise ConfigError("runner", "ray", rule) from error
    return ray


def _connect(ray: Any, address: str | None) -> None:
    """Connect to a cluster once a program; the program's own way to end when it is told to stays."""
    if ray.is_initialized():
        return
    where = address or os.environ.get("RAY_ADDRESS") or _OWN
    if _HOST_AND_PORT.fullmatch(where):
        _check_reachable(where)
    is_main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM)
    own = {"include_dashboard": False} if where == _OWN else {}
    try:
        ray.init(address=where, log_to_driver=False, logging_level="warning", **own)
    except ConnectionError as error:
        raise ConfigError("address", where, _NO_CLUSTER) from error
    if is_main:
        signal.signal(signal.SIGTERM, before)


def _check_reachable(address: str) -> None:
    """Refuse an address where nothing answers at once, as Ray asks there for five minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWERS_WITHIN_S).close()
    except OSError as error:
        raise ConfigError("address", address, _NO_CLUSTER) from error
