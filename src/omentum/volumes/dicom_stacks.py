"""Sort the slices of one series identifier into stacks that are a volume each.

Slices of one stack have the same size, orientation and spacing within a tolerance, and belong to one phase.
Parts that lie end to end are one stack; parts that cover one range, repeating or interleaved, are phases.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.volumes.dicom_headers import PHASE_TAGS, Slice
from omentum.volumes.slice_places import SAME_PLACE_MM, is_even

__all__ = ["Copies", "heights_mm", "stacks_of", "without_copies"]

ORIENTATION_TOLERANCE = 1e-3
"""Greatest difference of a component of the unit vectors along rows and columns, in one stack."""
SPACING_TOLERANCE = 1e-3
"""Greatest relative difference of the spacing of pixels, in one stack; more, if one is the other rounded."""
_MOST_ROUNDED = 0.03
"""Greatest relative difference of a spacing that was rounded to the digits of another one."""
_LEAST_OVERLAP = 0.5
"""Phases cover at least this share of each other's range; parts end to end cover less."""
_LEAST_SLICES = 3
_ORDERS = ("TriggerTime", "AcquisitionDateTime", "AcquisitionTime", "ContentTime", "InstanceNumber")
"""Tags by which repeated slices of one place are put in order."""
Stack = list[Slice]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Slices of one instance identifier that are there several times.

    Attributes:
        of: For each file that is left out, the file with the same slice that is kept.
        conflict: Two files of one identifier with other contents; `None` if there are none.
    """

    of: Mapping[Path, Path] = field(default_factory=dict)
    conflict: tuple[Path, Path] | None = None


def without_copies(slices: Sequence[Slice], is_same: Callable[[Slice, Slice], bool]) -> tuple[Stack, Copies]:
    """Keep each slice once: of one (not empty) instance identifier, and of one place and picture.

    Args:
        slices: Of one series.
        is_same: Compares the pixels of two slices.

    Returns:
        The slices that are kept, and the copies; of slices with other contents, both are kept. Copies with
        an identifier of their own are left out only if all slices of one place and phase are copies.
    """
    kept: Stack = []
    copies: dict[Path, Path] = {}
    conflict = None
    first: dict[tuple[str, int | None], Slice] = {}
    for one in sorted(slices, key=lambda one: (len(str(one.path)), one.path, one.frame or 0)):
        known = first.setdefault((one.instance_uid, one.frame), one) if one.instance_uid else one
        if known is one:
            kept.append(one)
        elif _grid_of(one) == _grid_of(known) and is_same(known, one):
            copies[one.path] = known.path
        else:
            conflict = conflict or (known.path, one.path)
            kept.append(one)
    again = _pictures_again(kept, is_same)
    dropped = {id(one) for one, _ in again}
    kept = [one for one in kept if id(one) not in dropped]
    used = {one.path for one in kept}
    copies |= {one.path: known.path for one, known in again if one.path not in used}
    return kept, Copies(of=copies, conflict=conflict)


def _pictures_again(
    slices: Sequence[Slice], is_same: Callable[[Slice, Slice], bool]
) -> list[tuple[Slice, Slice]]:
    """Pair each slice with an earlier one of its place, phase and picture; none, if one picture differs."""
    pairs = []
    first: dict[tuple[object, ...], Slice] = {}
    for one in slices:
        known = first.setdefault((_grid_of(one), one.phase), one)
        if known is not one:
            pairs.append((one, known))
    return pairs if all(is_same(known, one) for one, known in pairs) else []


def _grid_of(one: Slice) -> tuple[object, ...]:
    """Give what two copies of a slice have in common, whatever else was edited in their headers."""
    return one.position_mm, one.orientation, one.spacing_mm, one.size, one.stack


def stacks_of(slices: Sequence[Slice]) -> list[Stack]:
    """Sort the slices of one series into stacks, by size, geometry and phase, the first phase first."""
    stacks: list[Stack] = []
    for one in slices:
        place = next((stack for stack in stacks if _is_alike(stack[0], one)), None)
        if place is None:
            stacks.append([one])
        else:
            place.append(one)
    return [part for stack in stacks for part in _phases(stack)]


def heights_mm(slices: Sequence[Slice]) -> npt.NDArray[np.float64]:
    """Measure the place of each slice along the normal of the first, in mm."""
    positions = np.array([one.position_mm for one in slices])
    return np.asarray(positions @ slices[0].normal)


def _is_alike(one: Slice, other: Slice) -> bool:
    if (one.size, one.stack) != (other.size, other.stack):
        return False
    if (one.orientation, one.spacing_mm) == (other.orientation, other.spacing_mm):
        return True
    is_parallel = np.abs(np.subtract(one.orientation, other.orientation)).max() <= ORIENTATION_TOLERANCE
    apart = np.abs(np.subtract(one.spacing_mm, other.spacing_mm))
    return bool(is_parallel and (apart <= _spacing_tolerance(one, other)).all())


def _spacing_tolerance(one: Slice, other: Slice) -> npt.NDArray[np.float64]:
    """Give how far apart two spacings may be: half of the last digit that both have, within limits."""
    spacing = np.array(one.spacing_mm)
    digits = min(one.spacing_digits, other.spacing_digits) // 2
    rounding = 0.5001 * 10.0**-digits if digits else 0.0
    return np.asarray(np.maximum(SPACING_TOLERANCE * spacing, np.minimum(rounding, _MOST_ROUNDED * spacing)))


def _phases(stack: Stack) -> list[Stack]:
    """Split a stack for as long as a tag tells phases in it apart."""
    for number, _ in enumerate(PHASE_TAGS):
        parts = _by_value(stack, number)
        if len(parts) > 1 and _cover_the_same(stack, parts):
            return [smaller for part in parts for smaller in _phases(part)]
    return _by_repeats(stack)


def _by_value(stack: Stack, number: int) -> list[Stack]:
    parts: dict[str, Stack] = defaultdict(list)
    for one in stack:
        parts[one.phase[number]].append(one)
    return [parts[value] for value in sorted(parts, key=_in_order)]


def _in_order(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return float("inf"), text


def _cover_the_same(stack: Stack, parts: Sequence[Stack]) -> bool:
    """Decide whether parts of a stack are phases: each covers the others' range, and is better alone."""
    if len(parts) > len(stack) // 2:
        return False
    normal = stack[0].normal
    lines = [np.sort([float(normal @ one.position_mm) for one in part]) for part in parts]
    longest = max(lines, key=np.ptp)
    if any(_overlap(line, longest) < _LEAST_OVERLAP for line in lines) or any(map(_repeats, lines)):
        return False
    if _repeats(np.sort(np.concatenate(lines))):
        return True
    return all(len(line) >= _LEAST_SLICES and is_even(line) for line in lines)


def _overlap(line: npt.NDArray[np.float64], longest: npt.NDArray[np.float64]) -> float:
    """Measure the share of a part's range that lies in the range of the longest; 1 within it."""
    common = min(line[-1], longest[-1]) - max(line[0], longest[0])
    if common < -SAME_PLACE_MM:
        return 0.0
    return float(common / np.ptp(line)) if np.ptp(line) > SAME_PLACE_MM else 1.0


def _repeats(line: npt.NDArray[np.float64]) -> bool:
    return bool(len(line) > 1 and np.diff(line).min() < SAME_PLACE_MM)


def _by_repeats(stack: Stack) -> list[Stack]:
    """Split a stack in which each place has the same number of slices, in the order of a time or number."""
    heights = heights_mm(stack)
    order = np.argsort(heights, kind="stable")
    starts = np.flatnonzero(np.diff(heights[order], prepend=-np.inf) >= SAME_PLACE_MM)
    places = [[stack[k] for k in group] for group in np.split(order, starts[1:])]
    times = {len(place) for place in places}
    if times == {1} or len(times) > 1:
        return _by_numbers(stack)
    if len(places) < _LEAST_SLICES:
        return [stack]
    for tag in _ORDERS:
        ranked = [sorted(place, key=lambda one: _in_order(_value(one, tag))) for place in places]
        if all(_differ([_value(one, tag) for one in place]) for place in ranked):
            return [list(part) for part in zip(*ranked, strict=True)]
    return [stack]


def _by_numbers(stack: Stack) -> list[Stack]:
    """Split a stack whose slices are numbered through its range several times; else leave it as it is."""
    try:
        numbers = np.array([int(one.instance_number) for one in stack])
    except ValueError:
        return [stack]
    heights = heights_mm(stack)
    order = np.lexsort((heights, numbers))
    _, times = np.unique(numbers, return_counts=True)
    if len(set(times.tolist())) > 1:
        return [stack]
    if times[0] > 1:  # each part is numbered from the start
        parts = [[stack[k] for k in order[first :: times[0]]] for first in range(times[0])]
    else:
        rises = np.diff(heights[order]) > 0
        starts = np.flatnonzero(rises != rises[:1]) + 1
        parts = [[stack[k] for k in part] for part in np.split(order, starts)]
    are_volumes = len(parts) > 1 and min(map(len, parts)) >= _LEAST_SLICES
    return parts if are_volumes and _cover_the_same(stack, parts) else [stack]


def _value(one: Slice, tag: str) -> str:
    return one.instance_number if tag == "InstanceNumber" else one.phase[PHASE_TAGS.index(tag)]


def _differ(values: Sequence[str]) -> bool:
    return all(values) and len(set(values)) == len(values)
