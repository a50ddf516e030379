"""Fingers and pens draw as a mouse does; two fingers zoom and change no voxel."""

from typing import Any

import numpy as np
import pytest

from browsing.driver import Page, Point
from fixtures.page_atlas import LANDMARKS, PageAtlas, Wanted
from fixtures.saved_masks import saved_mask, voxels

CASES = ("tapped", "dragged", "pinched", "pen")
BASE = PageAtlas.masks_of_all()["liver"]
ROW = tuple((LANDMARKS[0][0] + n, *LANDMARKS[0][1:]) for n in range(3))
"""Three voxels beside each other."""


@pytest.fixture(scope="module")
def server(serve):
    return serve(*(Wanted(name) for name in CASES))


@pytest.fixture
def begin(enter, server):
    """Function: open a task on a screen that is touched, with a brush of one voxel."""

    def open_task(case_id: str) -> Page:
        page = enter(server, has_touch=True)
        page.open(CASES.index(case_id) + 1)
        page.keys("b")
        page.set("radius", 0)
        return page

    return open_task


def touch(page: Page, *steps: tuple[Point, ...]) -> None:
    """Put fingers on the screen, move them from step to step, and lift them."""
    session = page.tab.context.new_cdp_session(page.tab)
    for n, points in enumerate(steps):
        fingers = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(points)]
        kind = "touchStart" if n == 0 else "touchMove"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.settle()


def pen(page: Page, *points: Point) -> None:
    """Press a pen at the first point, move it to the others, and lift it."""
    session = page.tab.context.new_cdp_session(page.tab)

    def send(kind: str, point: Point, buttons: int) -> None:
        event: dict[str, Any] = {"type": kind, "x": point[0], "y": point[1], "pointerType": "pen"}
        event |= {"button": "left", "buttons": buttons, "clickCount": 1, "force": 0.5}
        session.send("Input.dispatchMouseEvent", event)

    send("mousePressed", points[0], 1)
    for point in points[1:]:
        send("mouseMoved", point, 1)
    send("mouseReleased", points[-1], 0)
    page.settle()


def changed(page: Page, server: Any, case_id: str) -> list[tuple[int, ...]]:
    mask = voxels(saved_mask(server.root, case_id, "liver", page.save()))
    return [tuple(map(int, one)) for one in np.argwhere(mask ^ BASE)]


def test_a_tap_draws_the_voxel_that_it_touches(begin, server):
    page = begin("tapped")
    page.tab.touchscreen.tap(*page.white("axial")[0])
    page.settle()
    assert changed(page, server, "tapped") == [LANDMARKS[0]]


def test_a_finger_draws_all_voxels_on_its_way(begin, server):
    page = begin("dragged")
    touch(page, *((page.client_of("axial", one),) for one in ROW))
    assert changed(page, server, "dragged") == list(ROW)


def test_two_fingers_zoom_and_change_no_voxel(begin, server):
    page = begin("pinched")
    x, y = page.client_of("axial", LANDMARKS[0])
    apart = page.client_of("axial", ROW[2])[0] - x
    before = page.mask_hash()
    steps = [((x - wide, y), (x + wide, y)) for wide in (20.0, 30.0, 40.0)]
    touch(page, *steps)
    assert page.mask_hash() == before
    assert not page.state()["isUnsaved"]
    wider = page.client_of("axial", ROW[2])[0] - page.client_of("axial", LANDMARKS[0])[0]
    assert abs(wider) == pytest.approx(2 * abs(apart), rel=0.05)


def test_a_pen_draws_as_a_mouse_does(begin, server):
    page = begin("pen")
    page.tab.evaluate(
        "() => { window.pens = []; document.addEventListener('pointerdown', (event) => "
        "window.pens.push(event.pointerType), true); }"
    )
    pen(page, *(page.client_of("axial", one) for one in ROW))
    assert page.tab.evaluate("() => window.pens") == ["pen"]
    assert changed(page, server, "pen") == list(ROW)
