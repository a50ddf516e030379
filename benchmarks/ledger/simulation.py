"""Simulate workers that share the jobs of a ledger, event by event, in simulated time.

In:  what each statement takes, how many workers there are, how long jobs take and how they end.
Out: the share of time that workers are busy, and what the ledger has to do.

Workers keep the rules of the runners: leases are renewed every 30 s, what fails for a reason that passes is
tried again after 1 and 5 s, and where nothing can be claimed a worker asks again after 1 to 5 s.
"""

import heapq
from collections import Counter, deque
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from itertools import count

import numpy as np

from ledger.simulated_jobs import SimulatedJobs
from ledger.statements import Cost

__all__ = ["Outcome", "Server", "Workload", "simulate"]

_RENEW_S, _RESTART_S = 30.0, 60.0
_PAUSES_S = (1.0, 5.0)
_LEAST_WAIT_S, _MOST_WAIT_S = 1.0, 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How fast a database is."""

    costs: Mapping[str, Cost]
    n_processors: int
    """Of the database's machine."""
    network_s: float
    """Added to each statement, for its ways there and back."""
    writes_in_turn: frozenset[str]
    """Statements of which one at a time is executed, of all workers together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What is to be done, and what goes wrong."""

    n_jobs: int
    mean_s: float = 20.0
    spread: float = 0.4
    """Of the logarithm of a job's seconds."""
    stragglers: float = 0.01
    """Share of jobs that take five times as long."""
    passing_errors: float = 0.01
    """Share of attempts that fail for a reason that passes."""
    bad_items: float = 0.003
    """Share of jobs that fail for good."""
    deaths: float = 0.001
    """Share of attempts during which the worker dies; another starts a minute later."""
    killers: float = 0.0001
    """Share of jobs during which every worker dies."""
    start_within_s: float = 60.0
    """All workers start within this time."""
    longest_first: bool = False
    """Whether jobs are offered with the longest first, instead of in any order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it."""

    hours: float
    busy: float
    """Share of the workers' time that they worked, from their start until no job is open."""
    busy_until_last: float
    """The same until the last job that was due is begun; later, workers wait for the longest jobs."""
    ledger_share: float
    """Time that workers waited for the ledger, as a share of that of work."""
    claims_a_second: float
    processors_used: float
    """Share of the time that the database's processors worked."""
    writer_used: float
    """Share of the time that the one who writes in turn did."""
    n_deaths: int
    n_begun_twice: int
    """Attempts at jobs that were done already."""
    n_failed: int


_Process = Generator[float, None, None]


def simulate(server: Server, workload: Workload, *, n_workers: int, batch: int, seed: int = 0) -> Outcome:
    """Let workers do all jobs.

    Args:
        server: The database.
        workload: The jobs.
        n_workers: Programs of one worker each, which is the worst case for the ledger.
        batch: How many jobs a claim takes.
        seed: Of all draws.
    """
    run = _Run(server, workload, batch, seed)
    run.go(n_workers)
    return run.outcome()


class _Run:
    def __init__(self, server: Server, workload: Workload, batch: int, seed: int) -> None:
        self._server, self._workload, self._batch = server, workload, batch
        self._rng = np.random.default_rng(seed)
        n, spread = workload.n_jobs, workload.spread
        seconds = self._rng.lognormal(-(spread**2) / 2, spread, n) * workload.mean_s
        seconds[self._rng.random(n) < workload.stragglers] *= 5
        self._seconds: list[float] = (np.sort(seconds)[::-1] if workload.longest_first else seconds).tolist()
        self._is_bad: list[bool] = (self._rng.random(n) < workload.bad_items).tolist()
        self._kills: list[bool] = (self._rng.random(n) < workload.killers).tolist()
        self._jobs = SimulatedJobs(n)
        self._now, self._last_due = 0.0, 0.0
        self._events: list[tuple[float, int, _Process]] = []
        self._numbers = count()
        self._free = {"processors": [0.0] * server.n_processors, "writer": [0.0]}
        self._used, self._statements, self._ends = Counter[str](), Counter[str](), Counter[str]()
        self._ledger_s = 0.0
        self._worked: list[tuple[float, float]] = []
        self._lived: list[tuple[float, float]] = []

    def go(self, n_workers: int) -> None:
        for start in self._rng.uniform(0, self._workload.start_within_s, n_workers):
            self._start_worker(float(start))
        while self._events:
            self._now, _, process = heapq.heappop(self._events)
            pause = next(process, None)
            if pause is not None:
                heapq.heappush(self._events, (self._now + pause, next(self._numbers), process))

    def outcome(self) -> Outcome:
        end = max(to for _, to in self._lived)
        work_s = _seconds_until(end, self._worked)
        return Outcome(
            hours=end / 3600,
            busy=work_s / _seconds_until(end, self._lived),
            busy_until_last=_seconds_until(self._last_due, self._worked)
            / _seconds_until(self._last_due, self._lived),
            ledger_share=self._ledger_s / work_s,
            claims_a_second=self._statements[f"claim {self._batch}"] / end,
            processors_used=self._used["processors"] / self._server.n_processors / end,
            writer_used=self._used["writer"] / end,
            n_deaths=self._ends["died"],
            n_begun_twice=self._ends["done again"],
            n_failed=self._ends["failed"] + self._jobs.n_given_up,
        )

    def _start_worker(self, at: float) -> None:
        worker, alive = next(self._numbers), [True]
        for process in (self._work(worker, alive), self._renew(worker, alive)):
            heapq.heappush(self._events, (at, next(self._numbers), process))

    def _work(self, worker: int, alive: list[bool]) -> _Process:
        started, mine, wait_s = self._now, deque[int](), _LEAST_WAIT_S
        yield from self._ask("offer")
        while self._jobs.n_open and alive[0]:
            if not mine:
                yield from self._ask(f"claim {self._batch}")
                mine.extend(self._jobs.claim(worker, self._batch, self._now))
                if self._jobs.has_due:
                    self._last_due = self._now
            if mine:
                wait_s = _LEAST_WAIT_S
                yield from self._do(worker, mine.popleft(), alive)
            else:
                yield from self._ask("left")
                yield wait_s
                wait_s = min(2 * wait_s, _MOST_WAIT_S)
        alive[0] = False
        self._lived.append((started, self._now))

    def _do(self, worker: int, job: int, alive: list[bool]) -> _Process:
        passes, dies = self._rng.random(2) < (self._workload.passing_errors, self._workload.deaths)
        dies = dies or self._kills[job]
        is_cut = passes or dies or self._is_bad[job]
        began = self._now
        yield self._seconds[job] * (float(self._rng.random()) if is_cut else 1.0)
        self._worked.append((began, self._now))
        if dies:
            alive[0] = False
            self._ends["died"] += 1
            self._start_worker(self._now + _RESTART_S)
        elif passes:
            yield from self._ask("cost")  # as short a statement as postponing
            pause_s = _PAUSES_S[min(self._jobs.attempts[job], len(_PAUSES_S)) - 1]
            self._jobs.postpone(worker, job, pause_s, self._now)
        else:
            yield from self._ask("cost" if self._is_bad[job] else "keep")
            was_open = self._jobs.end(job)
            self._ends["failed" if self._is_bad[job] else "done" if was_open else "done again"] += 1
            if not self._is_bad[job]:
                yield from self._ask("cost")

    def _renew(self, worker: int, alive: list[bool]) -> _Process:
        yield _RENEW_S
        while alive[0]:
            yield self._taken_by("renew")
            self._jobs.renew(worker, self._now)
            yield _RENEW_S

    def _ask(self, name: str) -> _Process:
        seconds = self._taken_by(name)
        self._ledger_s += seconds
        yield seconds

    def _taken_by(self, name: str) -> float:
        """Begin a statement; give the seconds until its answer is there."""
        cost = self._server.costs[name]
        self._statements[name] += 1
        waited = self._use("processors", cost.server_s)
        if name in self._server.writes_in_turn:
            in_turn_s = cost.alone_s + self._server.network_s
            waited = max(waited, self._use("writer", in_turn_s))
        return waited + cost.alone_s + self._server.network_s

    def _use(self, what: str, seconds: float) -> float:
        """Use what is free first; give the seconds until that is."""
        begin = max(self._now, heapq.heappop(self._free[what]))
        heapq.heappush(self._free[what], begin + seconds)
        self._used[what] += seconds
        return begin - self._now


def _seconds_until(end: float, spans: list[tuple[float, float]]) -> float:
    return sum(min(to, end) - since for since, to in spans if since < end)
