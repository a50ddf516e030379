"""Which tools of the review page save work? Run: python benchmarks/page_minutes.py [--quick].

A scripted reader, who sees the truth, corrects 20 tasks of `mixed` synthetic patients (--quick: 1) in
Chromium: each with the brush alone, and with the threshold brush, filling between slices and the lasso, by
the rules of minutes/plans.py. Counted are actions (keys and presses of the pointer), the pointer's travel and
the error that is left. `ours` and `other` are actions a task with the best helper and with the brush alone;
a helper that saves no actions, or leaves over 0.5 mL more of the error, is not worth offering first.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from browsing.chromium import browser, why_no_page
from browsing.driver import Page
from browsing.projects import Patient, make_project
from browsing.server import serving
from measure import asked, options, report
from minutes.reader import TOOLS, Effort, correct
from omentum.phantoms.phantom import Phantom, make_phantom
from omentum.phantoms.seeded_errors import Labelled, with_error
from omentum.volumes.labels import SUBSETS
from omentum.volumes.masks import MaskSet

NINE = SUBSETS["abdomenatlas-1.0"]
FIRST_SEED = 9000
N_TASKS, N_QUICK = 20, 1
MORE_LEFT_ML = 0.5
SPACING_MM, QUICK_MM = (2.0, 2.0, 4.0), (4.0, 4.0, 8.0)
DRAWN = ("hole punched", "cut by a plane", "split in two", "air or fat inside", "far ball added")
"""Errors that a reader corrects by drawing."""


class Seeded:
    """One task: a synthetic patient with one error."""

    def __init__(self, seed: int, spacing_mm: tuple[float, float, float]) -> None:
        phantom = make_phantom(seed, spacing_mm=spacing_mm, style="mixed")
        truth, wrong = _with_one_error(phantom, seed)
        self.ct, self.organ = phantom.ct, wrong.wrong[0]
        self.truth, self.shown = truth.mask(self.organ), wrong.mask(self.organ)
        self.masks = MaskSet.from_labels(wrong.labels, phantom.ct.geometry, NINE)
        inside = phantom.ct.voxels[self.truth]
        self.band_hu = (round(float(np.percentile(inside, 2))), round(float(np.percentile(inside, 98))))


def _with_one_error(phantom: Phantom, seed: int) -> tuple[Labelled, Labelled]:
    labels = phantom.labels.voxels.astype(np.uint8)
    truth = Labelled(hu=phantom.ct.voxels, labels=labels, geometry=phantom.ct.geometry)
    for n in range(len(DRAWN)):
        found = with_error(truth, DRAWN[(seed + n) % len(DRAWN)], np.random.default_rng(seed))
        if found is not None and (truth.mask(found.wrong[0]) ^ found.mask(found.wrong[0])).any():
            return truth, found
    raise ValueError(f"the patient of seed {seed} has no organ that can be wrong")


def patients(tasks: list[Seeded]) -> Iterator[Patient]:
    """Give each task once for each tool, so that none begins with another's work."""
    for n, task in enumerate(tasks):
        for tool in TOOLS:
            wanted = {task.organ: task.truth ^ task.shown}
            yield Patient(f"{tool.replace(' ', '_')}_{n}", task.ct, task.masks, wanted)


def efforts(chromium: Any, root: Path, tasks: list[Seeded]) -> dict[str, list[Effort]]:
    """Correct all tasks with all tools."""
    found: dict[str, list[Effort]] = {tool: [] for tool in TOOLS}
    with serving(root) as server, Page.entered(chromium, server, size=(1600, 1000)) as page:
        for n, task in enumerate(tasks):
            for m, tool in enumerate(TOOLS):
                page.open(1 + n * len(TOOLS) + m)
                page.load_whole()
                found[tool].append(correct(page, task.truth, task.shown, tool, task.band_hu))
                page.save()
    return found


def main(quick: bool) -> None:
    """Measure, and print a line a tool."""
    why = why_no_page()
    if why:
        print(f"this benchmark drives the review page, and is left out: {why}")
        return
    spacing_mm = QUICK_MM if quick else SPACING_MM
    tasks = [Seeded(FIRST_SEED + n, spacing_mm) for n in range(N_QUICK if quick else N_TASKS)]
    error_ml = sum(float(np.count_nonzero(one.truth ^ one.shown) * one.ct.geometry.voxel_ml) for one in tasks)
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        root = Path(folder) / "project"
        make_project(root, patients(tasks), NINE)
        found = efforts(chromium, root, tasks)
    rows = {tool: _summary(each) for tool, each in found.items()}
    for tool, row in rows.items():
        print(f"{tool:20}", ", ".join(f"{value:.1f} {name}" for name, value in row.items()))
    plain = rows[TOOLS[0]]["actions"]
    as_good = [
        tool for tool in TOOLS[1:] if rows[tool]["left_ml"] <= rows[TOOLS[0]]["left_ml"] + MORE_LEFT_ML
    ]
    best = min(as_good, key=lambda tool: rows[tool]["actions"], default=TOOLS[0])
    report(
        "page_minutes",
        ours=rows[best]["actions"],
        other=plain,
        unit="actions a task",
        quick=quick,
        best=best,
        saves_actions=[tool for tool in as_good if rows[tool]["actions"] < plain],
        error_ml=round(error_ml / len(tasks), 2),
        by_tool=rows,
    )


def _summary(each: list[Effort]) -> dict[str, float]:
    """Give means a task."""
    return {
        "actions": float(np.mean([one.actions for one in each])),
        "keys": float(np.mean([one.keys for one in each])),
        "presses": float(np.mean([one.presses for one in each])),
        "travel_pixels": float(np.mean([one.travel_pixels for one in each])),
        "left_ml": float(np.mean([one.left_ml for one in each])),
    }


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
