"""Begin, watch and end one actor of a Ray cluster, and the tasks that read and write for it.

What passes between processes is pickled here, as arrays that Ray itself hands over cannot be changed.
"""

import logging
import math
import os
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from omentum.runners.jobs import Job
from omentum.runners.measure import PeakMemory, resident_bytes
from omentum.runners.outcomes import CallOutcome, outcome_of
from omentum.runners.shared_ledger import Measured
from omentum.runners.slots import Limits, ProcessSlot
from omentum.runners.steps import Steps
from omentum.runners.worker import measured, then

__all__ = ["RayNeeds", "RaySlot"]

_WARN_AFTER_S = 60.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RayNeeds:
    """What Ray must have free for an actor, and for a task that reads or writes for it."""

    actor_cpus: int
    actor_gpus: int
    task_cpus: int

    def __str__(self) -> str:
        return f"an actor with {self.actor_gpus} GPUs and {self.actor_cpus} CPUs"


class RaySlot(ProcessSlot):
    """One actor, which computes; of work in `Steps` that may be done apart, tasks read and write elsewhere.

    Args:
        ray: The module.
        work: Where the cluster has the work.
        is_apart: Whether it is work in `Steps` to be done apart.
        needs: What must be free.
        limits: What a job may take.
    """

    def __init__(self, ray: Any, work: Any, *, is_apart: bool, needs: RayNeeds, limits: Limits) -> None:
        super().__init__(2 if is_apart else 1, limits)
        self._ray, self._work, self._is_apart, self._needs = ray, work, is_apart, needs
        self._watches_memory = limits.n_bytes is not None
        self._actor: Any = None
        self._results: dict[Any, str | None] = {}
        self._memory: Any = None
        self._bytes: int | None = None
        self._died: str | None = None
        self._warn_at = math.inf

    @property
    def waits_on(self) -> list[Any]:
        """What becomes ready when the actor has something to tell."""
        return list(self._results)

    def close(self) -> None:
        """See `ProcessSlot.close`."""
        self.kill()

    def kill(self) -> None:
        """See `ProcessSlot.kill`."""
        if self._actor is not None:
            self._ray.kill(self._actor)
        self._actor = self._memory = self._bytes = self._died = None
        self._results = {}

    def _is_open(self) -> bool:
        """Return whether the actor has begun: the cluster may have no room for it for long."""
        if not self._is_running:
            self._start()
        if not self._is_ready and time.monotonic() > self._warn_at:
            self._warn_at = math.inf
            _log.warning("the Ray cluster has had no room for %s for %g s", self._needs, _WARN_AFTER_S)
        return self._is_ready

    @property
    def _is_running(self) -> bool:
        return self._actor is not None

    def _start(self) -> None:
        self._warn_at = time.monotonic() + _WARN_AFTER_S
        options = {"num_cpus": self._needs.actor_cpus, "num_gpus": self._needs.actor_gpus}
        groups = {"watch": 1}  # memory is told while a job is under way
        self._actor = self._ray.remote(concurrency_groups=groups, **options)(_Worker).remote()
        self._results[self._actor.load.remote(self._work)] = None

    def _send(self, job: Job) -> None:
        pickled = pickle.dumps(job)
        if not self._is_apart:
            result = self._actor.work.remote(pickled)
        else:
            options = {"num_cpus": self._needs.task_cpus, "scheduling_strategy": "SPREAD"}
            given = self._ray.remote(**options)(_read).remote(self._work, pickled)
            made = self._actor.compute.remote(pickled, given)
            result = self._ray.remote(**options)(_write).remote(self._work, pickled, made)
        self._results[result] = job.key

    def _answers(self) -> list[tuple[str | None, CallOutcome[Any]]]:
        if not self._results:
            return []
        ended, _ = self._ray.wait(list(self._results), num_returns=len(self._results), timeout=0)
        answers: list[tuple[str | None, CallOutcome[Any]]] = []
        for result in ended:
            key = self._results.pop(result)
            try:
                answers.append((key, pickle.loads(self._ray.get(result))))
            except self._ray.exceptions.RayError as error:
                cause = getattr(error, "cause", error)  # a task may fail as the actor before it ended
                if isinstance(cause, self._ray.exceptions.RayError):
                    self._died = type(cause).__name__
                else:
                    answers.append((key, CallOutcome(None, error, 0.0)))
        return answers

    def _death(self) -> str | None:
        return self._died

    def _used_bytes(self) -> int | None:
        if not self._watches_memory:
            return None
        if self._memory is None:
            self._memory = self._actor.used_bytes.options(concurrency_group="watch").remote()
        elif self._ray.wait([self._memory], timeout=0)[0]:
            memory, self._memory = self._memory, None
            try:
                self._bytes = self._ray.get(memory)
            except self._ray.exceptions.RayError:
                self._bytes = None  # the actor has ended, which its jobs tell
        return self._bytes


class _Worker:
    """The process of an actor."""

    def __init__(self) -> None:
        self._work: Callable[[Any], Any] | None = None
        self._memory = PeakMemory()

    def load(self, work: Callable[[Any], Any]) -> bytes:
        self._work = work
        return pickle.dumps(CallOutcome(None, None, 0.0))

    def work(self, pickled: bytes) -> bytes:
        assert self._work is not None
        job = pickle.loads(pickled)
        self._memory.begin(job.key)
        outcome = outcome_of(self._work, job.item)
        return _pickled(measured(outcome, self._memory.end(job.key)))

    def compute(self, pickled: bytes, given: bytes) -> bytes:
        assert isinstance(self._work, Steps)
        job = pickle.loads(pickled)
        self._memory.begin(job.key)
        made = then(pickle.loads(given), self._work.compute, job.item)
        return _pickled(measured(made, self._memory.end(job.key)))

    def used_bytes(self) -> int | None:
        return resident_bytes(os.getpid())


def _read(steps: Steps[Any, Any, Any, Any], pickled: bytes) -> bytes:
    return _pickled(outcome_of(steps.read, pickle.loads(pickled).item))


def _write(steps: Steps[Any, Any, Any, Any], pickled: bytes, made: bytes) -> bytes:
    before = pickle.loads(made)
    if before.error is not None:
        return made
    took: Measured[Any] = before.value
    after = then(CallOutcome(took.result, None, took.seconds), steps.write, pickle.loads(pickled).item)
    return _pickled(measured(after, took.peak_bytes))


def _pickled(outcome: CallOutcome[Any]) -> bytes:
    """Pickle an outcome; what cannot be pickled becomes the error that says so."""
    pickled = outcome_of(pickle.dumps, outcome)
    return pickled.value if pickled.value is not None else pickle.dumps(CallOutcome(None, pickled.error, 0.0))
