"""Compare the place of each organ with where the other organs say that it is."""

from collections.abc import Iterator

import numpy as np

from omentum.measures.plausibility.atlas import OrganPlace, expected, has_side, is_remnant, place_of, shift_mm
from omentum.measures.plausibility.finding import Finding
from omentum.measures.plausibility.rule_input import Point, RuleInput, SeenOrgan, centre_mm, marked
from omentum.volumes.boxes import BoxedMask

__all__ = ["far_piece", "missing", "wrong_place"]

MAY_BE_ABSENT = {
    "gall_bladder": 0.3,
    "kidney_left": 0.4,
    "kidney_right": 0.4,
    "spleen": 0.6,
    "prostate": 0.2,
    "adrenal_gland_left": 0.5,
    "adrenal_gland_right": 0.5,
    "bladder": 0.5,
}
"""Organs that are taken out, or never there, in many people, and how sure we then are."""
GREAT_VESSELS = ("aorta", "postcava")
"""They pass the kidneys in everybody, wherever they end."""
VESSEL_HALF_MM = (15.0, 15.0, 50.0)
LEAST_INSIDE = 0.8
"""Share of the organ's expected extent that must be in the field of view for it to be missed."""
MOST_SPREADS = 4.0
"""Times the spread along any axis that an organ may be away from where the others say it should be."""
LEAST_AWAY_MM = 60.0
"""A nearer organ is in no wrong place, however little an organ spreads in the table."""
LEAST_PIECE_ML = 1.0
"""Smaller pieces are specks, which `pieces` counts."""
REACH = 2.5
"""Times the spread beyond half of its extent that a piece of an organ may lie."""


def missing(case: RuleInput) -> Iterator[Finding]:
    """An organ without a voxel whose place, by at least three other organs, is inside the field of view.

    A gall bladder or kidney may really be absent, which lowers the severity. The place is
    larger than the organ, which fills a share of it.
    """
    for name in case.empty:
        place, shift = place_of(name), shift_mm(case, name)
        if place is None or shift is None:
            continue
        middle, half = place.middle_mm, place.half_mm
        if name in GREAT_VESSELS:
            middle, half = np.append(middle[:2], 0.0), np.array(VESSEL_HALF_MM)
        if not np.isfinite([middle, shift, half]).all():
            continue
        found = _around(case, middle + shift, half)
        if found is None:
            continue
        box, where = found
        yield Finding(
            rule="missing",
            organ=name,
            said="missing",
            box=box,
            where=where,
            severity=MAY_BE_ABSENT.get(name, 0.95),
            share=_filled_share(name, place, float(np.count_nonzero(where)) * case.geometry.voxel_ml),
        )


def wrong_place(case: RuleInput) -> Iterator[Finding]:
    """The largest piece of an organ is where the others say, within what people differ.

    A wrong side is named by the rules of sides, so only level (S) and depth (A) are looked at here, and R for
    organs of no side.
    """
    for name, seen in case.organs.items():
        away = _away_mm(case, seen)
        if away is None or not np.isfinite(away).any():
            continue
        axis = int(np.nanargmax(np.abs(away)))
        place = place_of(name)
        assert place is not None
        if abs(away[axis]) < max(LEAST_AWAY_MM, MOST_SPREADS * place.spread_mm[axis]):
            continue
        words = (("left", "right"), ("back", "front"), ("low", "high"))[axis][int(away[axis] > 0)]
        said = f"too {words}" if axis == 2 else f"too far to the {words}"
        yield seen.finding("wrong_place", f"{said} by {abs(away[axis]):.0f} mm", 0.9)


def far_piece(case: RuleInput) -> Iterator[Finding]:
    """Every piece of an organ lies where the organ may be, given the other organs."""
    for name, seen in case.organs.items():
        place, should = place_of(name), expected(case, name)
        if place is None or should is None or is_remnant(seen):
            continue
        far = [number for number in _further(case, seen) if _is_far(case, seen, number, should)]
        if not far:
            continue
        far_ml = float(seen.pieces.n_voxels[far].sum() * case.geometry.voxel_ml)
        said = f"{far_ml:.3g} mL far from where it should be"
        yield seen.finding("far_piece", said, 0.9, marked(seen.box, seen.pieces.mask(far)))


def _filled_share(name: str, place: OrganPlace, around_ml: float) -> float:
    """Say how much of the place an organ takes; all of it where its volume is not known, or is not in it."""
    if name in GREAT_VESSELS or not np.isfinite(place.volume_ml):
        return 1.0
    return min(1.0, place.volume_ml / around_ml)


def _away_mm(case: RuleInput, seen: SeenOrgan) -> Point | None:
    should = expected(case, seen.name)
    if should is None or is_remnant(seen):
        return None
    away = seen.middle_mm - should
    away[list(seen.is_cut)] = np.nan
    if has_side(seen.name):
        away[0] = np.nan
    return np.asarray(away)


def _further(case: RuleInput, seen: SeenOrgan) -> list[int]:
    """List the pieces beyond the largest that are too large to be specks."""
    least = LEAST_PIECE_ML / case.geometry.voxel_ml
    return [n for n in seen.pieces.by_size if n != seen.main and seen.pieces.n_voxels[n] >= least]


def _is_far(case: RuleInput, seen: SeenOrgan, number: int, should: Point) -> bool:
    place = place_of(seen.name)
    assert place is not None
    middle = centre_mm(seen.pieces.numbers == number, seen.box, case.geometry)
    away = np.abs(middle - should) - place.half_mm - REACH * place.spread_mm
    return bool((np.nan_to_num(away, nan=-1.0) > 0).any())


def _around(case: RuleInput, should: Point, half_mm: Point) -> BoxedMask | None:
    """Draw the ellipsoid where an organ should be; `None` where too little of it is in the field of view."""
    geometry = case.geometry
    corners = np.array([should + half_mm * signs for signs in _SIGNS])
    index = geometry.to_index(corners)
    low, high = index.min(axis=0), index.max(axis=0)
    shape = np.array(geometry.shape)
    inside = (np.minimum(high, shape - 1) - np.maximum(low, 0)) / (high - low)
    if inside.min() < LEAST_INSIDE:
        return None
    starts, stops = np.maximum(np.floor(low), 0).astype(int), np.minimum(np.ceil(high) + 1, shape).astype(int)
    x, y, z = (slice(int(a), int(b)) for a, b in zip(starts, stops, strict=True))
    part = geometry.cropped((x, y, z))
    steps = [np.arange(side) for side in part.shape]
    total = np.zeros(part.shape, dtype=np.float32)
    for axis in range(3):
        along = [steps[k] * part.affine[axis, k] for k in range(3)]
        at = part.affine[axis, 3] - should[axis]
        total += (
            (along[0][:, None, None] + along[1][None, :, None] + along[2][None, None, :] + at) / half_mm[axis]
        ).astype(np.float32) ** 2
    return marked((x, y, z), total <= 1.0)


_SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)
