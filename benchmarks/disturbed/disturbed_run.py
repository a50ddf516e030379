"""Predict a project by programs that are killed at random, and compare the end with an undisturbed run.

In:  how many cases and kills, and whether on SQLite or PostgreSQL.
Out: `Found`: what differs, what was done twice, what was left, and how much was killed.
"""

import json
import random
import signal
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from disturbed.programs import Programs
from disturbed.tiny_project import NETWORK, make_cts, make_home, make_project
from load.servers import PostgreSQL, postgresql_server
from omentum import loop
from omentum.project.project import opened, prediction_stage
from omentum.records.jobs import JobState
from outcome import file_hashes, half_written

__all__ = ["Found", "disturbed_run"]

_N_PROGRAMS = 2
_MOST_SECONDS = 3000.0
_EARLIER = 0.8
"""Kills are spread over this share of the work, so that none is left when it ends."""
_MOST_DELAY_S = 0.7
_EXPECTED_CODES = {0, 1, 2, 143, -signal.SIGKILL, -signal.SIGTERM}
"""All is done; some cases failed, as their workers were killed too often; the database was away; killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a disturbed run left.

    Attributes:
        differing: Files that an undisturbed run has otherwise, or has not, or that it alone has.
        twice: Cases that more than one program finished.
        open_jobs: Cases that the ledger does not call done.
        half: Temporary files.
        surprises: Exit codes and errors that no kill explains.
        kills: How many, by kind.
        n_begun: How often the work on a case began.
        seconds: How long it took.
    """

    differing: list[str]
    twice: list[str]
    open_jobs: list[str]
    half: list[str]
    surprises: list[str]
    kills: dict[str, int]
    n_begun: int
    seconds: float

    @property
    def n_wrong(self) -> int:
        """How many things are wrong."""
        return sum(map(len, (self.differing, self.twice, self.open_jobs, self.half, self.surprises)))


def disturbed_run(folder: Path, *, n_cases: int, n_kills: int, on_postgresql: bool, seed: int = 0) -> Found:
    """Do the undisturbed run, then the disturbed one.

    Args:
        folder: Empty.
        n_cases: Cases to predict.
        n_kills: How often something is killed.
        on_postgresql: Whether the disturbed project has a PostgreSQL server, which is killed too.
        seed: Of what is killed when.
    """
    make_home(folder)
    make_cts(folder / "cts", n_cases)
    whole, root = folder / "whole", folder / "atlas"
    make_project(whole, folder / "cts")
    with opened(whole) as project:
        loop.predict(project)
    with ExitStack() as stack:
        server = stack.enter_context(postgresql_server()) if on_postgresql else None
        make_project(root, folder / "cts", server.url if server else None)
        log, printed = folder / "jobs.jsonl", folder / "printed.txt"
        command = ["-C", str(root), "predict", "--device", "cpu", "--runner", "processes", "--workers", "2"]
        began = time.monotonic()
        with Programs([*command, "--log-json", str(log)], _N_PROGRAMS, printed) as programs:
            kills = _disturb(programs, root, n_cases, n_kills, random.Random(seed), server)
            programs.wait()
        seconds = time.monotonic() - began
        begun, done = _jobs_in(log)
        expected, found = file_hashes(whole), file_hashes(root)
        return Found(
            differing=sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name)),
            twice=sorted(case_id for case_id, n in done.items() if n > 1),
            open_jobs=_open_jobs(root, n_cases),
            half=[str(path) for path in half_written(root)],
            surprises=_surprises(programs, printed),
            kills=dict(kills),
            n_begun=sum(begun.values()),
            seconds=round(seconds, 1),
        )


def _disturb(
    programs: Programs,
    root: Path,
    n_cases: int,
    n_kills: int,
    rng: random.Random,
    server: PostgreSQL | None,
) -> Counter[str]:
    """Kill something each time that so many cases are done, until all are."""
    kills = Counter[str]()
    ends = time.monotonic() + _MOST_SECONDS
    while programs.keep_running() and time.monotonic() < ends:
        n_done = len(list(root.glob(f"cases/*/networks/{NETWORK}/summary.json")))
        due = min(n_kills, 1 + n_done * n_kills / (_EARLIER * n_cases)) - kills.total()
        if due > 0:
            time.sleep(rng.uniform(0, _MOST_DELAY_S / max(1, due)))  # the work must not get ahead of kills
            kind = _killed(programs, rng, server)
            kills.update([kind] if kind else [])
        time.sleep(0.1)
    return kills


def _killed(programs: Programs, rng: random.Random, server: PostgreSQL | None) -> str | None:
    kind = rng.choices(["worker", "program", "terminated", "database"], [6, 2, 1, 1])[0]
    if kind == "program" and programs.kill_a_program(rng, signal.SIGKILL):
        return kind
    if kind == "terminated" and programs.kill_a_program(rng, signal.SIGTERM):
        return kind
    if kind == "database" and server is not None:
        server.end(signal.SIGQUIT)
        server.start()
        return kind
    return "worker" if programs.kill_a_worker(rng) else None


def _jobs_in(log: Path) -> tuple[Counter[str], Counter[str]]:
    """Count how often the work on each case began and was done, by the programs' log."""
    begun, done = Counter[str](), Counter[str]()
    for line in log.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row.get("case") and row["message"] == "began":
            begun[row["case"]] += 1
        elif row.get("case") and row.get("outcome") == "done":
            done[row["case"]] += 1
    return begun, done


def _open_jobs(root: Path, n_cases: int) -> list[str]:
    with opened(root) as project:
        jobs = project.store.ledger.jobs(prediction_stage(NETWORK))
    missing = [f"{n_cases - len(jobs)} cases are not in the ledger"] if len(jobs) != n_cases else []
    return missing + [f"{one.key} is {one.state}" for one in jobs if one.state is not JobState.DONE]


def _surprises(programs: Programs, printed: Path) -> list[str]:
    text = printed.read_text(encoding="utf-8", errors="replace")
    codes = [
        f"exit code {code}, {n} times"
        for code, n in programs.exit_codes.items()
        if code not in _EXPECTED_CODES
    ]
    return codes + [line for line in text.splitlines() if line.startswith("Traceback")]
