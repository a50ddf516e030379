"""Give the place where each organ should be, from a table of places fitted to the case's other organs."""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.measures.plausibility.rule_input import Point, RuleInput, SeenOrgan

__all__ = [
    "LEAST_OTHERS",
    "OrganPlace",
    "expected",
    "has_side",
    "is_remnant",
    "offset_mm",
    "place_of",
    "shift_mm",
]

LEAST_OTHERS = 3
"""Organs whose places are known that say where another should be; of three the middle one may be wrong."""
LEAST_SIDED_MM = 45.0
"""How far from the midline an organ's middle is in the table for it to have a side."""
LEAST_IN_VIEW = 0.25
"""Share of its usual volume that a view which cuts an organ must hold for its place and form to be judged."""
RUN_ALONG = ("aorta", "postcava", "esophagus")
"""They run along the body; nearly every view cuts them, and the visible part shows their place as well."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrganPlace:
    """Where an organ is beside the others; NaN along axes of which nothing is known.

    Attributes:
        middle_mm: R, A, S, about the middle between the kidneys.
        spread_mm: Standard deviation over patients of all sizes.
        half_mm: Half its extent.
        volume_ml: Its volume where the field of view holds all of it; NaN if not known.
    """

    middle_mm: Point
    spread_mm: Point
    half_mm: Point
    volume_ml: float


def has_side(name: str) -> bool:
    """Tell whether an organ is on one side of the body, away from the midline, in everybody.

    Example:
        >>> has_side("spleen"), has_side("pancreas"), has_side("femur_left")
        (True, False, False)
    """
    place = place_of(name)
    return place is not None and bool(abs(place.middle_mm[0]) >= LEAST_SIDED_MM)


def place_of(name: str) -> OrganPlace | None:
    """Look an organ up; `None` where the table does not have it.

    Example:
        >>> place = place_of("liver")
        >>> bool(place.middle_mm[0] > 0), place_of("femur_left")
        (True, None)
    """
    return _table().get(name)


def is_remnant(seen: SeenOrgan) -> bool:
    """Tell whether the field of view leaves little of an organ: the tip of a lung, the edge of a liver."""
    place = place_of(seen.name)
    if place is None or not any(seen.is_cut) or seen.name in RUN_ALONG:
        return False
    return seen.volume_ml < LEAST_IN_VIEW * place.volume_ml


def offset_mm(seen: SeenOrgan) -> Point:
    """Give how far the table must be moved for one organ to fit; NaN along axes that are not known."""
    place = place_of(seen.name)
    if place is None or is_remnant(seen):
        return np.full(3, np.nan)
    offset = seen.middle_mm - place.middle_mm
    offset[list(seen.is_cut)] = np.nan
    return offset


def expected(case: RuleInput, name: str) -> Point | None:
    """Say where an organ should be: the table, moved by the median of what the other organs say.

    Returns:
        R, A, S in mm; NaN along axes of which the table, or too few others, say anything. `None` where the
        organ is not in the table or nothing is known.
    """
    place, shift = place_of(name), shift_mm(case, name)
    return None if place is None or shift is None else np.asarray(place.middle_mm + shift)


def shift_mm(case: RuleInput, name: str) -> Point | None:
    """Say how far the table must be moved, as all organs but one say; `None` where too few are there."""
    votes = [offset_mm(seen) for other, seen in case.organs.items() if other != name]
    if len(votes) < LEAST_OTHERS:
        return None
    known = np.array(votes)
    return np.array([_median(known[:, axis]) for axis in range(3)])


def _median(values: npt.NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) >= LEAST_OTHERS else float("nan")


@cache
def _table() -> dict[str, OrganPlace]:
    text = resources.files("omentum.measures.plausibility").joinpath("places.json").read_text("utf-8")
    rows: dict[str, dict[str, Any]] = json.loads(text)["organs"]
    return {name: _place(**row) for name, row in rows.items()}


def _place(*, volume_ml: float | None, **points_mm: list[float | None]) -> OrganPlace:
    points = {key: np.array(values, dtype=np.float64) for key, values in points_mm.items()}
    return OrganPlace(**points, volume_ml=np.nan if volume_ml is None else volume_ml)
