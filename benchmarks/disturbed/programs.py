"""Keep several programs at work on a project, and kill them or their workers at random.

In:  a command, and a random generator.
Out: what was killed, how programs ended, and what they printed.
"""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

__all__ = ["Programs"]

_STOP_SECONDS = 120


class Programs:
    """Several runs of one command at once; one that ended is begun anew until all is done.

    Args:
        arguments: Of `omentum`.
        n: How many at once.
        log: Gets what they print.
    """

    def __init__(self, arguments: Sequence[str], n: int, log: Path) -> None:
        self._command, self._n, self._log = [sys.executable, "-m", "omentum", *arguments], n, log
        self._running: list[subprocess.Popen[bytes]] = []
        self.exit_codes = Counter[int]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        for one in self._running:
            one.kill()
            one.wait()

    def keep_running(self) -> bool:
        """Begin anew what ended before all was done; `False` once one has ended as all is done."""
        self._take_note()
        if self.exit_codes[0]:
            return False
        while len(self._running) < self._n:
            self._running.append(self._begun())
        return True

    def wait(self) -> None:
        """Wait until all have ended by themselves."""
        for one in self._running:
            one.wait(_STOP_SECONDS)
        self._take_note()

    def kill_a_worker(self, rng: random.Random) -> bool:
        """Kill a process that a program began; `False` if none has one."""
        workers = [pid for one in self._running for pid in _workers_of(one.pid)]
        return bool(workers) and _sent(rng.choice(workers), signal.SIGKILL)

    def kill_a_program(self, rng: random.Random, by: signal.Signals) -> bool:
        """Send a signal to a program; `False` if none runs."""
        running = [one.pid for one in self._running if one.poll() is None]
        return bool(running) and _sent(rng.choice(running), by)

    def _begun(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        with self._log.open("ab") as log:
            return subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )

    def _take_note(self) -> None:
        ended = [one for one in self._running if one.poll() is not None]
        self.exit_codes.update(one.returncode for one in ended)
        self._running = [one for one in self._running if one.returncode is None]


def _workers_of(pid: int) -> list[int]:
    """Give the processes that work for a program, not those that only look after memory."""
    try:
        of_threads = Path(f"/proc/{pid}/task").iterdir()
        children = [int(one) for task in of_threads for one in (task / "children").read_text().split()]
        return [one for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]
    except OSError:  # it has ended just now
        return []


def _sent(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
