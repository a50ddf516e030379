"""Define what a stage asks of a runner, which does work on many items.

The rules of every runner, which `tests/conformance/test_runner.py` checks:
    - an item that is done is skipped; one that failed is tried again;
    - an `OmentumError`, too little memory and a file that cannot be read or written fail their item alone;
      with a shared ledger the last two are tried again after a pause, as they may pass;
    - a full disk (`DiskFullError`), an interruption and any other error, which is our bug, end the run.
      What was done before is noted, so that the same call continues where it stopped;
    - with a shared ledger any number of runs, in any number of programs, share the items: each claims what
      it is about to do, takes over what another left, and gives back what it did not finish.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from omentum.records import Batch
from omentum.runners.heartbeat import holding_claims
from omentum.runners.job_ends import JobEnds
from omentum.runners.jobs import Jobs, OwnJobs, SharedJobs
from omentum.runners.ledger import Ledger
from omentum.runners.progress import Progress
from omentum.runners.shared_ledger import is_shared

__all__ = ["Progress", "Runner"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Runner(ABC):
    """Does work on many items; a subclass says in `_run_all` when and where.

    Args:
        waits_for_others: With a shared ledger, wait for what other programs have in work, to take over what
            they leave; else the run ends when nothing can be claimed.
    """

    def __init__(self, *, waits_for_others: bool = True) -> None:
        self._waits_for_others = waits_for_others

    def run(
        self,
        items: Sequence[Item],
        work: Callable[[Item], Result],
        *,
        key: Callable[[Item], str],
        ledger: Ledger[Result],
        step: str = "",
        progress: Progress | None = None,
    ) -> Batch:
        """Do the work on each item that is not done, and note each as soon as it is.

        Args:
            items: What to work on.
            work: Does one item and has all its files in place when it returns. As it may be killed
                before that is noted, it must give the same when it is called again.
            key: Names an item; no two have the same name.
            ledger: What is done; a `SharedLedger` shares the items with other programs.
            step: Name of the work, for `progress`.
            progress: Called with the key of each item that ended; ` failed` follows the key if it did.

        Returns:
            The keys in the order of the items, whichever ended first. What another program did is skipped.

        Raises:
            DiskFullError: There is no space left to write to.
            JobError: The processes that work ended before they began.
            ValueError: Two items have the same key.
        """
        keys = [key(item) for item in items]
        ends = JobEnds(keys, ledger, step, progress)
        by_key = dict(zip(keys, items, strict=True))
        if not is_shared(ledger):
            self._run_all(OwnJobs(by_key, ends, ledger), work)
            return ends.batch()
        with holding_claims(ledger):
            jobs = SharedJobs(by_key, ends, ledger, waits_for_others=self._waits_for_others)
            self._run_all(jobs, work)
            jobs.note_others()
        return ends.batch()

    @abstractmethod
    def _run_all(self, jobs: Jobs, work: Callable[[Any], Any]) -> None:
        """Take jobs until none are left, do the work on each, and bring each to its end.

        Args:
            jobs: What there is to do.
            work: Does one item.
        """
