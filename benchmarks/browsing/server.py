"""Run the review server of a project in a process of its own.

In:  a project's folder.
Out: the link that lets a browser in; a server that can be killed and started again on the same port.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

__all__ = ["ReviewServer", "serving"]

_START_SECONDS = 120
_STOP_SECONDS = 20


class ReviewServer:
    """A review server on a free port.

    Args:
        root: The project.
        reader: Pseudonym that a session begins with.
        environment: Variables of its own, such as `PYTHONPATH`.
        has_people: Whether people log in, so that there is no link.
    """

    def __init__(
        self,
        root: Path,
        *,
        reader: str = "anna",
        environment: Mapping[str, str] | None = None,
        has_people: bool = False,
    ) -> None:
        self.root, self._reader, self._has_people = root, reader, has_people
        self._environment = {**os.environ, **(environment or {})}
        self.port = _free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.cookies: list[Any] = []
        """Of a browser that was let in; a restart keeps them."""
        self._link = root / "cache" / "review" / "link.txt"
        self._log = root / "cache" / "review" / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._file: IO[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            RuntimeError: it ended, or does not answer within two minutes.
        """
        self._link.unlink(missing_ok=True)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._log.open("ab")
        command = ["-m", "omentum", "-C", str(self.root), "review", "serve"]
        command += ["--no-browser", "--reader", self._reader, "--port", str(self.port)]
        self._process = subprocess.Popen(
            [sys.executable, *command],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=self._file,
        )
        self._wait()

    def _wait(self) -> None:
        ends = time.monotonic() + _START_SECONDS
        while time.monotonic() < ends:
            if self._process is not None and self._process.poll() is not None:
                break
            with socket.socket() as one:
                is_told = self._has_people or self._link.is_file()
                if is_told and one.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"the review server does not answer:\n{self.log()}")

    def link(self) -> str:
        """Give the one-time link; it works once for each start."""
        return self._link.read_text(encoding="ascii").strip()

    def log(self) -> str:
        """Give all that the server has said."""
        return self._log.read_text(encoding="utf-8", errors="replace")

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
        if self._file is not None:
            self._file.close()
            self._file = None


@contextmanager
def serving(
    root: Path,
    *,
    reader: str = "anna",
    environment: Mapping[str, str] | None = None,
    has_people: bool = False,
) -> Iterator[ReviewServer]:
    """Run a server on a project as long as the context lasts."""
    server = ReviewServer(root, reader=reader, environment=environment, has_people=has_people)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
