"""Fifty processes claim from five hundred tasks at once: each task goes to one, and none is left."""

import json
import subprocess
import sys
from collections import Counter
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest

from omentum.store.store import Store
from omentum.store.tasks import pool_of

N_PROCESSES, N_TASKS, N_KILLED = 50, 500, 5

CLAIMERS = """
import json, multiprocessing, os, sys
from datetime import timedelta
from pathlib import Path
from omentum.store.store import Store

url, root, n, n_killed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
fork = multiprocessing.get_context("fork")
all_are_open, all_have_some = fork.Barrier(n), fork.Barrier(n - n_killed)

def claim(number):
    with Store.open(url, root, wait_seconds=60) as store:
        all_are_open.wait(60)
        if number < n_killed:
            store.leases.claim("tasks 1", f"killed-{number}", 5, timedelta(milliseconds=1))
            os._exit(0)
        leases = store.leases.claim("tasks 1", f"reader-{number}", 5, timedelta(days=1))
        claimed = [lease.key for lease in leases]
        all_have_some.wait(60)
        while leases:
            leases = store.leases.claim("tasks 1", f"reader-{number}", 2, timedelta(days=1))
            claimed += [lease.key for lease in leases]
    (root / f"reader-{number}.json").write_text(json.dumps(claimed))

processes = [fork.Process(target=claim, args=(number,)) for number in range(n)]
for process in processes:
    process.start()
for process in processes:
    process.join()
sys.exit(max(process.exitcode for process in processes))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request):
    """Where the tasks are."""
    return "sqlite:///omentum.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")


@pytest.mark.slow
def test_fifty_processes_claim_every_task_once(url, tmp_path, case_of, task_of):
    with Store.open(url, tmp_path) as store:
        store.cases.add_all([case_of(f"c{number}") for number in range(N_TASKS)])
        store.rounds.start("starter")
        tasks = store.tasks.replace(1, [task_of(f"c{number}", number + 1) for number in range(N_TASKS)])
        # On PostgreSQL a program writes all the while: claims do not wait for it.
        with store.together() if url.startswith("postgresql") else nullcontext():
            if url.startswith("postgresql"):
                store.facts.set("import", "in the middle")
            asked = [url, tmp_path, N_PROCESSES, N_KILLED]
            command = [sys.executable, "-c", CLAIMERS, *map(str, asked)]
            ended = subprocess.run(command, check=False, timeout=120, capture_output=True, text=True)
        assert (ended.returncode, ended.stderr) == (0, "")
        held = store.leases.all(pool_of(1))
    claimed = {
        f"reader-{number}": json.loads((tmp_path / f"reader-{number}.json").read_text())
        for number in range(N_KILLED, N_PROCESSES)
    }
    assert Counter(key for keys in claimed.values() for key in keys) == Counter(
        str(one.number) for one in tasks
    )
    assert all(claimed.values()), "each gets some"
    assert {key: [lease.holder for lease in leases] for key, leases in held.items()} == {
        key: [reader] for reader, keys in claimed.items() for key in keys
    }
    assert all(lease.until > datetime.now(UTC) + timedelta(hours=1) for (lease,) in held.values())
