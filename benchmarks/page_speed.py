"""Does the review page keep a reader waiting? Run: python benchmarks/page_speed.py [--quick].

Chromium with software WebGL opens tasks of synthetic CTs of 512 x 512 x 300 voxels (--quick: 160 x 160 x 96),
by the review server on the same machine. Aims: hot spot to first editable pixel 1.5 s; the whole CT in the
page's own planes 10 s; stroke to screen 50 ms, median and 95th percentile; save 1 s; next task, loaded ahead,
0.3 s. The alternative is NiiVue's own load of the same CT, in the same run: its file, to its first frame.
`ours` and `other` are the seconds to the whole CT.

A stroke's time is from the event of the pointer to the end of the frame in which it is drawn. `open` is from
the address to the first frame in which the task can be edited, the page's own start included; `open_cold` is
the first of a CT that the server has not decoded yet.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from browsing.chromium import browser, why_no_page
from browsing.driver import Page
from browsing.niivue import niivue_seconds
from browsing.projects import Patient, make_project
from browsing.server import serving
from measure import asked, options, report
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import SUBSETS, organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.volume import Volume

SHAPE, QUICK_SHAPE = (512, 512, 300), (160, 160, 96)
SPACING_MM = (0.8, 0.8, 1.5)
NINE = SUBSETS["abdomenatlas-1.0"]
AIMS = {"open": 1.5, "whole": 10.0, "stroke_median": 0.05, "stroke_p95": 0.05, "save": 1.0, "next": 0.3}
N_CASES, N_STROKES, N_MOVES = 4, 20, 15
FRAMES = """() => {
  window.strokeMs = [];
  window.addEventListener('pointermove', (event) => {
    if (event.buttons === 0) return;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => window.strokeMs.push(performance.now() - event.timeStamp);
      channel.port2.postMessage(null);
    });
  }, { capture: true });
}"""
"""Notes when the frame after each event of the pointer is drawn."""
NEXT = """() => new Promise((resolve) => {
  const before = window.omentumPage.task;
  document.addEventListener('keydown', () => {
    const began = performance.now();
    const look = () => {
      const { task, busy } = window.omentumPage;
      if (task === before || task === null || busy !== null) return requestAnimationFrame(look);
      requestAnimationFrame(() => resolve((performance.now() - began) / 1000));
    };
    look();
  }, { once: true, capture: true });
})"""
"""Measures from the next key to the frame in which another task can be edited."""


def patients(shape: tuple[int, int, int]) -> Iterator[Patient]:
    """Make CTs of noise with nine cylinders as organs; the middle of the liver is the hot spot."""
    affine = np.diag([-SPACING_MM[0], -SPACING_MM[1], SPACING_MM[2], 1.0])
    geometry = Geometry(shape, affine)
    labels = np.zeros(shape, dtype=np.uint8)
    middle = slice(shape[2] // 4, 3 * shape[2] // 4)
    for n, name in enumerate(NINE):
        x, y = (n % 3 + 0.5) * shape[0] / 3, (n // 3 + 0.5) * shape[1] / 3
        grid = np.ogrid[: shape[0], : shape[1]]
        disc = (grid[0] - x) ** 2 + (grid[1] - y) ** 2 < (shape[0] / 9) ** 2
        labels[:, :, middle][disc] = organ(name).index
    masks = MaskSet.from_labels(labels, geometry, NINE)
    for n in range(N_CASES):
        hu = np.random.default_rng(n).normal(0, 20, shape).astype(np.int16)
        hu += np.where(labels > 0, np.int16(90), np.int16(-20))
        yield Patient(f"speed_{n}", Volume(hu, geometry), masks, {"liver": _middle(masks)})


def _middle(masks: MaskSet) -> np.ndarray:
    mask = masks.mask("liver")
    at = [int(one) for one in ndimage.center_of_mass(mask)]
    box = np.zeros_like(mask)
    box[tuple(slice(max(0, one - 20), one + 20) for one in at)] = True
    return box


def open_seconds(page: Page, task: int) -> float:
    """Open a task by its address, as a bookmark does."""
    page.tab.goto("about:blank")
    started = time.perf_counter()
    page.tab.goto(f"{page.server.origin}/#task={task}")
    page.wait_for_task(task)
    return time.perf_counter() - started


def whole_seconds(page: Page) -> float:
    """Load the whole CT after the region, until the page has all slices."""
    started = time.perf_counter()
    page.tab.keyboard.press("Shift+W")
    page.tab.wait_for_function("() => window.omentumPage.isWhole")
    page.settle()
    return time.perf_counter() - started


def stroke_seconds(page: Page, n_strokes: int) -> list[float]:
    """Draw strokes with a brush of 10 mm across the axial plane."""
    page.keys("b")
    page.set("radius", 10)
    page.tab.evaluate(FRAMES)
    frame = page.plane("axial").bounding_box()
    rng = np.random.default_rng(0)
    for _ in range(n_strokes):
        x, y = rng.uniform(0.3, 0.7, 2) * (frame["width"], frame["height"])
        page.draw([(frame["x"] + x + 4 * n, frame["y"] + y + 2 * n) for n in range(N_MOVES)])
    return [float(one) / 1000 for one in page.tab.evaluate("() => window.strokeMs")]


def save_seconds(page: Page) -> float:
    """Save what was drawn, until the page says that it is kept."""
    started = time.perf_counter()
    page.tab.keyboard.press("s")
    page.tab.wait_for_function("() => !window.omentumPage.isUnsaved && !window.omentumPage.busy")
    return time.perf_counter() - started


def next_seconds(page: Page, ahead_seconds: float) -> float:
    """Go to the next task once it had the time to be loaded ahead."""
    page.tab.wait_for_timeout(1000 * ahead_seconds)
    page.tab.evaluate(f"() => {{ window.nextSeconds = ({NEXT})(); }}")
    page.tab.keyboard.press("n")
    return float(page.tab.evaluate("() => window.nextSeconds"))


def measured(chromium: Any, root: Path, quick: bool) -> dict[str, Any]:
    """Measure all of it on one server."""
    times = 1 if quick else 3
    with serving(root) as server, Page.entered(chromium, server) as page:
        page.wait_for_task()
        cold = open_seconds(page, 2)
        warm = [open_seconds(page, 2) for _ in range(times)]
        whole = whole_seconds(page)
        strokes = stroke_seconds(page, 3 if quick else N_STROKES)
        save = save_seconds(page)
        open_seconds(page, 3)
        following = next_seconds(page, 3 if quick else 15)
        niivue = niivue_seconds(page.tab.context, server.origin, "speed_1")
    return {
        "open_cold": cold,
        "open": statistics.median(warm),
        "whole": whole,
        "stroke_median": statistics.median(strokes),
        "stroke_p95": float(np.percentile(strokes, 95)),
        "save": save,
        "next": following,
        "niivue_whole": niivue,
    }


def main(quick: bool) -> None:
    """Measure, and say which aims are met."""
    why = why_no_page()
    if why:
        print(f"this benchmark drives the review page, and is left out: {why}")
        return
    shape = QUICK_SHAPE if quick else SHAPE
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        root = Path(folder) / "project"
        make_project(root, patients(shape), NINE)
        seconds = measured(chromium, root, quick)
    for name, taken in seconds.items():
        aim = f"aim {AIMS[name]:g} s: {'met' if taken <= AIMS[name] else 'missed'}" if name in AIMS else ""
        print(f"{name:15} {taken:8.3f} s  {aim}")
    report(
        "page_speed",
        ours=seconds["whole"],
        other=seconds["niivue_whole"],
        unit="s",
        quick=quick,
        shape=shape,
        seconds={name: round(taken, 4) for name, taken in seconds.items()},
        missed=[name for name, aim in AIMS.items() if seconds[name] > aim],
    )


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
