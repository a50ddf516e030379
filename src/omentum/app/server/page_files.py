"""Serve the files of the built review page."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

__all__ = ["PAGE_DIR", "add_page", "how_to_build"]

PAGE_DIR = Path(__file__).resolve().parents[1] / "page"
"""Where the page is built into."""
_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Omentum</title>
<link rel="icon" href="data:,">
<h1>The review page is not built</h1>
<p>The server runs, and its routes answer. To build the page, install Node.js 20.19 or later and run
<code>make page</code> in the folder of the source code (or <code>npm ci</code> and
<code>npm run build</code> in its folder <code>web</code>), and start the server again; or install a wheel,
which has the page in it.</p></html>
"""
_HOW_TO_BUILD = (
    "the review page is not built, so that only other programs are answered; install Node.js 20.19 or "
    "later and run `make page` in the folder of the source code, or install a wheel, which has the page in it"
)


def how_to_build(folder: Path = PAGE_DIR) -> str:
    """Say how the page is built; empty where it is there."""
    return "" if (folder / "index.html").is_file() else _HOW_TO_BUILD


def add_page(app: FastAPI, folder: Path = PAGE_DIR) -> None:
    """Serve the page's files at `/`; where they are not there, a page that says how to build them."""
    if (folder / "index.html").is_file():
        app.mount("/", StaticFiles(directory=folder, html=True), name="page")
        return

    @app.get("/", include_in_schema=False)
    def not_built() -> HTMLResponse:
        return HTMLResponse(_NOT_BUILT)
