"""Compare size, pieces and holes of each mask with what the organ can have: limits of the label table."""

from collections.abc import Iterator

import numpy as np

from omentum.measures.morphology import dilated, filled
from omentum.measures.plausibility.atlas import place_of
from omentum.measures.plausibility.finding import Finding
from omentum.measures.plausibility.rule_input import RuleInput, SeenOrgan, margin_voxels, marked
from omentum.volumes.boxes import BoxedArray, BoxedMask, grown
from omentum.volumes.labels import organ

__all__ = ["extreme_volume", "holes", "pieces", "volume"]

AROUND_MM = 8.0
"""How far round a mask that is too small the rest of the organ is looked for."""
EXTREME_TIMES = 10.0
"""Times the organ's usual volume, or parts of it, that no whole organ has."""
MAY_BE_TINY = ("gall_bladder", "stomach")
"""They collapse when they are empty."""
LEAST_HOLE_ML = 0.3
LEAST_HOLE_SHARE = 0.25
"""Of the organ's `max_hole_ml`: smaller gaps are vessels and lesions without a label."""
MOST_SPECKS = 20
"""Pieces under the label table's least piece that a mask may have; true masks have some at thin edges."""
LEAST_EXTRA_ML = 0.5
"""Together: less is not worth a look."""


def volume(case: RuleInput) -> Iterator[Finding]:
    """A whole organ has a volume in the range of the label table; one that is cut may be smaller.

    Not asked where `extreme_volume` has a finding.

    Source:
        `volume_ml` in `labels_32.json`, wide on purpose: splenomegaly and atrophic kidneys are inside.
    """
    for name, seen in case.organs.items():
        limits = organ(name).volume_ml
        if limits is None or organ(name).kind != "organ" or _extreme(seen) is not None:
            continue
        least, most = limits
        told = f"{seen.volume_ml:.3g} mL"
        if seen.volume_ml > most:
            yield seen.finding("volume", f"too large, {told}", 0.7 * seen.volume_ml / most)
        elif seen.volume_ml < least and not any(seen.is_cut):
            yield seen.finding("volume", f"too small, {told}", 0.8, _around(case, seen))


def extreme_volume(case: RuleInput) -> Iterator[Finding]:
    """A whole organ has more than a tenth of its usual volume and less than ten times it.

    Holds the mask back. Organs of no usual volume are not asked; one that the field of view cuts may be
    small.

    Source:
        `volume_ml` in `places.json`, the median over patients.
    """
    for seen in case.organs.values():
        usual_ml = _extreme(seen)
        if usual_ml is None:
            continue
        is_small = seen.volume_ml < usual_ml
        part = _around(case, seen) if is_small else None
        words = ("too small", "at most a tenth of") if is_small else ("too large", "at least ten times")
        said = f"{words[0]}, {seen.volume_ml:.3g} mL, {words[1]} the usual {usual_ml:.0f} mL"
        yield seen.finding("extreme_volume", said, 1.0, part, holds=True)


def pieces(case: RuleInput) -> Iterator[Finding]:
    """An organ is in as few pieces as the label table allows; pieces at the border may meet beyond it.

    A handful of specks is how masks are; dozens are a network that is lost.
    """
    for name, seen in case.organs.items():
        row = organ(name)
        if row.max_pieces is None or row.kind != "organ":
            continue
        sizes_ml = seen.pieces.n_voxels * case.geometry.voxel_ml
        inner = _inner(seen, case)
        large = [number for number in seen.pieces.by_size if sizes_ml[number] >= row.min_piece_ml]
        extra = [number for number in large[row.max_pieces :] if number in inner]
        specks = [number for number in inner if 0 < sizes_ml[number] < row.min_piece_ml]
        specks = [number for number in specks if number != seen.main]
        chosen = extra + (specks if len(specks) > MOST_SPECKS * row.max_pieces else [])
        extra_ml = float(sizes_ml[chosen].sum())
        if extra_ml < LEAST_EXTRA_ML:
            continue
        said = f"in {len(chosen) + row.max_pieces} pieces"
        severity = 0.6 + extra_ml / seen.volume_ml
        yield seen.finding("pieces", said, severity, marked(seen.box, seen.pieces.mask(chosen)))


def holes(case: RuleInput) -> Iterator[Finding]:
    """An organ encloses no background; what another organ fills, such as a lesion, is no hole.

    Holes above the label table's `max_hole_ml` may be something without a name, and are left.
    """
    for name, seen in case.organs.items():
        most_ml = organ(name).max_hole_ml
        if most_ml is None or organ(name).kind != "organ":
            continue
        hollow = filled(seen.mask, max_voxels=int(most_ml / case.geometry.voxel_ml)) & ~seen.mask
        hollow &= case.masks.codes[seen.box] == 0
        hole_ml = float(np.count_nonzero(hollow) * case.geometry.voxel_ml)
        if hole_ml < max(LEAST_HOLE_ML, LEAST_HOLE_SHARE * most_ml):
            continue
        said = f"a hole of {hole_ml:.2g} mL"
        yield seen.finding("holes", said, 0.5 + 0.1 * hole_ml, marked(seen.box, hollow))


def _extreme(seen: SeenOrgan) -> float | None:
    """Give an organ's usual volume in mL where its own is extreme against it, else `None`."""
    place = place_of(seen.name)
    if place is None or not np.isfinite(place.volume_ml):
        return None
    may_be_small = any(seen.is_cut) or seen.name in MAY_BE_TINY
    is_small = seen.volume_ml * EXTREME_TIMES <= place.volume_ml and not may_be_small
    is_large = seen.volume_ml >= EXTREME_TIMES * place.volume_ml
    return place.volume_ml if is_small or is_large else None


def _around(case: RuleInput, seen: SeenOrgan) -> BoxedMask:
    """Mark a mask and what lies around it, where the rest of the organ is looked for."""
    margins = margin_voxels(case.geometry, AROUND_MM)
    box = grown(seen.box, max(margins), case.geometry.shape)
    return BoxedArray(box, dilated(case.masks.mask_in(seen.name, box), min(margins)))


def _inner(seen: SeenOrgan, case: RuleInput) -> set[int]:
    """Find the pieces that do not touch the grid's border."""
    outer: set[int] = set()
    for axis, (part, side) in enumerate(zip(seen.box, case.geometry.shape, strict=True)):
        if part.start == 0:
            outer |= set(np.unique(np.take(seen.pieces.numbers, 0, axis)).tolist())
        if part.stop == side:
            outer |= set(np.unique(np.take(seen.pieces.numbers, -1, axis)).tolist())
    return set(range(1, len(seen.pieces.n_voxels))) - outer
