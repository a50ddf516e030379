"""Keep simulated jobs by the rules of `omentum.store.claims`, in simulated time."""

import heapq
from collections import defaultdict, deque

from omentum.records.jobs import MOST_ATTEMPTS

__all__ = ["LEASE_S", "SimulatedJobs"]

LEASE_S = 120.0


class SimulatedJobs:
    """Jobs 0, 1, ... which workers claim, renew, postpone and end.

    Args:
        n: How many there are.
    """

    def __init__(self, n: int) -> None:
        self.n_open = n
        self.attempts = [0] * n
        self._is_open = [True] * n
        self._due = deque(range(n))
        self._later: list[tuple[float, int]] = []
        self._until = [0.0] * n
        self._worker: list[int | None] = [None] * n
        self._held: defaultdict[int, set[int]] = defaultdict(set)
        self._lapses: list[tuple[float, int]] = []
        self.n_given_up = 0

    @property
    def has_due(self) -> bool:
        """Whether a job waits that nobody has, also after a pause."""
        return bool(self._due or self._later)

    def claim(self, worker: int, n: int, now: float) -> list[int]:
        """Claim jobs: those whose lease has ended, those whose pause has, then the others in order."""
        taken: list[int] = []
        while len(taken) < n and self._lapses and self._lapses[0][0] <= now:
            until, job = heapq.heappop(self._lapses)
            if self._worker[job] is None or self._until[job] != until:
                continue  # it ended, or its lease was renewed
            if self.attempts[job] >= MOST_ATTEMPTS:
                self.n_given_up += 1
                self.end(job)
            else:
                taken.append(job)
        while len(taken) < n and self._later and self._later[0][0] <= now:
            taken.append(heapq.heappop(self._later)[1])
        while len(taken) < n and self._due:
            taken.append(self._due.popleft())
        for job in taken:
            self.attempts[job] += 1
            self._lend(worker, job, now)
        return taken

    def renew(self, worker: int, now: float) -> None:
        """Extend all leases of a worker."""
        for job in self._held[worker]:
            self._lend(worker, job, now)

    def postpone(self, worker: int, job: int, pause_s: float, now: float) -> None:
        """Let a job wait, unless the worker lost it or this was the last attempt."""
        if self._worker[job] != worker:
            return
        if self.attempts[job] >= MOST_ATTEMPTS:
            self.end(job)
            return
        self._release(job)
        heapq.heappush(self._later, (now + pause_s, job))

    def end(self, job: int) -> bool:
        """End a job, whoever has it; tell whether it was open."""
        self._release(job)
        was_open, self._is_open[job] = self._is_open[job], False
        self.n_open -= was_open
        return was_open

    def _lend(self, worker: int, job: int, now: float) -> None:
        self._release(job)
        self._worker[job], self._until[job] = worker, now + LEASE_S
        self._held[worker] = self._held[worker] | {job}
        heapq.heappush(self._lapses, (now + LEASE_S, job))

    def _release(self, job: int) -> None:
        worker = self._worker[job]
        if worker is not None:
            self._held[worker] = self._held[worker] - {job}
            self._worker[job] = None
