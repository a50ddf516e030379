"""Run the review server on this machine until it is interrupted."""

import socket
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import typer
import uvicorn

from omentum.app.server.app import make_app, make_state
from omentum.app.server.events import Events
from omentum.app.server.page_files import how_to_build
from omentum.app.server.sessions import LINK_SECONDS, Sessions
from omentum.errors import ConfigError, ProjectError
from omentum.project.project import Project
from omentum.volumes.atomic import writing

__all__ = ["HOST", "run_server"]

HOST = "127.0.0.1"
_STOP_SECONDS = 5


class _Server(uvicorn.Server):
    """Ends the streams of events first, which would keep it from ending."""

    def __init__(self, config: uvicorn.Config, events: Events) -> None:
        super().__init__(config)
        self._events = events

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End the streams, then the server."""
        self._events.close()
        super().handle_exit(sig, frame)


class _Links:
    """Shows links to the person who started the server, and to no other."""

    def __init__(self, sessions: Sessions, port: int, path: Path) -> None:
        self._sessions, self._port, self._path = sessions, port, path

    def new(self) -> str:
        return f"http://{HOST}:{self._port}/enter?token={self._sessions.new_link_token()}"

    def show(self) -> None:
        """Show a link in the terminal; where the output goes to a file, it must not be in there."""
        if sys.stdout.isatty():
            typer.echo(f"open {self.new()}\nit works once, within {LINK_SECONDS / 60:g} minutes; ", nl=False)
            typer.echo("press Enter for a new one, Ctrl-C to end")
            return
        with writing(self._path) as part:
            part.touch(mode=0o600)
            part.write_text(self.new() + "\n", encoding="ascii")
        typer.echo(f"the link is in {self._path}; it works once, within {LINK_SECONDS / 60:g} minutes")

    def show_at_enter(self) -> None:
        """Show a new link whenever a line comes in."""
        for _ in sys.stdin:
            self.show()

    @contextmanager
    def opened_in_browser(self) -> Iterator[None]:
        """Open a link in the browser by a file of the user's own: others may read the commands that run."""
        with TemporaryDirectory(prefix="omentum-") as folder:  # only its user may look into it
            page = Path(folder) / "open.html"
            page.write_text(_OPENS.format(link=self.new()), encoding="ascii")
            webbrowser.open(page.as_uri())
            yield


_OPENS = (
    '<!doctype html><meta name="referrer" content="no-referrer">'
    '<meta http-equiv="refresh" content="0; url={link}">'
)


def run_server(
    project: Project, *, reader: str, port: int, opens_browser: bool, is_demo: bool = False
) -> None:
    """Answer requests until the program is interrupted.

    Args:
        project: The open project.
        reader: Pseudonym that a browser begins with.
        port: Where it listens; 0 takes a free one.
        opens_browser: Whether the page is opened.
        is_demo: Whether the patients are synthetic.

    Raises:
        ConfigError: The port is in use.
        ProjectError: Another server runs on the project.
    """
    with _only_one(project.folder.cache_dir / "review"), _listening(port) as listener:
        number = int(listener.getsockname()[1])
        state = make_state(project, reader, is_demo=is_demo)
        config = uvicorn.Config(
            make_app(state, number),
            access_log=False,  # it would keep the token of a link
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        if how_to_build():
            typer.echo(f"note: {how_to_build()}")
        links = _Links(state.sessions, number, project.folder.cache_dir / "review" / "link.txt")
        links.show()
        if sys.stdin is not None and sys.stdin.isatty():
            threading.Thread(target=links.show_at_enter, name="links", daemon=True).start()
        server = _Server(config, state.events)
        with suppress(KeyboardInterrupt):
            if opens_browser:
                with links.opened_in_browser():
                    server.run(sockets=[listener])
            else:
                server.run(sockets=[listener])
    typer.echo("the review server has ended; what was saved is kept")


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        seen = error.strerror or str(error)
        raise ConfigError("--port", port, f"it cannot be used ({seen}); give another, or 0 for any") from None
    with listener:
        yield listener


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Refuse a second server on a project, which would hand in the same saves."""
    try:
        import fcntl
    except ImportError:  # Windows has no such locks; handing in twice adds nothing
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ProjectError(
                "another review server runs on this project; use its page, or end it first"
            ) from None
        yield
