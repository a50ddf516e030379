"""Drive the review page as a reader does: keys, pointer, and what is on the screen.

In:  a browser and a review server.
Out: a page to press keys and draw on; what it shows as pixels; the masks that it saved.
"""

from __future__ import annotations

import io
import math
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from browsing.chromium import Watched, watch
from browsing.server import ReviewServer

__all__ = ["PLANES", "Page", "Point"]

PLANES = ("axial", "coronal", "sagittal")
Point = tuple[float, float]
"""CSS pixels from the window's upper left corner."""
WAIT_MS = 120_000
_WHITE = 245
_ZOOM_OF_WHEEL = 0.0016
_LEAST_PIXELS = 9


@dataclass(slots=True)
class Page:
    """The review page in one tab."""

    tab: Any
    """Playwright's page."""
    server: ReviewServer
    watched: Watched
    may_complain: str = ""
    """Regular expression of what may be on the console, where a test provokes it."""

    @classmethod
    @contextmanager
    def entered(
        cls,
        chromium: Any,
        server: ReviewServer,
        *,
        pixel_ratio: float = 1.0,
        size: tuple[int, int] = (1280, 800),
        scheme: str = "dark",
        has_touch: bool = False,
    ) -> Iterator[Page]:
        """Open the page in a profile of its own, let in by the server's link or by its cookie."""
        with cls._context(chromium, pixel_ratio, size, scheme, has_touch) as context:
            context.add_cookies(server.cookies)
            page = cls.in_tab(context, server)
            if not server.cookies:
                page.tab.goto(server.link())
                server.cookies = context.cookies()
            yield page

    @classmethod
    @contextmanager
    def logged_in(
        cls,
        chromium: Any,
        server: ReviewServer,
        name: str,
        password: str,
        *,
        path: str = "/",
        scheme: str = "dark",
    ) -> Iterator[Page]:
        """Open a page of the server in a profile of its own, and log in by name and password."""
        with cls._context(chromium, scheme=scheme) as context:
            page = cls.in_tab(context, server)
            page.may_complain = "401"  # a browser writes to the console that nobody was logged in
            page.tab.goto(server.origin + path)
            page.log_in(name, password)
            page.tab.get_by_test_id("login").wait_for(state="detached")
            yield page

    @staticmethod
    @contextmanager
    def _context(
        chromium: Any,
        pixel_ratio: float = 1.0,
        size: tuple[int, int] = (1280, 800),
        scheme: str = "dark",
        has_touch: bool = False,
    ) -> Iterator[Any]:
        context = chromium.new_context(
            viewport={"width": size[0], "height": size[1]},
            device_scale_factor=pixel_ratio,
            color_scheme=scheme,
            has_touch=has_touch,
        )
        context.set_default_timeout(WAIT_MS)
        try:
            yield context
        finally:
            context.close()

    @classmethod
    def in_tab(cls, context: Any, server: ReviewServer) -> Page:
        """Open another tab of a profile."""
        tab = context.new_page()
        tab.on("dialog", lambda dialog: dialog.accept())  # leaving with unsaved work asks
        return cls(tab, server, watch(tab))

    # What is on the screen

    def state(self) -> dict[str, Any]:
        """Give what the page says of itself, `window.omentumPage`."""
        found: dict[str, Any] = self.tab.evaluate("() => JSON.parse(JSON.stringify(window.omentumPage))")
        return found

    def mask_hash(self) -> str:
        """Give the hash of the organ's mask in the part that is loaded."""
        return str(self.tab.evaluate("() => window.omentumPage.maskHash()"))

    def pixels(self, plane: str) -> npt.NDArray[np.uint8]:
        """Take a screenshot of a plane: rows, columns and RGB, in pixels of the screen."""
        from PIL import Image

        shot = self.plane(plane).screenshot(animations="disabled")
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"))

    def white(self, plane: str) -> list[Point]:
        """Find the middles of white patches of a plane, the largest first, in the window."""
        from scipy import ndimage

        pixels = self.pixels(plane)
        labels, n_patches = ndimage.label((pixels >= _WHITE).all(axis=2))
        sizes = np.bincount(labels.ravel())[1:]
        order = [n + 1 for n in np.argsort(-sizes) if sizes[n] >= _LEAST_PIXELS]
        frame = self.plane(plane).bounding_box()
        ratio = pixels.shape[1] / frame["width"]
        middles = ndimage.center_of_mass(labels > 0, labels, order) if order and n_patches else []
        return [
            (frame["x"] + (column + 0.5) / ratio, frame["y"] + (row + 0.5) / ratio) for row, column in middles
        ]

    def client_of(self, plane: str, voxel: Sequence[int]) -> Point:
        """Give where the page says that it draws a voxel's middle."""
        ask = "([plane, voxel]) => window.omentumPage.clientOfVoxel(plane, voxel)"
        x, y = self.tab.evaluate(ask, [plane, list(voxel)])
        return float(x), float(y)

    def plane(self, name: str) -> Any:
        """Give the canvas of a plane that takes the pointer."""
        return self.tab.get_by_test_id(f"plane-{name}")

    # What a reader does

    def log_in(self, name: str, password: str) -> None:
        """Fill and send the login form that is shown."""
        form = self.tab.get_by_test_id("login")
        form.get_by_label("Name").fill(name)
        form.get_by_label("Password").fill(password)
        form.get_by_role("button", name="Log in").click()

    def open(self, task: int | None = None) -> None:
        """Open a certain task, or the next one."""
        self.tab.goto("about:blank")
        self.tab.goto(self.server.origin + "/" + (f"#task={task}" if task is not None else ""))
        self.wait_for_task(task)

    def wait_for_task(self, task: int | None = None) -> None:
        """Wait until a task is open and nothing runs."""
        self.tab.wait_for_function(
            "task => window.omentumPage?.task != null && !window.omentumPage.busy"
            " && (task === null || window.omentumPage.task === task)",
            arg=task,
        )
        self.settle()

    def settle(self) -> None:
        """Wait until nothing runs and two frames were drawn."""
        self.tab.wait_for_function("() => !window.omentumPage.busy")
        self.tab.evaluate("() => new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")

    def load_whole(self) -> None:
        """Load the whole CT, if the page has not done so itself."""
        if not self.state()["isWhole"]:
            self.tab.keyboard.press("Shift+W")
        self.tab.wait_for_function("() => window.omentumPage.isWhole")
        self.settle()

    def keys(self, *keys: str) -> None:
        """Press keys one after the other, by Playwright's names."""
        for key in keys:
            self.tab.keyboard.press(key)
        self.settle()

    def zoom(self, factor: float, at: Point) -> None:
        """Zoom the plane at a place in the window about it, by the wheel with Ctrl."""
        self.tab.mouse.move(*at)
        self.tab.keyboard.down("Control")
        self.tab.mouse.wheel(0, -math.log(factor) / _ZOOM_OF_WHEEL)
        self.tab.keyboard.up("Control")
        self.settle()

    def draw(self, path: Sequence[Point], *, with_key: str = "") -> None:
        """Press the pointer at the first point and let it go at the last."""
        mouse = self.tab.mouse
        mouse.move(*path[0])
        if with_key:
            self.tab.keyboard.down(with_key)
        mouse.down()
        for point in path[1:]:
            mouse.move(*point)
        mouse.up()
        if with_key:
            self.tab.keyboard.up(with_key)
        self.settle()

    def set(self, name: str, value: float | str) -> None:
        """Change a setting of the tools, such as `radius`, in mm."""
        field = self.tab.get_by_test_id(f"setting-{name}")
        field.fill(str(value))
        field.blur()
        self.settle()

    def save(self) -> dict[str, Any]:
        """Save by the key, wait until the server has handed it in, and give what became of it."""
        with self.tab.expect_response(re.compile(r"/api/tasks/\d+/save$")) as answer:
            self.keys("s")
        response = answer.value
        if response.status != 202:
            return {"state": "refused", "status": response.status, **response.json()}
        self.settle()
        return self.handed_in(response.json()["save"])

    def handed_in(self, save: str) -> dict[str, Any]:
        """Wait until a save is done or has failed."""
        ends = time.monotonic() + WAIT_MS / 1000
        while time.monotonic() < ends:
            found: dict[str, Any] = self.tab.request.get(f"{self.server.origin}/api/saves/{save}").json()
            if found["state"] != "queued":
                return found
            time.sleep(0.05)
        raise TimeoutError(f"save {save} is still in the queue")

    # What a test asks at the end

    def require_quiet(self) -> None:
        """Refuse what must not have happened: errors on the console, requests to other hosts."""
        allowed = re.compile(self.may_complain) if self.may_complain else None
        errors = [one for one in self.watched.errors if allowed is None or not allowed.search(one)]
        assert not errors, errors
        assert not self.watched.foreign(self.server.origin)
