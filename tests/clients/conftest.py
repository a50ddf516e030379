"""Clients of other projects, each in an environment of its own that is kept between runs."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.atlas import Atlas
from fixtures.object_store import ObjectStore

collect_ignore = ["monai_label_session.py"]  # it runs in the client's environment
CLIENTS_DIR = Path(__file__).resolve().parents[2] / ".venv-clients"
MADE_SECONDS = 300


def _python_until(version: tuple[int, int]) -> str | None:
    """Find a Python that is not newer; the project's own where it will do."""
    if sys.version_info[:2] <= version:
        return sys.executable
    names = [f"python3.{minor}" for minor in range(version[1], 10, -1)]
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def client_python() -> Callable[..., Path]:
    """Function: give the Python of an environment with a client, made once; tests skip where it cannot be."""

    def make(requirement: str, *more: str, until: tuple[int, int]) -> Path:
        folder = CLIENTS_DIR / requirement.replace("==", "-")
        python, done = folder / "bin" / "python", folder / "installed"
        if done.is_file():
            return python
        base = _python_until(until)
        if base is None:
            pytest.skip(f"{requirement} needs Python 3.{until[1]} or older")
        shutil.rmtree(folder, ignore_errors=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        steps = [[base, "-m", "venv", str(folder)], [*pip, "--no-deps", requirement], [*pip, *more]]
        for step in steps:
            ran = subprocess.run(step, capture_output=True, text=True, timeout=MADE_SECONDS, check=False)
            if ran.returncode:
                pytest.skip(f"{requirement} cannot be installed here: {ran.stderr.strip()[-300:]}")
        done.touch()
        return python

    return make


@pytest.fixture
def store(make_object_store: Callable[..., ObjectStore]) -> ObjectStore:
    """An object store with an empty bucket."""
    return make_object_store()


@pytest.fixture
def root(atlas: Atlas, omentum: Callable[..., Any]) -> Path:
    """A project of two predicted cases, released as V1."""
    atlas.add("a", "b")
    for case_id in ("a", "b"):
        masks = {
            "liver": atlas.box((3, 14), (3, 14), (3, 12)),
            "spleen": atlas.box((15, 20), (3, 10), (3, 10)),
        }
        atlas.predict(case_id, masks)
    root = atlas.root / "atlas"
    assert omentum("-C", root, "assemble", "--version", "V1").code == 0
    return root


@pytest.fixture
def run(omentum: Callable[..., Any], root: Path) -> Callable[..., Any]:
    """Function: run a command on that project."""
    return lambda *words: omentum("-C", root, *words)
