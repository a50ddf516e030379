"""Find whether the whole CT is turned or mirrored: the organs then fit the table in another orientation."""

from collections.abc import Iterator
from itertools import permutations, product

import numpy as np
import numpy.typing as npt

from omentum.measures.plausibility.atlas import is_remnant, place_of
from omentum.measures.plausibility.finding import Finding
from omentum.measures.plausibility.rule_input import RuleInput, SeenOrgan

__all__ = ["orientation", "turns"]

LEAST_ORGANS = 5
"""Fewer middles fit several orientations."""
MOST_COST = 3.0
"""Spreads at which an organ is simply elsewhere, so that one wrong mask cannot turn the whole."""
GLANDS = ("liver", "spleen")
LEAST_GLANDS_ML = 400.0
MOST_LEFT_MM = 35.0
"""How far to the left of the midline liver and spleen may lie together, weighed by volume; usually they lie
45 mm to the right. A network calls much of a mirrored liver spleen, so that each organ fits the table."""
LEAST_GAIN = 0.4
"""Spreads an organ by which the other orientation must fit better, on average over organs."""
_SAID = {
    (-1, 1, 1): "mirrored left to right",
    (1, -1, 1): "mirrored front to back",
    (1, 1, -1): "upside down",
    (-1, -1, 1): "turned half round its long axis",
}

Turn = npt.NDArray[np.float64]


def orientation(case: RuleInput) -> Iterator[Finding]:
    """A wrong affine mirrors or turns all organs at once: then the table fits another of 48 orientations.

    One person in about 10,000 has all organs mirrored (situs inversus), so a person decides.
    """
    turned = _turned_finding(case) or _glands_on_the_left(case)
    if turned is not None:
        yield turned


def _turned_finding(case: RuleInput) -> Finding | None:
    """Fit the organs' middles to the table in all orientations."""
    known = [name for name, seen in case.organs.items() if _says_something(seen)]
    if len(known) < LEAST_ORGANS:
        return None
    off = [_spreads_off(case, known, turn) for turn in turns()]
    gains = [_gains(off[0], turned) for turned in off]
    best = int(np.argmax([one.mean() for one in gains]))
    gain = float(gains[best].mean())
    if best == 0 or gain < LEAST_GAIN:
        return None
    told = known[int(np.argmax(gains[best]))]
    said = f"the whole CT seems to be {_said(turns()[best])}"
    return case.organs[told].finding("orientation", said, 0.5 + gain / 2)


def _glands_on_the_left(case: RuleInput) -> Finding | None:
    """Find a mirrored CT whose masks were predicted: liver and spleen together lie on the left."""
    glands = [case.organs[name] for name in GLANDS if name in case.organs]
    midline_mm = _midline_mm(case)
    if not glands or not np.isfinite(midline_mm) or any(one.is_cut[0] for one in glands):
        return None
    volumes_ml = np.array([one.volume_ml for one in glands])
    places_mm = np.array([one.middle_mm[0] for one in glands])
    if volumes_ml.sum() < LEAST_GLANDS_ML:
        return None
    if not float(np.average(places_mm, weights=volumes_ml)) < midline_mm - MOST_LEFT_MM:
        return None
    largest = glands[int(volumes_ml.argmax())]
    said = f"the whole CT seems to be {_SAID[-1, 1, 1]}: liver and spleen lie on the left"
    return largest.finding("orientation", said, 0.8)


def _midline_mm(case: RuleInput) -> float:
    """Give the place of the midline along R by kidneys and great vessels; NaN where none is there."""
    found = [
        case.organs[name].middle_mm[0] - place.middle_mm[0]
        for name in ("aorta", "postcava")
        if name in case.organs and (place := place_of(name)) is not None
    ]
    if "kidney_left" in case.organs and "kidney_right" in case.organs:
        pair = case.organs["kidney_left"].middle_mm[0], case.organs["kidney_right"].middle_mm[0]
        found.append(sum(pair) / 2)
    return float(np.median(found)) if found else float("nan")


def turns() -> list[Turn]:
    """List the 48 orientations as matrices `(3, 3)`; the first changes nothing, mirrors come before turns."""
    found = [
        np.diag(np.array(signs, dtype=np.float64))[list(order)]
        for order in permutations(range(3))
        for signs in product((1, -1), repeat=3)
    ]
    return sorted(
        found, key=lambda turn: 3 - np.trace(turn @ np.abs(turn).T) + 9 * (3 - np.abs(turn).trace())
    )


def _says_something(seen: SeenOrgan) -> bool:
    return place_of(seen.name) is not None and not all(seen.is_cut) and not is_remnant(seen)


def _spreads_off(case: RuleInput, known: list[str], turn: Turn) -> npt.NDArray[np.float64]:
    """Give how many spreads each organ is off along R, A, S if all were turned back; NaN where unknown."""
    away, spread = [], []
    for name in known:
        place, seen = place_of(name), case.organs[name]
        assert place is not None
        middle = np.where(seen.is_cut, np.nan, seen.middle_mm)
        away.append(middle - _turned(turn, place.middle_mm))
        spread.append(np.abs(_turned(np.abs(turn), place.spread_mm)))
    off = np.array(away)
    for axis in range(3):
        finite = np.isfinite(off[:, axis])
        if finite.any():
            off[:, axis] -= np.median(off[finite, axis])
    return np.asarray(off / np.array(spread))


def _gains(as_is: npt.NDArray[np.float64], turned: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give how many spreads nearer each organ is turned, along the axes that are known in both."""
    is_known = np.isfinite(as_is) & np.isfinite(turned)
    before, after = (
        np.minimum(np.sqrt((np.where(is_known, off, 0.0) ** 2).sum(axis=1)), MOST_COST)
        for off in (as_is, turned)
    )
    return np.asarray(before - after)


def _turned(turn: Turn, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Turn a point of which some axes may be NaN."""
    order = np.abs(turn).argmax(axis=1)
    return np.asarray(values[order] * turn.sum(axis=1))


def _said(turn: Turn) -> str:
    if not np.allclose(np.abs(turn), np.eye(3)):
        return "turned, its axes exchanged"
    x, y, z = np.diag(turn).astype(int).tolist()
    return _SAID.get((x, y, z), "turned")
