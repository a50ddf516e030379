"""Hold the jobs that a run has claimed, while it works on them."""

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from omentum.errors import OmentumError
from omentum.runners.shared_ledger import SharedLedger

__all__ = ["holding_claims"]

_RENEW_EVERY_S = 30.0
_END_WITHIN_S = 5.0
_log = logging.getLogger(__name__)


@contextmanager
def holding_claims(ledger: SharedLedger[Any], *, every_s: float = _RENEW_EVERY_S) -> Iterator[None]:
    """Renew the leases of a run from a thread, and give back in the end what was not brought to its end.

    A lease that was lost all the same, as when the machine slept, is no error: the result is kept, as the
    work on an item gives the same, by any worker.

    Args:
        ledger: Has the claims.
        every_s: Seconds between two renewals; well below the time that a lease lasts.
    """
    is_over = threading.Event()
    thread = threading.Thread(
        target=_renew, args=(ledger, is_over, every_s), name="omentum-leases", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(_END_WITHIN_S)  # it may wait for a database that is away
        _give_back(ledger)


def _give_back(ledger: SharedLedger[Any]) -> None:
    """Give claims back; where that fails they end by themselves, and why the run ends matters more."""
    is_ending = sys.exc_info()[0] is not None
    try:
        ledger.give_back()
    except OmentumError as error:
        if not is_ending:
            raise
        _log.warning("claims could not be given back, and end by themselves: %s", error)


def _renew(ledger: SharedLedger[Any], is_over: threading.Event, every_s: float) -> None:
    while not is_over.wait(every_s):
        try:
            ledger.renew()
        except Exception as error:  # the database may be back before the leases end
            _log.warning("the leases could not be renewed, which is tried again soon: %s", error)
