import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from omentum.runners.processes import n_processors, worker_processes

PARENT = """
import os, time
from omentum.runners.processes import worker_processes

if __name__ == "__main__":
    pool = worker_processes(2)
    print(*{pool.submit(os.getpid).result() for _ in range(20)}, flush=True)
    waiting = pool.submit(time.sleep, 600)
    time.sleep(600)
"""


def is_running(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_work_is_done_elsewhere():
    with worker_processes(1) as pool:
        assert pool.submit(os.getpid).result() != os.getpid()
    assert 1 <= n_processors() <= (os.cpu_count() or 1)


def test_the_keyboard_interrupts_the_process_that_began_them_and_not_them():
    with worker_processes(1) as pool:
        os.kill(pool.submit(os.getpid).result(), signal.SIGINT)
        assert pool.submit(abs, -1).result() == 1


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_they_end_with_the_process_that_began_them_even_if_it_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        workers = [int(one) for one in parent.stdout.readline().split()]
        assert workers
        assert all(map(is_running, workers))
        parent.kill()
    for _ in range(200):
        if not any(map(is_running, workers)):
            return
        time.sleep(0.05)
    pytest.fail("a worker is still running")
