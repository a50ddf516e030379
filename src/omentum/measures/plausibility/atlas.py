"""Where should each organ be, given where the others are? A table of middles, and its fit to one patient.

In:  the middles of a case's organs.
Out: `Fit`: how far the table has to be moved; the place each organ is expected at, from all others.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from omentum.measures.plausibility.scene import Point, Scene, Seen

__all__ = ["LEAST_OTHERS", "Place", "expected", "offset_mm", "place_of"]

LEAST_OTHERS = 3
"""Organs whose places are known that say where another should be; of three the middle one may be wrong."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """Where an organ is beside the others; NaN along axes of which nothing is known.

    Attributes:
        middle_mm: R, A, S, about the middle between the kidneys.
        spread_mm: Standard deviation over patients of all sizes.
        half_mm: Half its extent.
    """

    middle_mm: Point
    spread_mm: Point
    half_mm: Point


def place_of(name: str) -> Place | None:
    """Look an organ up; `None` where the table does not have it.

    Example:
        >>> place = place_of("liver")
        >>> bool(place.middle_mm[0] > 0), place_of("femur_left")
        (True, None)
    """
    return _table().get(name)


def offset_mm(seen: Seen) -> Point:
    """Give how far the table must be moved for one organ to fit; NaN along axes where it is cut or unknown."""
    place = place_of(seen.name)
    if place is None:
        return np.full(3, np.nan)
    offset = seen.middle_mm - place.middle_mm
    offset[list(seen.is_cut)] = np.nan
    return offset


def expected(scene: Scene, name: str, *, without: Collection[str] = ()) -> Point | None:
    """Say where an organ should be: the table, moved by the median of what the other organs say.

    Args:
        scene: The case.
        name: The organ, whose own place has no vote.
        without: Others that have none.

    Returns:
        R, A, S in mm; NaN along axes of which too few others say anything. `None` where nothing is known.
    """
    place = place_of(name)
    votes = [offset_mm(seen) for other, seen in scene.seen.items() if other != name and other not in without]
    if place is None or len(votes) < LEAST_OTHERS:
        return None
    known = np.array(votes)
    shift = np.array([_median(known[:, axis]) for axis in range(3)])
    return np.asarray(place.middle_mm + shift)


def _median(values: npt.NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) >= LEAST_OTHERS else float("nan")


@cache
def _table() -> dict[str, Place]:
    text = resources.files("omentum.measures.plausibility").joinpath("places.json").read_text("utf-8")
    rows: dict[str, dict[str, list[float | None]]] = json.loads(text)["organs"]
    return {
        name: Place(**{key: np.array(values, dtype=np.float64) for key, values in row.items()})
        for name, row in rows.items()
    }
