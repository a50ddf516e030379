"""Keep the result of a job, and that it is done, in one transaction."""

import logging
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from omentum.errors import UnknownCaseError
from omentum.runners.worker_name import has_ended, worker_name
from omentum.store.shared_stage import SharedStageLedger
from omentum.store.store import Store

__all__ = ["ResultLedger"]

_LOG = logging.getLogger(__name__)


class ResultLedger(SharedStageLedger):
    """The ledger of a stage of cases, for one run of a program; any number of programs share the jobs.

    Args:
        store: The project's database.
        stage: Name of the stage in the ledger.
        keep: Keeps a result in the database.
        case_dir: Gives the folder of a case.
    """

    def __init__(
        self, store: Store, stage: str, keep: Callable[[Any], None], *, case_dir: Callable[[str], Path]
    ) -> None:
        super().__init__(store.ledger, stage, worker_name())
        self._store, self._keep, self._case_dir = store, keep, case_dir

    def offer(self, keys: Sequence[str]) -> None:
        """See `SharedLedger.offer`; what killed programs of this machine had can be claimed at once."""
        self.ledger.end_leases(self.stage, has_ended)
        super().offer(keys)

    def mark_done(self, key: str, result: Any) -> None:
        """Keep the result of a job; of a case that was erased or renamed meanwhile, remove what it wrote."""
        try:
            with self._store.together():
                self._keep(result)
                super().mark_done(key, None)
        except UnknownCaseError:
            _LOG.warning("%s: the case was erased or renamed meanwhile; what was made of it is removed", key)
            self.ledger.forget(self.stage, key)
            shutil.rmtree(self._case_dir(key), ignore_errors=True)
