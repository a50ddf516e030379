"""How many workers can share one ledger? Run: python benchmarks/scale_simulation.py [--quick].

Workers share 100,000 jobs of 20 s, through the ledger of a project on PostgreSQL and on SQLite: 100, 300,
1,000 and 3,000 workers, each a program of its own. One job in 100 takes five times as long, one attempt in
100 fails for a reason that passes, 3 jobs in 1,000 fail for good, a worker dies during one attempt in 1,000,
and one job in 10,000 kills every worker that begins it. All start within a minute.

First the real statements are executed on a real ledger of as many jobs, by one client alone and by four at
once. Then workers are simulated in simulated time. The database's machine has 4 processors, each statement
is 3 ms on its way, and whoever keeps a result has the one turn to write; on SQLite every write has that turn,
and all workers are on one machine.

`ours` is the share of time that 1,000 workers are busy on PostgreSQL, from their start to the end of the
last job. Aims: 95 %, and less than 1 % of the work's time spent waiting for the ledger. What is lost at the
end, when workers wait for the longest jobs, depends on the order of jobs and not on the ledger: the share
until the last job is begun is told beside it, and so is what comes of offering the longest jobs first.

One job a claim is best: more at once save statements that take 1 in 1,000 of a job, and let jobs wait behind
others that take long. `--quick`: 5,000 jobs, and 30 and 100 workers.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ledger.simulation import Outcome, Server, Workload, simulate
from ledger.statements import BATCHES, Cost, statement_costs
from load.servers import postgresql_url
from measure import asked, options, report

BUSY_AIM, LEDGER_AIM = 0.95, 0.01
N_JOBS, N_WORKERS = 100_000, (100, 300, 1_000, 3_000)
QUICK_N_JOBS, QUICK_N_WORKERS = 5_000, (30, 100)
N_CLIENTS, N_TIMES, QUICK_N_TIMES = 4, 40, 20
WRITES = frozenset({*(f"claim {n}" for n in BATCHES), "renew", "keep", "cost"})


def costs_on(database: str, *, n_jobs: int, n_times: int) -> dict[str, Cost]:
    """Measure the statements on one kind of database."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = "sqlite:///omentum.db"
        if database == "postgresql":
            url = stack.enter_context(postgresql_url())
        return statement_costs(url, root, n_jobs=n_jobs, n_clients=N_CLIENTS, n_times=n_times)


def server_of(database: str, costs: Mapping[str, Cost]) -> Server:
    """Describe a database whose statements were measured."""
    if database == "sqlite":
        return Server(costs=costs, n_processors=64, network_s=0.0, writes_in_turn=WRITES)
    return Server(costs=costs, n_processors=4, network_s=0.003, writes_in_turn=frozenset({"keep"}))


def show_costs(database: str, costs: Mapping[str, Cost]) -> None:
    """Print what statements take."""
    for name, one in costs.items():
        print(
            f"{database} {name}: {one.alone_s * 1e3:.1f} ms alone, {one.server_s * 1e3:.1f} ms of the "
            f"server; here {one.wall_s * 1e3:.1f} ms, and {N_CLIENTS} clients {one.a_second:.0f} a second"
        )


def show(about: str, one: Outcome) -> None:
    """Print what one simulation found."""
    print(
        f"{about}: busy {one.busy:.1%} ({one.busy_until_last:.1%} until the last job is begun), ledger "
        f"{one.ledger_share:.2%} of the work, {one.hours:.2f} h, {one.claims_a_second:.1f} claims/s; "
        f"processors {one.processors_used:.0%} used, writer {one.writer_used:.0%}; {one.n_deaths} died, "
        f"{one.n_begun_twice} done twice, {one.n_failed} failed"
    )


def runs(database: str, numbers: Sequence[int], aimed_at: int) -> Iterator[tuple[int, int, bool]]:
    """Give what is simulated: how many workers, jobs a claim, and whether the longest come first."""
    yield from ((n_workers, 1, False) for n_workers in numbers)
    if database == "postgresql":
        yield from ((aimed_at, batch, False) for batch in BATCHES[1:])
        yield aimed_at, 1, True


def main(quick: bool) -> None:
    """Measure, simulate, and report."""
    n_jobs, numbers = (QUICK_N_JOBS, QUICK_N_WORKERS) if quick else (N_JOBS, N_WORKERS)
    aimed_at = numbers[-1] if quick else 1_000
    found: dict[str, list[dict[str, Any]]] = {"postgresql": [], "sqlite": []}
    measured, outcomes = {}, {}
    for database, rows in found.items():
        costs = costs_on(database, n_jobs=n_jobs, n_times=QUICK_N_TIMES if quick else N_TIMES)
        show_costs(database, costs)
        measured[database] = {name: asdict(one) for name, one in costs.items()}
        for n_workers, batch, longest_first in runs(database, numbers, aimed_at):
            workload = Workload(n_jobs=n_jobs, longest_first=longest_first)
            one = simulate(server_of(database, costs), workload, n_workers=n_workers, batch=batch)
            order = "longest first" if longest_first else "any order"
            show(f"{database}, {n_workers} workers, {batch} a claim, {order}", one)
            rows.append({"n_workers": n_workers, "batch": batch, "order": order, **asdict(one)})
            outcomes[database, n_workers, batch, longest_first] = one
    ours = outcomes["postgresql", aimed_at, 1, False]
    is_met = ours.busy >= BUSY_AIM and ours.ledger_share < LEDGER_AIM
    print(f"aim of {BUSY_AIM:.0%} busy and less than {LEDGER_AIM:.0%} ledger {'met' if is_met else 'missed'}")
    report(
        "scale_simulation", ours=ours.busy, other=None, unit="share", quick=quick, n_jobs=n_jobs,
        load_average=os.getloadavg()[0], statements=measured, outcomes=found, is_met=is_met,
    )  # fmt: skip


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
