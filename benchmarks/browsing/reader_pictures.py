"""Take the docs' pictures of many readers. Run: cd benchmarks; python -m browsing.reader_pictures.

In:  the demonstration's synthetic patients, read twice by readers whose masks differ on purpose.
Out: `docs/pictures/review-adjudication.png` and `docs/pictures/review-dashboard-readers.png`.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from platformdirs import user_cache_path
from scipy import ndimage

from browsing.chromium import browser, why_no_page
from browsing.driver import Page
from browsing.pictures import PICTURES, SIZE
from browsing.server import serving
from omentum.app.review_demo import demo_project
from omentum.project.accounts import add_person
from omentum.project.project import Project, opened
from omentum.project.standing import facts_of_case
from omentum.records import TaskState
from omentum.records.people import Role
from omentum.review.adjudicate import decide_task
from omentum.review.hand_in import HandIn, hand_in
from omentum.review.shown_masks import likely_base

__all__ = ["main", "prepare"]

_PASSWORD = "reads with great care"
_N_TASKS = 4
_LARGE = ("liver", "spleen", "stomach", "pancreas", "aorta")
_SHARE = 0.35

Mask = npt.NDArray[np.bool_]


def prepare(root: Path) -> int:
    """Copy the demonstration, add people and let two readers read some tasks; give the task to show."""
    shutil.copytree(demo_project(user_cache_path("omentum")), root)
    with opened(root) as project:
        for name, role in (("root", Role.ADMIN), ("anna", Role.READER), ("ben", Role.READER)):
            add_person(project.store, name, [role], password=_PASSWORD)
        for number in list(_tasks(project)):
            _read_twice(project, number)
        waiting = [one.number or 0 for one in project.store.tasks.in_state(TaskState.IN_ADJUDICATION)]
        for number in waiting[1:-1]:
            decide_task(project, number, "common", by="root")
    return waiting[0]


def _tasks(project: Project) -> Iterator[int]:
    """Give the first task of each organ that is large enough to be seen."""
    seen: set[str] = set()
    for task in project.store.tasks.of_round(project.store.rounds.current().number):
        if task.organ in _LARGE and task.organ not in seen and len(seen) < _N_TASKS:
            seen.add(task.organ)
            yield task.number or 0


def _read_twice(project: Project, number: int) -> None:
    """Let Anna hand in the mask with more in front, and Ben with less behind."""
    project.store.tasks.want_readings(number, 2)
    task = project.store.tasks.get(number)
    base = likely_base(facts_of_case(project, task.case_id), task.organ)
    assert base is not None
    for reader, mask in zip(("anna", "ben"), _readings(base.mask), strict=True):
        one = HandIn(
            case_id=task.case_id,
            organ=task.organ,
            mask=mask,
            reader=reader,
            task_number=number,
            minutes=4.0 if reader == "anna" else 6.5,
        )
        hand_in(project, [one])


def _readings(mask: Mask) -> tuple[Mask, Mask]:
    """Grow one part of a mask by two voxels, and shrink another one by two."""
    places = np.argwhere(mask)
    low, high = places.min(axis=0), places.max(axis=0)
    front, behind = (np.zeros_like(mask) for _ in range(2))
    front[:, : int(low[1] + _SHARE * (high[1] - low[1]))] = True
    behind[:, int(high[1] - _SHARE * (high[1] - low[1])) :] = True
    more = mask | (ndimage.binary_dilation(mask, iterations=2) & front)
    less = mask & (ndimage.binary_erosion(mask, iterations=2) | ~behind)
    return more, less


def take(root: Path, task: int) -> None:
    """Take the pictures: both readings of a task with the first difference, and the tables of readers."""
    with (
        serving(root, has_people=True) as server,
        browser() as chromium,
        Page.logged_in(chromium, server, "root", _PASSWORD, path="/adjudications.html") as page,
    ):
        page.tab.get_by_test_id(f"adjudicate-{task}").click()
        page.wait_for_task(task)
        page.load_whole()
        page.tab.get_by_test_id("readings").wait_for()
        page.tab.mouse.move(SIZE[0] / 2, SIZE[1] - 5)
        page.settle()
        page.tab.screenshot(path=PICTURES / "review-adjudication.png")
        page.tab.goto(f"{server.origin}/dashboard.html")
        page.tab.get_by_role("heading", name="Agreement of readers").wait_for()
        page.tab.wait_for_load_state("networkidle")
        page.tab.get_by_role("heading", name="Agreement of readers").scroll_into_view_if_needed()
        page.tab.evaluate("() => window.scrollTo(0, document.body.scrollHeight)")
        page.tab.wait_for_timeout(500)
        page.tab.screenshot(path=PICTURES / "review-dashboard-readers.png")


def main() -> None:
    """Take the pictures."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    if why := why_no_page():
        sys.exit(f"the pictures cannot be taken: {why}")
    with tempfile.TemporaryDirectory() as made:
        root = Path(made) / "readers"
        take(root, prepare(root))


if __name__ == "__main__":
    main()
