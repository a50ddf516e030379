"""The command that serves the review page."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from omentum.app.console import bars
from omentum.errors import ConfigError

__all__ = ["add_to"]

_HOST = "127.0.0.1"


def add_to(app: typer.Typer) -> None:
    """Add the command to those of the review."""
    app.command()(serve)


def serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where it listens; 0 for any.")] = 8765,
    reader: Annotated[
        str, typer.Option(help="Pseudonym of who reads, where no one logs in; the page can change it.")
    ] = "reader-1",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Show the address alone.")] = False,
    demo: Annotated[bool, typer.Option("--demo", help="Synthetic patients; no project is needed.")] = False,
    host: Annotated[
        str, typer.Option(help="Address on which it listens; others than this machine's need people.")
    ] = _HOST,
    host_name: Annotated[
        list[str] | None, typer.Option(help="Name by which browsers open it; may be repeated.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate in PEM form, for TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Key of the certificate in PEM form.")] = None,
    proxy: Annotated[
        list[str] | None,
        typer.Option(help="Address or network of a proxy that is believed; may be repeated."),
    ] = None,
    proxy_user_header: Annotated[str, typer.Option(help="Header in which that proxy names who asks.")] = "",
) -> None:
    """Serve the review page: by a link to this machine alone or, with people, to all who log in.

    Example: omentum -C my-atlas review serve --reader anna.
    """
    _check_installed()
    from omentum.app.server.access import checked_access
    from omentum.app.server.run import run_server
    from omentum.project.project import opened

    with ExitStack() as stack:
        root: Path = stack.enter_context(_demo()) if demo else context.obj
        project = stack.enter_context(opened(root))
        access = checked_access(
            host=host,
            host_names=host_name or (),
            proxies=proxy or (),
            user_header=proxy_user_header,
            certificate=(tls_cert, tls_key),
            has_people=bool(project.store.people.all()),
        )
        run_server(
            project, reader=reader, port=port, opens_browser=not no_browser, is_demo=demo, access=access
        )


def _check_installed() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("fastapi", "uvicorn") if find_spec(name) is None]
    if missing:
        rule = f"it needs {' and '.join(missing)}; run `pip install 'omentum[review]'`"
        raise ConfigError("review serve", "this installation", rule)


@contextmanager
def _demo() -> Iterator[Path]:
    """Copy the demonstration, made once and kept where caches lie, to a folder that goes at the end."""
    from platformdirs import user_cache_path

    from omentum.app.review_demo import demo_project

    with bars() as progress:
        made = demo_project(user_cache_path("omentum"), progress)
    with TemporaryDirectory(prefix="omentum-demo-") as folder:
        yield Path(shutil.copytree(made, Path(folder) / "demo"))
