"""How are several cases assembled at a time? Each in a process of its own.

In:  work on one case that can be pickled, the cases, and how many processes.
Out: which cases failed; as of a runner, but for cases only, which need no ledger: each folder tells by itself
     whether it is whole.
"""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from omentum.assemble.priority import CaseInputs
from omentum.errors import OmentumError
from omentum.records import Failure
from omentum.runners.runner import Outcome, Progress

__all__ = ["in_processes"]

_ONE_CASE = (OmentumError, MemoryError)
"""What fails one case alone; anything else, a full disk too, ends the run; the same call goes on."""


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
    context = multiprocessing.get_context("spawn")  # a fork would share the database's connections
    with ProcessPoolExecutor(n_workers, mp_context=context) as pool:
        futures = {pool.submit(_reason, work, inputs): inputs.case.case_id for inputs in cases}
        try:
            for n_ended, future in enumerate(as_completed(futures), start=1):
                key = futures[future]
                reason = future.result()
                if reason is not None:
                    failures[key] = Failure(key=key, reason=reason)
                if progress is not None:
                    outcome = Outcome.DONE if reason is None else Outcome.FAILED
                    progress(Progress(key=key, outcome=outcome, n_ended=n_ended, n_items=len(cases)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [failures[key] for key in futures.values() if key in failures]


def _reason(work: Callable[[CaseInputs], None], inputs: CaseInputs) -> str | None:
    """Work on a case in this process, and say why it failed; our errors do not travel."""
    try:
        work(inputs)
    except _ONE_CASE as error:
        return str(error) or type(error).__name__
    return None
