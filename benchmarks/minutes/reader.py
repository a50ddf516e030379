"""Correct a mask on the review page with one tool, as a reader who sees the truth.

In:  an open task, the true mask, a tool.
Out: what it took: presses of keys and of the pointer, its travel, and the error that is left.
"""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from browsing.driver import Page
from minutes.plans import BEYOND_MM, discs, drawn_slices, outline, pieces

__all__ = ["TOOLS", "Effort", "correct"]

TOOLS = ("brush", "threshold brush", "fill between slices", "lasso")
"""The first is what the others are compared with."""
Mask = npt.NDArray[np.bool_]
_BITS = """() => {
  const bits = window.omentumPage.maskBits();
  let text = '';
  for (const byte of bits) text += String.fromCharCode(byte);
  return btoa(text);
}"""


@dataclass(slots=True)
class Effort:
    """What the corrections took."""

    keys: int = 0
    presses: int = 0
    travel_pixels: float = 0.0
    left_ml: float = math.nan
    at: tuple[float, float] | None = field(default=None, repr=False)

    @property
    def actions(self) -> int:
        """Keys and presses of the pointer."""
        return self.keys + self.presses


@dataclass(slots=True)
class _Hand:
    """One reader's hands on the page."""

    page: Page
    effort: Effort
    axes: tuple[int, int]
    """Array axes of the axial plane; the other one is across."""
    tool: str = ""
    radius_mm: float = 5.0

    @property
    def across(self) -> int:
        return 3 - sum(self.axes)

    def press(self, *keys: str) -> None:
        self.page.keys(*keys)
        self.effort.keys += len(keys)

    def choose(self, key: str) -> None:
        if self.tool != key:
            self.press(key)
            self.tool = key

    def size(self, radius_mm: float) -> None:
        """Set the brush; typing a number is one action, as stepping by keys rarely takes more."""
        if radius_mm != self.radius_mm:
            self.page.set("radius", radius_mm)
            self.page.plane("axial").focus()
            self.effort.keys += 1
            self.radius_mm = radius_mm

    def go_to(self, index: int) -> None:
        now = int(self.page.tab.evaluate("() => window.omentumPage.sliceOf('axial')"))
        step = "ArrowUp" if (index > now) == self._rises() else "ArrowDown"
        self.press(*[step] * abs(index - now))

    def _rises(self) -> bool:
        return bool(self.page.state()["geometry"]["orientation"][self.across] in "SAL")

    def draw(self, index: int, path: Sequence[tuple[float, float]], *, with_key: str = "") -> None:
        points = [self.page.client_of("axial", self._voxel(index, *one)) for one in path]
        self.page.draw(points, with_key=with_key)
        self.effort.presses += 1
        self.effort.keys += bool(with_key)
        known = [self.effort.at] if self.effort.at is not None else []
        line = [*known, *points]
        self.effort.travel_pixels += sum(math.dist(a, b) for a, b in pairwise(line))
        self.effort.at = points[-1]

    def _voxel(self, index: int, first: float, second: float) -> list[float]:
        voxel = [float(index)] * 3
        voxel[self.axes[0]], voxel[self.axes[1]] = first, second
        return voxel


def correct(page: Page, truth: Mask, shown: Mask, tool: str, band_hu: tuple[float, float]) -> Effort:
    """Correct the open task slice by slice, and measure what is left.

    Args:
        page: With the task open and all of its CT loaded.
        truth: The true mask, on the CT's grid.
        shown: The mask that the task began with.
        tool: One of `TOOLS`.
        band_hu: Range of the organ's intensities, for the threshold brush.
    """
    geometry = page.state()["geometry"]
    across = next(n for n, letter in enumerate(geometry["orientation"]) if letter in "SI")
    axes = tuple(n for n in range(3) if n != across)
    hand = _Hand(page, Effort(), (axes[0], axes[1]))
    page.plane("axial").focus()
    if tool == "threshold brush":
        page.set("band-low", band_hu[0])
        page.set("band-high", band_hu[1])
        hand.effort.keys += 2
    error = truth ^ shown
    wrong = [int(n) for n in np.flatnonzero(error.any(axis=hand.axes))]
    between = tool == "fill between slices"
    for index in drawn_slices(wrong, between=between):
        _correct_slice(hand, index, (truth, shown), tool)
    if between and len(wrong) > 2:
        hand.press("i")
    hand.effort.left_ml = float(np.count_nonzero(_mask(page, truth.shape) ^ truth) * geometry["voxel_ml"])
    return hand.effort


def _correct_slice(hand: _Hand, index: int, masks: tuple[Mask, Mask], tool: str) -> None:
    truth, shown = (np.take(one, index, hand.across) for one in masks)
    all_mm = hand.page.state()["geometry"]["spacing_mm"]
    spacing_mm = (all_mm[hand.axes[0]], all_mm[hand.axes[1]])
    for error, adds in ((truth & ~shown, True), (shown & ~truth, False)):
        for piece in pieces(error, spacing_mm):
            hand.go_to(index)
            if tool == "lasso":
                hand.choose("l")
                hand.draw(index, outline(piece, spacing_mm), with_key="" if adds else "Control")
                continue
            by_band = tool == "threshold brush" and adds
            hand.choose("t" if by_band else "b" if adds else "e")
            for disc in discs(piece, spacing_mm, beyond_mm=BEYOND_MM if by_band else 0.0):
                hand.size(disc.radius_mm)
                hand.draw(index, [disc.at])


def _mask(page: Page, shape: tuple[int, ...]) -> Mask:
    packed = np.frombuffer(base64.b64decode(page.tab.evaluate(_BITS)), dtype=np.uint8)
    bits = np.unpackbits(packed, bitorder="little", count=int(np.prod(shape)))
    return bits.astype(bool).reshape(shape, order="F")
