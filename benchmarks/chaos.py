"""What do programs that are killed at random leave of a project that they predict together?

Run: python benchmarks/chaos.py [--quick] [--database postgresql].

Two programs, each with two processes, predict one project of tiny CTs. While cases get done, a process, a
program (by SIGKILL or SIGTERM) or the PostgreSQL server is killed at random, 300 times over 200 cases; a
program that ended is begun anew. The files must be those of an undisturbed run, no case may be finished
twice, and nothing half-written may be left. There is nothing to compare with: the aim is 0.
"""

import os
import tempfile
from pathlib import Path

from disturbed.disturbed_run import disturbed_run
from measure import asked, options, report

N_CASES, N_KILLS = {"full": 200, "quick": 40}, {"full": 300, "quick": 30}


def main(database: str, quick: bool) -> None:
    size = "quick" if quick else "full"
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        found = disturbed_run(
            Path(folder),
            n_cases=N_CASES[size],
            n_kills=N_KILLS[size],
            on_postgresql=database == "postgresql",
        )
    for name in ("differing", "twice", "open_jobs", "half", "surprises"):
        for one in getattr(found, name):
            print(f"{name}: {one}")
    report(
        f"chaos_{database}",
        ours=found.n_wrong,
        other=None,
        unit="things that are wrong",
        quick=quick,
        cases=N_CASES[size],
        kills=found.kills,
        begun=found.n_begun,
        seconds=found.seconds,
    )


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    given = asked(parser)
    main(given.database, given.quick)
