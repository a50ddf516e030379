"""Compare the side of the body that an organ is on with the side that it belongs to."""

from collections.abc import Iterator

import numpy as np

from omentum.measures.plausibility.atlas import expected, has_side, is_remnant, place_of
from omentum.measures.plausibility.finding import Finding
from omentum.measures.plausibility.rule_input import RuleInput, SeenOrgan, centre_mm, marked
from omentum.volumes.labels import organ

__all__ = ["swapped_sides", "wrong_side"]

LEAST_APART_MM = 20.0
"""How far the left organ must lie to the right of the right one; halves of a horseshoe kidney meet."""
LEAST_ACROSS_MM = 20.0
"""How far past the midline a piece must lie: the midline is known to about 10 mm."""
LEAST_PIECE_ML = 2.0
"""Smaller pieces on the other side are specks, which `pieces` counts."""
MOST_ML_RATIO = 8.0
"""Partners that differ more in size say nothing of sides: one of them is a stray piece."""


def swapped_sides(case: RuleInput) -> Iterator[Finding]:
    """The left one of a pair is to the left of the right one; needs no other organ. Holds the mask back.

    Source:
        Left and right of the patient follow from the affine alone; 20 mm is under a third of the distance of
        any pair's middles in `places.json`, adrenal glands included.
    """
    for name, seen in case.organs.items():
        partner = organ(name).partner
        if partner is None or not _are_crossed(case, name, partner):
            continue
        yield seen.finding("swapped_sides", f"swapped with {partner}", 1.0, holds=True)


def wrong_side(case: RuleInput) -> Iterator[Finding]:
    """An organ with a side has no large piece on the other one; the other organs say where the midline is.

    Most of an organ on the other side holds the mask back. The stomach crosses the midline in many people:
    it is named only where most of it lies on the other side, less surely, and is never held back.
    """
    for name, seen in case.organs.items():
        place = place_of(name)
        if place is None or not has_side(name):
            continue
        if is_remnant(seen) and place.half_mm[0] > abs(place.middle_mm[0]):  # the left lobe of a liver
            continue
        partner = organ(name).partner
        if partner is not None and _are_crossed(case, name, partner):
            continue
        should = expected(case, name)
        if should is None or not np.isfinite(should[0]):
            continue
        yield from _across(case, seen, float(should[0] - place.middle_mm[0]), float(place.middle_mm[0]))


def _across(case: RuleInput, seen: SeenOrgan, midline_mm: float, side_mm: float) -> Iterator[Finding]:
    """Name the pieces of an organ that lie on the side it does not belong to."""
    side = np.sign(side_mm)
    large = [
        number
        for number in seen.pieces.by_size
        if number == seen.main or seen.pieces.n_voxels[number] * case.geometry.voxel_ml >= LEAST_PIECE_ML
    ]
    wrong = []
    for number in large:
        middle = centre_mm(seen.pieces.numbers == number, seen.box, case.geometry)
        if (middle[0] - midline_mm) * side < -LEAST_ACROSS_MM:
            wrong.append(number)
    share = seen.pieces.n_voxels[wrong].sum() / seen.pieces.n_voxels.sum()
    if share == 0 or (share < 0.5 and seen.name == "stomach"):
        return
    words = "on the right side" if side < 0 else "on the left side"
    yield seen.finding(
        "wrong_side",
        words if share > 0.5 else f"partly {words}",
        0.5 if seen.name == "stomach" else 0.95,
        marked(seen.box, seen.pieces.mask(wrong)),
        holds=bool(share > 0.5) and seen.name != "stomach",
    )


def _are_crossed(case: RuleInput, name: str, partner: str) -> bool:
    own, other = case.organs[name], case.organs.get(partner)
    if other is None:
        return False
    smaller, larger = sorted((own.volume_ml, other.volume_ml))
    if larger > MOST_ML_RATIO * smaller:
        return False
    to_right = float(own.middle_mm[0] - other.middle_mm[0])
    return to_right > LEAST_APART_MM if name.endswith("_left") else to_right < -LEAST_APART_MM
