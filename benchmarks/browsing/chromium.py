"""Open Debian's Chromium with software WebGL, by Playwright.

In:  the link of a review server.
Out: a page, and all that it asked for and complained about.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FLAGS", "Watched", "browser", "chromium_path", "watch", "why_no_page"]

FLAGS = (
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(slots=True)
class Watched:
    """What a page did that nobody sees on it."""

    errors: list[str] = field(default_factory=list)
    """Errors and warnings on the console, and exceptions that nothing caught."""
    urls: list[str] = field(default_factory=list)
    """What it asked for, of servers."""

    def foreign(self, origin: str) -> list[str]:
        """Give what it asked of other hosts."""
        return [one for one in self.urls if not one.startswith((origin + "/", "data:", "blob:"))]


def chromium_path() -> str | None:
    """Find Chromium: `OMENTUM_CHROMIUM`, or a command of that name."""
    return os.environ.get("OMENTUM_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


def why_no_page() -> str:
    """Say what is missing on this machine to open the page; empty where nothing is."""
    from importlib.util import find_spec

    if find_spec("playwright") is None:
        return "no Playwright: pip install 'omentum[dev]'"
    if chromium_path() is None:
        return "no Chromium: apt-get install chromium, or set OMENTUM_CHROMIUM to its path"
    from omentum.app.server.page_files import how_to_build

    return how_to_build()


@contextmanager
def browser() -> Iterator[Any]:
    """Run one Chromium as long as the context lasts; it gets an empty profile."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        try:
            yield chromium
        finally:
            chromium.close()


def watch(page: Any) -> Watched:
    """Note from now on what a page asks for and complains about."""
    watched = Watched()

    def on_console(message: Any) -> None:
        if message.type in ("error", "warning"):
            at = message.location.get("url", "")
            watched.errors.append(f"{message.type}: {message.text} {at}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: watched.errors.append(f"uncaught: {error}"))
    page.on("request", lambda request: watched.urls.append(request.url))
    return watched
