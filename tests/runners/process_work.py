"""Work for the tests of the runner in several processes, in a module that they can import."""

import os
import signal
import threading
import time
from pathlib import Path


class Costly:
    """Work that is loaded by each process; it notes when."""

    def __init__(self, log):
        self.log = log

    def __call__(self, _):
        return os.getpid()

    def __setstate__(self, state):
        self.__dict__.update(state)
        with self.log.open("a") as log:
            log.write(f"{os.getpid()}\n")


def threads_of(_):
    return os.environ.get("OMP_NUM_THREADS"), os.environ.get("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")


def told_to_end(_):
    os.kill(os.getpid(), signal.SIGTERM)
    return "went on"


def kill_server_once(flag, _):
    """Kill the server that this process is a fork of, and wait until this process ends, too."""
    if not flag.exists():
        flag.touch()
        server = os.getppid()
        assert b"forkserver" in Path(f"/proc/{server}/cmdline").read_bytes()
        os.kill(server, signal.SIGKILL)
        time.sleep(60)
    return "done"


def lock_of(_):
    return threading.Lock()


def note(folder, name, item, *given):
    (folder / f"{name}-{item}").touch()
    return item


def compute_between(folder, item, _):
    """Wait until the next item is read and the last one written, while this one is computed."""
    wanted = [folder / f"read-{item + 1}"] if item < 2 else []
    wanted += [folder / f"write-{item - 1}"] if item else []
    for _ in range(600):
        if all(path.exists() for path in wanted):
            return item
        time.sleep(0.05)
    raise TimeoutError(f"of {item}")
