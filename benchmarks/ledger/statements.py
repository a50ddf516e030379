"""Execute the statements of a worker on a real ledger of many jobs, and time them.

In:  a database's URL, how many jobs the ledger has, how many clients work at once.
Out: for each statement what it takes, for a client and on the database's side.

As other programs may run on this machine, a client's seconds alone are put together from what nobody else
changes: the processor seconds of both sides, and a flush of the disk for what is written.
"""

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

import numpy as np
from sqlalchemy import text

from omentum.records import Case, Prediction
from omentum.store.store import Store
from omentum.volumes.geometry import Geometry

__all__ = ["BATCHES", "Cost", "statement_costs"]

BATCHES = (1, 4)
"""How many jobs a claim takes."""
_STAGE = "predict network"
_LEASE = timedelta(hours=1)
_ORGANS = tuple(f"organ_{number}" for number in range(25))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one statement takes; it may be several to the database, in one transaction."""

    alone_s: float
    """Seconds of one client on an idle machine: the processors' on both sides, and a flush of the disk."""
    wall_s: float
    """Median seconds of one client on this machine, whatever else it did."""
    server_s: float
    """Processor seconds on the database's side; on SQLite those of the client."""
    a_second: float
    """How many clients that work at once get through."""


def statement_costs(url: str, root: Path, *, n_jobs: int, n_clients: int, n_times: int) -> dict[str, Cost]:
    """Time each statement of a worker.

    Args:
        url: Of an empty database.
        root: The project's folder.
        n_jobs: How many the ledger has.
        n_clients: How many clients work at once, each in a thread with connections of its own.
        n_times: How often each client executes each statement.

    Returns:
        By name: `offer`, `claim N`, `renew`, `keep` (a prediction, and that it is done), `cost`, `left`.
    """
    with ExitStack() as stack:
        stores = [stack.enter_context(Store.open(url, root, wait_seconds=600)) for _ in range(n_clients)]
        keys = [f"case-{number:06}" for number in range(n_jobs)]
        stores[0].ledger.offer(_STAGE, keys)
        n_kept = 2 * n_clients * n_times + n_clients
        _add_cases(stores[0], root, keys[:n_kept])
        clients = [_Client(store, f"host:{number}:0", keys, root) for number, store in enumerate(stores)]
        unused = iter(keys[:n_kept])
        flush_s = _flush_seconds(root)
        return {
            name: _cost(clients, name, unused, max(3, n_times // 20) if name == "offer" else n_times, flush_s)
            for name in ("offer", *(f"claim {n}" for n in BATCHES), "renew", "keep", "cost", "left")
        }


class _Client:
    """What one worker asks of the ledger."""

    def __init__(self, store: Store, worker: str, keys: list[str], root: Path) -> None:
        self.store, self.worker, self.keys, self.root = store, worker, keys, root
        self.is_sqlite = store.ledger._database.is_sqlite
        self.server_s = _server_clock(store)
        self._mine = store.ledger.claim(_STAGE, worker, max(BATCHES), _LEASE)

    def call(self, name: str, key: str) -> None:
        """Execute one statement by its name; `key` is a job that no other call was given."""
        ledger, word = self.store.ledger, name.partition(" ")
        if word[0] == "claim":
            claimed = ledger.claim(_STAGE, self.worker, int(word[2]), _LEASE)
            assert len(claimed) == int(word[2])
        elif name == "offer":
            ledger.offer(_STAGE, self.keys)
        elif name == "renew":
            ledger.renew(_STAGE, self.worker, _LEASE, keys=self._mine[:2])
        elif name == "keep":
            with self.store.together():
                self.store.predictions.keep(_prediction(self.root, key), dict.fromkeys(_ORGANS, "0" * 64))
                ledger.mark_done(_STAGE, key)
        elif name == "cost":
            ledger.note_cost(_STAGE, key, seconds=20.0, peak_bytes=2**33)
        else:  # what is left is asked for when little is: of the worker's own jobs
            ledger.open_counts(_STAGE, self.worker, keys=self._mine)


def _cost(clients: list[_Client], name: str, unused: Iterator[str], n_times: int, flush_s: float) -> Cost:
    # Only `keep` uses a job up.
    keys = unused if name == "keep" else (clients[0].keys[number % 1000] for number in count())
    alone = clients[0]
    alone.call(name, next(keys))
    seconds, before, client_before = [], alone.server_s(), time.thread_time()
    for _ in range(n_times):
        started = time.perf_counter()
        alone.call(name, next(keys))
        seconds.append(time.perf_counter() - started)
    client_s = (time.thread_time() - client_before) / n_times
    server_s = 0.0 if alone.is_sqlite else (alone.server_s() - before) / n_times
    parts = [[next(keys) for _ in range(n_times)] for _ in clients]

    def work(client: _Client, own: list[str]) -> None:
        for key in own:
            client.call(name, key)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(clients, parts, strict=True)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together_s = time.perf_counter() - started
    return Cost(
        alone_s=client_s + server_s + (0.0 if name in ("left", "offer") else flush_s),
        wall_s=statistics.median(seconds),
        server_s=client_s if alone.is_sqlite else server_s,
        a_second=len(clients) * n_times / together_s,
    )


def _server_clock(store: Store) -> Callable[[], float]:
    """Give a clock of the processor seconds of all processes of the database's server."""
    if store.ledger._database.is_sqlite:
        return time.process_time
    with store.ledger._database.reading() as session:
        backend = session.scalar(text("SELECT pg_backend_pid()"))
    server = _stat(int(backend or 0))[1]
    return lambda: sum(
        _stat(int(path.name))[0]
        for path in Path("/proc").glob("[0-9]*")
        if int(path.name) == server or _stat(int(path.name))[1] == server
    )


def _flush_seconds(folder: Path) -> float:
    """Time a flush of a page to the disk; the least of several, as others use the disk, too."""
    seconds = []
    with (folder / "page").open("wb", buffering=0) as file:
        for _ in range(50):
            file.write(bytes(8192))
            started = time.perf_counter()
            os.fsync(file.fileno())
            seconds.append(time.perf_counter() - started)
    return statistics.quantiles(seconds, n=10, method="inclusive")[0]


def _stat(pid: int) -> tuple[float, int]:
    """Give the processor seconds of a process, and the number of its parent; zeros if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0, 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(fields[1])


def _add_cases(store: Store, root: Path, case_ids: list[str]) -> None:
    geometry = Geometry((512, 512, 200), np.diag([0.8, 0.8, 2.5, 1.0]))
    store.cases.add_all(
        Case(
            case_id=case_id,
            patient_id=case_id,
            ct_path=root / "cases" / case_id / "ct.nii.gz",
            geometry=geometry,
            source=f"/scans/{case_id}.nii.gz",
        )
        for case_id in case_ids
    )


def _prediction(root: Path, case_id: str) -> Prediction:
    return Prediction(
        case_id=case_id,
        network="network",
        weights_sha256="0" * 64,
        masks_sha256="0" * 64,
        folder=root / "cases" / case_id / "predictions" / "network",
        organs=_ORGANS,
        made_with={"weights_sha256": "0" * 64, "organs": list(_ORGANS), "recipe": "standard"},
    )
