"""Begin processes that need not import again what this program has imported.

In:  a function and its arguments, which can be pickled.
Out: a process of `multiprocessing` that calls it.

On Linux, a server process imports the modules of this program once, and each process is a fork of the server,
which has neither threads nor connections. Elsewhere a process is spawned, and imports them itself.
"""

import ctypes
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.process import BaseProcess
from typing import Any

__all__ = ["start_process"]

_THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)
_ENDING = {signal.SIGTERM, signal.SIGHUP}
_SIGNAL_AT_PARENTS_DEATH = 1
"""`PR_SET_PDEATHSIG` of Linux."""
_threads_of_server: list[tuple[str | None, ...]] = []
"""Values of `_THREADS` that the server has; empty while there is none."""


def start_process(function: Callable[..., None], *arguments: Any, n_threads: int | None) -> BaseProcess:
    """Start a process that calls a function, in the environment that this program has now.

    Args:
        function: Something that can be imported.
        arguments: Its arguments; connections among them are handed over.
        n_threads: With which the process computes; `None` leaves that to the environment.
    """
    with _threads(n_threads):
        if _has_server():
            with suppress(EOFError, ConnectionError):  # the server was killed just now
                return _started("forkserver", function, arguments)
        return _started("spawn", function, arguments)


def _started(method: str, function: Callable[..., None], arguments: tuple[Any, ...]) -> BaseProcess:
    call = (method == "forkserver", dict(os.environ), function, arguments)
    process: BaseProcess = multiprocessing.get_context(method).Process(  # type: ignore[attr-defined]
        target=_call, args=call
    )
    process.start()
    return process


def _has_server() -> bool:
    """Begin the server if there is none; `False` if it cannot be used.

    Libraries read the number of threads when they are imported: all forks of a server have the same.
    """
    if sys.platform != "linux":
        return False
    threads = tuple(os.environ.get(name) for name in _THREADS)
    if not _threads_of_server:
        ours = [name for name in sys.modules if name.partition(".")[0] == "omentum"]
        multiprocessing.forkserver.set_forkserver_preload(ours)
        _threads_of_server.append(threads)
    if threads != _threads_of_server[0]:
        return False
    # The server inherits what is blocked: signals may be sent to all processes, and this one acts.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return True


def _call(
    is_fork: bool, environment: Mapping[str, str], function: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    if is_fork:
        os.environ.clear()
        os.environ.update(environment)
        # How this process ends is told by the server alone, so it ends with it.
        ctypes.CDLL(None).prctl(_SIGNAL_AT_PARENTS_DEATH, signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
    function(*arguments)


@contextmanager
def _threads(n_threads: int | None) -> Iterator[None]:
    """Let processes that are started compute with so many threads."""
    before = {name: os.environ.get(name) for name in _THREADS}
    if n_threads is not None:
        os.environ.update(dict.fromkeys(_THREADS, str(n_threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
