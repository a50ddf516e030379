"""Tasks are done by the keyboard alone; the page is accessible, and it works from an installed wheel."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from browsing.server import serving
from fixtures.axe import violations
from fixtures.page_atlas import Wanted, page_atlas
from omentum.project.project import opened
from omentum.records import TaskKind, TaskState

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def server(serve):
    return serve(
        Wanted("accepted"),
        Wanted("absent", organ="spleen"),
        Wanted("skipped"),
        Wanted("shown", has_second=True),
        Wanted("audited", kind=TaskKind.AUDIT),
        Wanted("held-out", kind=TaskKind.HELD_OUT),
    )


def states(server) -> list[TaskState]:
    with opened(server.root) as project:
        return [project.store.tasks.get(number).state for number in (1, 2, 3)]


def test_the_keyboard_alone_completes_tasks(enter, server):
    page = enter(server)
    page.wait_for_task(1)
    page.keys("Space", "a")
    page.wait_for_task(2)
    page.keys("x")
    page.keys("x")
    page.wait_for_task(3)
    page.keys("q")
    page.keys("1")
    page.wait_for_task(4)
    page.tab.wait_for_timeout(2000)  # what was handed in is measured in the background
    assert not any(state.is_open for state in states(server))
    assert states(server)[2] is TaskState.SKIPPED


@pytest.mark.parametrize(("task", "kind"), [(5, "audit"), (6, "held-out")])
def test_tasks_that_measure_show_no_hot_spot_and_ask_for_no_attention(enter, server, task, kind):
    page = enter(server)
    page.open(task)
    page.tab.wait_for_timeout(300)
    assert page.tab.locator("[data-testid^=spot-]").count() == 0
    own = [one for one in page.watched.urls if f"/tasks/{task}/" in one]
    assert own
    assert not [one for one in own if "attention" in one]


def test_every_part_of_the_page_opens_without_errors_and_without_other_hosts(enter, server):
    page = enter(server)
    page.open(4)
    for key in ("?", "Escape", "h", "o", "u", "y", "y", "Shift+Y", "2", "3", "4", "1", "Shift+L", "Shift+W"):
        page.keys(key)
    page.keys("j")
    page.tab.get_by_test_id("volume-view").wait_for()
    page.tab.wait_for_timeout(1000)
    page.tab.get_by_test_id("open-queue").click()
    page.tab.get_by_test_id("dialog-queue").wait_for()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing(enter, server, scheme):
    page = enter(server, scheme=scheme)
    page.open(4)
    if scheme == "light":
        page.keys("Shift+L")
    assert violations(page) == []
    page.keys("?")
    assert violations(page) == []
    page.tab.keyboard.press("Escape")
    page.keys("Shift+R")
    page.tab.get_by_test_id("dialog-history").wait_for()
    assert violations(page) == []
    page.tab.keyboard.press("Escape")
    page.tab.get_by_test_id("reader").click()
    assert violations(page) == []
    page.tab.goto(server.origin + "/dashboard.html")
    page.tab.wait_for_load_state("networkidle")
    assert violations(page) == []


def test_the_page_works_from_an_installed_wheel(enter, tmp_path):
    wheels, installed = tmp_path / "wheels", tmp_path / "installed"
    run("-m", "hatchling", "build", "-d", str(wheels), "-t", "wheel", cwd=ROOT)
    wheel = next(wheels.glob("*.whl"))
    run("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(installed), str(wheel))
    environment = {"PYTHONPATH": str(installed)}
    used = run("-c", "import omentum; print(omentum.__file__)", **environment)
    assert Path(used.strip()).is_relative_to(installed)
    page_atlas(tmp_path / "atlas", Wanted("first"))
    with serving(tmp_path / "atlas", environment=environment) as server:
        page = enter(server)
        page.wait_for_task(1)
        assert page.state()["caseId"] == "first"


def run(*arguments: str, cwd: Path | None = None, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
