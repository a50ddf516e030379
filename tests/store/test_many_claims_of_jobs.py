"""Eight processes share a ledger, and two of them are killed: each job is done once, and none is lost."""

import json
import subprocess
import sys
from collections import Counter

import pytest

from omentum.store.store import Store

N_PROCESSES, N_KILLED, N_JOBS = 8, 2, 120

WORKERS = """
import json, multiprocessing, os, sys
from datetime import timedelta
from pathlib import Path
from omentum.store.shared_stage import SharedStageLedger
from omentum.store.store import Store

url, root, n, n_killed, n_jobs = sys.argv[1], Path(sys.argv[2]), *map(int, sys.argv[3:])
keys = [f"{number:03}" for number in range(n_jobs)]
fork = multiprocessing.get_context("fork")
killed_have_some, others_begin = fork.Barrier(n_killed + 1), fork.Barrier(n - n_killed + 1)

def work(number):
    is_killed = number < n_killed
    with Store.open(url, root, wait_seconds=60) as store:
        lease = timedelta(milliseconds=1) if is_killed else timedelta(days=1)
        ledger = SharedStageLedger(store.ledger, "predict", f"here:{number}:0", lease=lease)
        ledger.offer(keys)
        if is_killed:
            ledger.claim(5)
            killed_have_some.wait(60)
            os._exit(0)
        others_begin.wait(60)
        claimed = []
        while ledger.left().now:
            for key in ledger.claim(3):
                claimed.append(key)
                ledger.mark_done(key, None)
    (root / f"{number}.json").write_text(json.dumps(claimed))

processes = [fork.Process(target=work, args=(number,)) for number in range(n)]
for process in processes:
    process.start()
killed_have_some.wait(60)
others_begin.wait(60)
for process in processes:
    process.join()
sys.exit(max(process.exitcode for process in processes))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request):
    """Where the jobs are."""
    return "sqlite:///omentum.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")


@pytest.mark.slow
def test_eight_processes_do_each_job_once_and_take_over_what_killed_ones_had(url, tmp_path):
    Store.open(url, tmp_path).close()
    asked = [url, tmp_path, N_PROCESSES, N_KILLED, N_JOBS]
    command = [sys.executable, "-c", WORKERS, *map(str, asked)]
    ended = subprocess.run(command, check=False, timeout=240, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    claimed = Counter()
    for number in range(N_KILLED, N_PROCESSES):
        claimed.update(json.loads((tmp_path / f"{number}.json").read_text()))
    assert claimed == Counter(f"{number:03}" for number in range(N_JOBS))
    with Store.open(url, tmp_path) as store:
        n_attempts = sum(job.attempts for job in store.ledger.jobs("predict"))
        assert store.ledger.summary()["predict"].done == N_JOBS
    assert n_attempts == N_JOBS + 5 * N_KILLED
