"""Keep the result of a job, and that it is done, in one transaction."""

from collections.abc import Callable, Sequence
from typing import Any

from omentum.runners.worker_name import has_ended, worker_name
from omentum.store.shared_stage import SharedStageLedger
from omentum.store.store import Store

__all__ = ["ResultLedger"]


class ResultLedger(SharedStageLedger):
    """The ledger of one stage, for one run of a program; any number of programs share the jobs.

    Args:
        store: The project's database.
        stage: Name of the stage in the ledger.
        keep: Keeps a result in the database.
    """

    def __init__(self, store: Store, stage: str, keep: Callable[[Any], None]) -> None:
        super().__init__(store.ledger, stage, worker_name())
        self._store, self._keep = store, keep

    def offer(self, keys: Sequence[str]) -> None:
        """See `SharedLedger.offer`; what killed programs of this machine had can be claimed at once."""
        self.ledger.end_leases(self.stage, has_ended)
        super().offer(keys)

    def mark_done(self, key: str, result: Any) -> None:
        """Keep the result of a job."""
        with self._store.together():
            self._keep(result)
            super().mark_done(key, None)
