"""Keep several programs at work on a project, and kill them or their workers at random.

In:  a command, and a random generator.
Out: what was killed, how programs ended, and what they printed.
"""

import os
import random
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self

from omentum.runners.fork_server import start_process

__all__ = ["Programs"]

_STOP_SECONDS = 120


class Programs:
    """Several runs of one command at once; one that ended is begun anew until all is done.

    They are forks of a server that has imported what they need, so that many can be killed in a minute.

    Args:
        arguments: Of `omentum`.
        n: How many at once.
        log: Gets what they print.
    """

    def __init__(self, arguments: Sequence[str], n: int, log: Path) -> None:
        self._arguments, self._n, self._log = list(arguments), n, log
        self._running: list[BaseProcess] = []
        self.exit_codes = Counter[int]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        for one in self._running:
            one.kill()
            one.join()

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
            one.join(_STOP_SECONDS)
        self._take_note()

    def kill_a_worker(self, rng: random.Random) -> bool:
        """Kill a process that a program began; `False` if none has one."""
        workers = [pid for one in self._running for pid in _workers_of(one.pid or 0)]
        return bool(workers) and _sent(rng.choice(workers), signal.SIGKILL)

    def kill_a_program(self, rng: random.Random, by: signal.Signals) -> bool:
        """Send a signal to a program; `False` if none runs."""
        running = [one.pid for one in self._running if one.exitcode is None and one.pid is not None]
        return bool(running) and _sent(rng.choice(running), by)

    def _begun(self) -> BaseProcess:
        return start_process(_run_omentum, self._arguments, self._log, n_threads=1)

    def _take_note(self) -> None:
        codes = [one.exitcode for one in self._running]
        self.exit_codes.update(code for code in codes if code is not None)
        self._running = [one for one, code in zip(self._running, codes, strict=True) if code is None]


def _run_omentum(arguments: Sequence[str], log: Path) -> None:
    """Be a program in this process, which prints to a file."""
    from omentum.app.cli import main

    with log.open("ab") as printed:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(printed.fileno(), stream.fileno())
    sys.argv = ["omentum", *arguments]
    main()


def _workers_of(pid: int) -> list[int]:
    """Give the processes that work for a program, not the server that forks them."""
    try:
        commands = {one: Path(f"/proc/{one}/cmdline").read_bytes() for one in _children_of(pid)}
    except OSError:  # one has ended just now
        return []
    servers = [one for one, command in commands.items() if b"multiprocessing.forkserver" in command]
    forks = [one for server in servers for one in _children_of(server)]
    return forks + [one for one, command in commands.items() if b"spawn_main" in command]


def _children_of(pid: int) -> list[int]:
    try:
        of_threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(one) for task in of_threads for one in (task / "children").read_text().split()]
    except OSError:  # it has ended just now
        return []


def _sent(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
