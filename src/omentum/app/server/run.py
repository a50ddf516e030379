"""Run the review server on this machine until it is interrupted."""

import errno
import socket
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import typer
import uvicorn
from fastapi import FastAPI

from omentum.app.server.access import HERE, LOCAL_ACCESS, Access
from omentum.app.server.app import make_app, make_state
from omentum.app.server.context import ServerState
from omentum.app.server.events import Events
from omentum.app.server.page_files import how_to_build
from omentum.app.server.sessions import LINK_SECONDS, Sessions
from omentum.errors import ConfigError, ProjectError
from omentum.project.project import Project
from omentum.volumes.atomic import writing

__all__ = ["run_server"]

_STOP_SECONDS = 5
_SWITCH_SECONDS = 0.001
"""How long a thread that computes, such as one that hands in, keeps the others waiting at most."""


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
        return f"http://{HERE}:{self._port}/enter?token={self._sessions.new_link_token()}"

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
    project: Project,
    *,
    reader: str,
    port: int,
    opens_browser: bool,
    is_demo: bool = False,
    access: Access = LOCAL_ACCESS,
) -> None:
    """Answer requests until the program is interrupted.

    Args:
        project: The open project.
        reader: Pseudonym that a browser begins with.
        port: Where it listens; 0 takes a free one.
        opens_browser: Whether the page is opened.
        is_demo: Whether the patients are synthetic.
        access: How the server is reached.

    Raises:
        ConfigError: The port or the address is in use or not this machine's, or the certificate is none.
        ProjectError: Another server runs on the project.
    """
    with _only_one(project.folder.cache_dir / "review"), _listening(access.host, port) as listener:
        number = int(listener.getsockname()[1])
        state = make_state(project, reader, is_demo=is_demo, access=access)
        config = _config(make_app(state, number), access)
        if how_to_build():
            typer.echo(f"note: {how_to_build()}")
        server = _Server(config, state.events)
        sys.setswitchinterval(_SWITCH_SECONDS)
        with suppress(KeyboardInterrupt), _shown(state, number, opens_browser=opens_browser):
            server.run(sockets=[listener])
    typer.echo("the review server has ended; what was saved is kept")


def _config(app: FastAPI, access: Access) -> uvicorn.Config:
    """Make uvicorn's settings; a certificate that is none raises `ConfigError`."""
    cert, key = access.certificate or (None, None)
    config = uvicorn.Config(
        app,
        access_log=False,  # it would keep the token of a link
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # the gate reads them, from the proxies that are named
        ssl_certfile=cert,
        ssl_keyfile=key,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    try:
        config.load()
    except OSError as error:  # of which an SSLError is one
        rule = f"it and --tls-key cannot be read as certificate and key in PEM form ({error})"
        raise ConfigError("--tls-cert", str(cert), rule) from None
    return config


@contextmanager
def _shown(state: ServerState, port: int, *, opens_browser: bool) -> Iterator[None]:
    """Say where the page is: to whom a link lets in, or to all who log in; and open it."""
    if state.project.store.people.all():
        address = _address(state.access, port)
        typer.echo(f"open {address} and log in; Ctrl-C ends the server")
        if opens_browser and state.access.is_here_alone:
            webbrowser.open(address)
        yield
        return
    links = _Links(state.sessions, port, state.project.folder.cache_dir / "review" / "link.txt")
    links.show()
    if sys.stdin is not None and sys.stdin.isatty():
        threading.Thread(target=links.show_at_enter, name="links", daemon=True).start()
    with links.opened_in_browser() if opens_browser else nullcontext():
        yield


def _address(access: Access, port: int) -> str:
    names = sorted(name for name in access.host_names - LOCAL_ACCESS.host_names)
    name = names[0] if names else HERE
    scheme = "http" if access.certificate is None else "https"
    if access.proxies and names:  # the proxy does TLS, on its own port
        return f"https://{name}/"
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}/"


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        seen = error.strerror or str(error)
        option, value = ("--host", host) if error.errno == errno.EADDRNOTAVAIL else ("--port", port)
        raise ConfigError(option, value, f"it cannot be used ({seen}); give another, or 0 for any") from None
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
