"""Which cases are in a round? Synthetic patients of mixed difficulty, as both shipped networks see them.

In:  a cohort's number.
Out: cases with CT, true labels and both networks' masks and probabilities, as each round leaves them.

Of ten patients five are `easy`, three `mixed` and two `hard` (styles of omentum.phantoms: other phases, more
noise, thicker slices, more anomalies), none of them seen in training or in fitting.

Two projects are made of them. In a *first round* everything is as the networks say it: there nearly every
organ holds an error. In a *late round* nineteen organs in twenty are right, as in the published project,
where 5 % of the CTs needed a revision: in these, drawn without a look at them, masks and probabilities are
the truth wherever something deeper than 3 mm from it is wrong, and around there, as sharp as the networks
are where they are right. What they doubt without cause stays.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from attention.cohort import CohortCase
from attention.cohort import cohort as cohort_of_seeds
from omentum.measures.components import pieces_of
from omentum.measures.error_regions import error_regions
from omentum.volumes.boxes import BoxedArray, BoxedBytes, bounding_box, grown
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import SUBSETS, organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.probabilities import FULL, LEAST, ProbabilityMaps
from omentum.volumes.resample import nearest_voxels
from quality.trained_on import FIRST_UNSEEN_SEED

__all__ = ["FIRST", "LATE", "LATE_NUMBER", "NINE", "ROUNDS", "cohort"]

NINE = SUBSETS["abdomenatlas-1.0"]
STYLES = ("easy", "mixed", "easy", "hard", "easy", "mixed", "easy", "mixed", "easy", "hard")
FIRST, LATE = "first", "late"
ROUNDS = {LATE: 0.05, FIRST: 1.0}
"""Share of organs that are left as the networks say it."""
LATE_NUMBER = 5
"""Number of the late round in its project."""
MOST_CASES = 40
FIRST_SEED = FIRST_UNSEEN_SEED + 400
_MARGIN_VOXELS = 3
_CUTS = (0.1, 0.9)
"""A network doubts where its mask, cut at one of these probabilities, would err by more than 3 mm."""
_SOFT_VOXELS = 0.36
"""How soft the edge of a mended probability is: as much entropy as both networks have at edges that they see
right (other patients; 0.7 has four times as much, and looks like an error)."""

Mask = npt.NDArray[np.bool_]


def cohort(number: int, n_cases: int, round_name: str) -> Iterator[CohortCase]:
    """Give one case of a cohort after another, as a round leaves it.

    Args:
        number: Of the cohort, from 0; no patient is in two.
        n_cases: Patients.
        round_name: One of `ROUNDS`.
    """
    for place in range(n_cases):
        seed = FIRST_SEED + number * MOST_CASES + place
        (case,) = cohort_of_seeds([seed], [STYLES[place % len(STYLES)]])
        drawn = np.random.default_rng(seed).random(len(NINE))
        right = [one for one, lot in zip(NINE, drawn, strict=True) if lot >= ROUNDS[round_name]]
        yield mended(case, right)


def mended(case: CohortCase, organs: list[str]) -> CohortCase:
    """Put organs right wherever a network errs by more than 3 mm, and what it doubts for that reason."""
    grid = case.ct.geometry
    true = {name: case.labels == organ(name).index for name in organs}
    wrong = {name: _wrong(case, name, labels) for name, labels in true.items()}
    masks, maps = [], []
    for own_masks, own_maps in zip(case.masks, case.maps, strict=True):
        to_maps = np.ix_(*nearest_voxels(grid, own_maps.geometry))
        from_maps = np.ix_(*nearest_voxels(own_maps.geometry, grid))
        mask_parts, map_parts = [], dict(own_maps.parts)
        for name in own_masks.organs:
            mask = own_masks.mask(name)
            if name in true:
                near = ndimage.binary_dilation(wrong[name][to_maps], iterations=_MARGIN_VOXELS)
                mask = np.where(near[from_maps], true[name], mask)
                map_parts.pop(name, None)
                part = _mended_part(own_maps, name, true[name][to_maps], near)
                map_parts |= {} if part is None else {name: part}
            mask_parts.append((name, mask))
        masks.append(MaskSet.build(grid, own_masks.organs, iter(mask_parts)))
        maps.append(ProbabilityMaps(own_maps.geometry, own_maps.organs, map_parts))
    return replace(case, masks=tuple(masks), maps=tuple(maps))


def _wrong(case: CohortCase, name: str, true: Mask) -> Mask:
    """Find where any network errs deep, and the deep doubt of any that is connected with it."""
    grid = case.ct.geometry
    said = [own.mask(name) for own in case.masks]
    probabilities = [_on_ct(own, name, grid) for own in case.maps]
    doubtful = [probability >= cut for probability in probabilities for cut in _CUTS]
    found = np.zeros(grid.shape, dtype=bool)
    around = bounding_box(np.any([true, *said, *doubtful], axis=0))
    if around is None:
        return found
    box = grown(around, 2, grid.shape)  # distances need what lies around the organ, and no more
    wrong, doubted = (
        np.any([_deep(one[box], true[box], grid) for one in several], axis=0) for several in (said, doubtful)
    )
    pieces = pieces_of(wrong | doubted)
    touched = np.flatnonzero(pieces.counted(wrong))
    found[box] = pieces.mask(touched[touched > 0])
    return found


def _on_ct(maps: ProbabilityMaps, name: str, grid: Geometry) -> npt.NDArray[np.float32]:
    probability = np.zeros(grid.shape, dtype=np.float32)
    placed = maps.on_grid(name, grid)
    if placed is not None:
        probability[placed[0]] = placed[1]
    return probability


def _deep(mask: Mask, true: Mask, grid: Geometry) -> Mask:
    return np.asarray(error_regions(mask, true, grid.spacing_mm, least_ml=0.0).numbers > 0)


def _mended_part(maps: ProbabilityMaps, name: str, true: Mask, near: Mask) -> BoxedBytes | None:
    """Put the truth, with a soft edge, near where a network errs."""
    full = np.zeros(maps.geometry.shape, dtype=np.float32)
    if name in maps.parts:
        box, values = maps.parts[name]
        full[box] = values
    soft = ndimage.gaussian_filter(true.astype(np.float32), _SOFT_VOXELS) * FULL
    full = np.where(near, soft, full)
    part = BoxedArray.cut_out(full, least=LEAST)
    return part and BoxedArray(part.box, np.rint(part.values).astype(np.uint8))
