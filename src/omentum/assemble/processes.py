"""Assemble several cases at a time, each in a process of its own.

In:  work on one case that can be pickled, the cases, and how many processes.
Out: which cases failed; as of a runner, but for cases only, which need no ledger: each folder tells by itself
     whether it is whole.
"""

import errno
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed

from omentum.assemble.inputs import CaseInputs
from omentum.errors import DiskFullError, OmentumError
from omentum.records import Failure
from omentum.runners.processes import worker_processes
from omentum.runners.runner import Outcome, Progress

__all__ = ["in_processes"]

_ONE_CASE = (OmentumError, MemoryError, OSError)
"""What fails one case alone; anything else, a full disk too, ends the run; the same call goes on."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


def in_processes(
    work: Callable[[CaseInputs], None],
    cases: Sequence[CaseInputs],
    *,
    n_workers: int,
    progress: Callable[[Progress], None] | None = None,
) -> list[Failure]:
    """Work on several cases at a time; one that fails does not stop the others.

    Args:
        work: Can be pickled.
        cases: What to work on.
        n_workers: Processes; each holds one slice of every file of a case, well under 1 GB.
        progress: Told of each case once it has come to an end.
    """
    failures: dict[str, Failure] = {}
    with worker_processes(n_workers) as pool:
        futures = {pool.submit(work, inputs): inputs.case.case_id for inputs in cases}
        try:
            for n_ended, future in enumerate(as_completed(futures), start=1):
                key = futures[future]
                try:
                    future.result()
                except DiskFullError:
                    raise
                except _ONE_CASE as error:
                    if isinstance(error, OSError) and error.errno in _FULL:
                        raise DiskFullError(key, str(error)) from error
                    failures[key] = Failure(key=key, reason=str(error) or type(error).__name__)
                if progress is not None:
                    outcome = Outcome.FAILED if key in failures else Outcome.DONE
                    progress(Progress(key=key, outcome=outcome, n_ended=n_ended, n_items=len(cases)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [failures[key] for key in futures.values() if key in failures]
