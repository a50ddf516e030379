"""Judge the places of slices along their normal: even, rounded, missing or of several distances.

In:  heights in mm, sorted, of slices of one stack.
Out: the even places of the grid that they make, or the reason why they make none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = [
    "GREATEST_GAP_MM",
    "SAME_PLACE_MM",
    "UNEVEN_MM",
    "Grid",
    "even_grid",
    "is_even",
    "resampled_grid",
    "why_uneven",
]

UNEVEN_MM = 0.1
"""Slices may be this far from where even spacing puts them: headers round to 0.01 mm or worse."""
SAME_PLACE_MM = UNEVEN_MM / 10
"""Slices that are nearer to each other are at one place."""
GREATEST_GAP_MM = 20.0
"""Widest gap over which slices are interpolated: the widest spacing of a CT that is taken."""
_LEAST_SHARE = 0.1
"""A distance counts for resampling if at least this share of the gaps has it."""
_MOST_MISSING = 0.25
"""Greatest share of gaps that are multiples of the usual one because slices are missing."""
_LEAST_USUAL = 0.75
"""Share of gaps that have the usual distance, where single slices are astray and spacing does not vary."""
_MOST_ROUNDED_MM = 1.05
"""Rounded heights lie in a band of 1 mm about even ones; a little more, as their distance is fitted."""
_MOST_LISTED = 8
Heights = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Even places.

    Attributes:
        start_mm: The lowest.
        step_mm: From one to the next.
        count: How many.
        is_rounded: The places in the headers are these, rounded to whole millimetres.
    """

    start_mm: float
    step_mm: float
    count: int
    is_rounded: bool = False

    @property
    def heights_mm(self) -> Heights:
        """All of them."""
        return np.asarray(self.start_mm + self.step_mm * np.arange(self.count, dtype=np.float64))


def is_even(heights_mm: Heights) -> bool:
    """Decide whether sorted heights are evenly spaced, within a tenth of a millimetre.

    Example:
        >>> is_even(np.array([0.0, 2.0, 4.05])), is_even(np.array([0.0, 2.0, 6.0]))
        (True, False)
    """
    gaps = np.diff(heights_mm)
    even = np.linspace(heights_mm[0], heights_mm[-1], len(heights_mm))
    is_near = np.abs(heights_mm - even).max() <= UNEVEN_MM
    return bool(is_near and gaps.max() <= 1.5 * np.median(gaps))


def even_grid(
    heights_mm: Heights, *, stated_step_mm: float | None = None, is_numbered: bool = False
) -> Grid | None:
    """Find the even places of slices; `None` if they are uneven.

    Heights that are whole millimetres may be even ones that were rounded: each then lies within half a
    millimetre of an even place. Where the distance is under 2 mm, a missing slice looks the same; then the
    header's distance of slices, or numbers without a gap, must rule that out.

    Args:
        heights_mm: Sorted; all differ.
        stated_step_mm: Distance of slices that the headers state.
        is_numbered: The slices' numbers have no gap.
    """
    count = len(heights_mm)
    if is_even(heights_mm):
        return Grid(
            start_mm=float(heights_mm[0]),
            step_mm=float(heights_mm[-1] - heights_mm[0]) / (count - 1),
            count=count,
        )
    gaps = np.rint(np.diff(heights_mm))
    kinds, times = np.unique(gaps, return_counts=True)
    is_whole = np.abs(heights_mm - np.rint(heights_mm)).max() < 1e-6
    if not is_whole or len(kinds) != 2 or kinds[1] - kinds[0] != 1 or times.min() < 2:
        return None
    step = float(np.polyfit(np.arange(count), heights_mm, 1)[0])
    starts = heights_mm - step * np.arange(count)
    if np.ptp(starts) > _MOST_ROUNDED_MM:
        return None
    is_stated = stated_step_mm is not None and abs(abs(stated_step_mm) - step) <= 1.0 / (count - 1)
    if kinds[0] < 2 and not (is_stated or is_numbered):
        return None
    start = float(starts.min() + starts.max()) / 2
    return Grid(start_mm=start, step_mm=step, count=count, is_rounded=True)


def why_uneven(heights_mm: Heights) -> str:
    """Say how slices are uneven: at one place, missing (and where), or of several distances."""
    gaps = np.diff(heights_mm)
    if gaps.max() < SAME_PLACE_MM:
        return f"all its {len(heights_mm)} slices lie at {heights_mm[0]:.1f} mm (ImagePositionPatient)"
    if gaps.min() < SAME_PLACE_MM:
        return f"two slices lie at {heights_mm[int(gaps.argmin())]:.1f} mm"
    usual, share = max(_distances(gaps), key=lambda one: (one[1], -one[0]))
    missing = _missing(heights_mm, usual)
    if share < _LEAST_USUAL and not missing:
        return f"its spacing varies: its slices are {_listed(_runs(heights_mm))}"
    worst = int(np.abs(gaps - usual).argmax())
    seen = f"its slices are {usual:.2f} mm apart but {gaps[worst]:.2f} mm at {heights_mm[worst]:.1f} mm"
    if not missing:
        return f"{seen}, so they are not evenly spaced"
    slices = "a slice is" if len(missing) == 1 else f"{len(missing)} slices are"
    seen = f"{seen}: {slices} missing, for none lies at {_listed([f'{one:.1f}' for one in missing])} mm"
    odd = _odd(heights_mm, usual)
    return f"{seen}; besides, slices are {odd}" if odd else seen


def resampled_grid(heights_mm: Heights) -> Grid:
    """Choose even places within the range of uneven slices, at the smallest distance that is usual.

    That is the smallest which at least a tenth of the gaps have. Most slices lie at such a place, and stay as
    they are; no place is beyond the outermost slices.
    """
    gaps = np.diff(heights_mm)
    usual = (value for value, share in _distances(gaps) if share >= _LEAST_SHARE)
    step = min(usual, default=float(np.median(gaps)))
    shifts = [np.abs((heights_mm - one) / step - np.rint((heights_mm - one) / step)) for one in heights_mm]
    anchor = heights_mm[int(np.argmax([np.count_nonzero(one * step <= UNEVEN_MM) for one in shifts]))]
    below = int(np.floor((anchor - heights_mm[0] + SAME_PLACE_MM) / step))
    above = int(np.floor((heights_mm[-1] - anchor + SAME_PLACE_MM) / step))
    return Grid(start_mm=float(anchor - below * step), step_mm=step, count=below + above + 1)


def _distances(gaps: Heights) -> list[tuple[float, float]]:
    """Give the distances that occur, alike ones as one, with their share of gaps."""
    ordered = np.sort(gaps)
    starts = np.flatnonzero(np.diff(ordered) > min(UNEVEN_MM, 0.25 * ordered[0])) + 1
    return [(float(np.mean(one)), len(one) / len(gaps)) for one in np.split(ordered, starts)]


def _missing(heights_mm: Heights, usual: float) -> list[float]:
    """Give the empty places in gaps that are multiples of the usual one, if these are few."""
    gaps = np.diff(heights_mm)
    times = np.rint(gaps / usual)
    are_wide = (times >= 2) & (np.abs(gaps - times * usual) <= max(UNEVEN_MM, 0.01 * usual))
    if are_wide.sum() > max(1, _MOST_MISSING * len(gaps)):
        return []
    return [
        float(heights_mm[at] + k * usual) for at in np.flatnonzero(are_wide) for k in range(1, int(times[at]))
    ]


def _odd(heights_mm: Heights, usual: float) -> str:
    """Name the gaps that are no multiple of the usual one."""
    gaps = np.diff(heights_mm)
    times = np.maximum(1, np.rint(gaps / usual))
    at = np.flatnonzero(np.abs(gaps - times * usual) > max(UNEVEN_MM, 0.01 * usual))
    return _listed([f"{gaps[k]:.2f} mm apart at {heights_mm[k]:.1f} mm" for k in at])


def _runs(heights_mm: Heights) -> list[str]:
    """Describe stretches of one distance."""
    gaps = np.diff(heights_mm)
    starts = [0, *(np.flatnonzero(np.abs(np.diff(gaps)) > min(UNEVEN_MM, 0.25 * gaps.min())) + 1)]
    ends = [*starts[1:], len(gaps)]
    return [
        f"{np.mean(gaps[start:end]):.2f} mm apart from {heights_mm[start]:.1f} to {heights_mm[end]:.1f} mm"
        for start, end in zip(starts, ends, strict=True)
    ]


def _listed(parts: Sequence[str]) -> str:
    more = f" and {len(parts) - _MOST_LISTED} more" if len(parts) > _MOST_LISTED else ""
    return ", ".join(parts[:_MOST_LISTED]) + more
