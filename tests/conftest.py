"""What every test may use: the shared data, the command line, and the fixtures of `fixtures/`."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

pytest.register_assert_rewrite("fixtures")
pytest_plugins = [
    "fixtures.atlas",
    "fixtures.bad_share",
    "fixtures.catch",
    "fixtures.networks",
    "fixtures.object_store",
    "fixtures.patients",
    "fixtures.postgresql",
    "fixtures.published_attention",
    "fixtures.rounds",
    "fixtures.runners",
    "fixtures.shared_projects",
]

N_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if N_WORKERS > 1:  # threads of all workers together are as many as the processors
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // N_WORKERS)))

hypothesis.settings.register_profile("steady", derandomize=True)  # the same examples everywhere
hypothesis.settings.load_profile("steady")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real CTs and reference outputs beside the checkout; tests skip where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("OMENTUM_SHARED", default))
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}")
    return folder


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


Omentum = Callable[..., Ran]


@pytest.fixture
def omentum(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Omentum:
    """Run the command line in this process: `omentum("-C", project, "status")`."""
    from omentum.app.cli import main

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["omentum", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Ran(int(ended.value.code or 0), captured.out, captured.err)

    return run
