"""Compare the density of each organ in the CT with what its tissue can have."""

from collections.abc import Iterator
from dataclasses import dataclass

import cc3d
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from omentum.measures.morphology import eroded
from omentum.measures.plausibility.finding import Finding
from omentum.measures.plausibility.rule_input import RuleInput, SeenOrgan, marked

__all__ = ["DENSITIES", "Density", "density"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """What an organ may look like, in HU, in every contrast phase and with common disease.

    Attributes:
        median_hu: Least and greatest median of the whole organ.
        local_hu: Least and greatest mean over a neighbourhood of 3 x 3 x 3 voxels inside it.
    """

    median_hu: tuple[float, float]
    local_hu: tuple[float, float]


_ANY = float("inf")
DENSITIES: dict[str, Density] = {
    # fatty livers reach -20; vicarious contrast and stones are in gall bladders, stents in aortas
    "liver": Density(median_hu=(-30, 220), local_hu=(-60, 400)),
    "spleen": Density(median_hu=(5, 300), local_hu=(-50, 450)),
    "kidney_left": Density(median_hu=(0, 450), local_hu=(-160, _ANY)),
    "kidney_right": Density(median_hu=(0, 450), local_hu=(-160, _ANY)),
    "pancreas": Density(median_hu=(-60, 250), local_hu=(-160, 700)),
    "gall_bladder": Density(median_hu=(-30, 500), local_hu=(-120, _ANY)),
    "aorta": Density(median_hu=(10, 700), local_hu=(-70, _ANY)),
    "postcava": Density(median_hu=(5, 500), local_hu=(-80, 900)),
    "lung_left": Density(median_hu=(-1100, -200), local_hu=(-_ANY, _ANY)),
    "lung_right": Density(median_hu=(-1100, -200), local_hu=(-_ANY, _ANY)),
    "bladder": Density(median_hu=(-30, 1500), local_hu=(-200, _ANY)),
}
"""Organs that gas, food or oral contrast fill have no row."""
LEAST_ML = 1.5
"""Least volume of a region out of range: smaller ones are stones, clips, vessels' gas, or the surface."""
LEAST_INSIDE_VOXELS = 30


def density(case: RuleInput) -> Iterator[Finding]:
    """Solid organs hold no air and little fat, vessels no fat, lungs no soft tissue.

    Means over 3 x 3 x 3 voxels, so that noise of 40 HU is 8 HU; the outermost voxels are left out, because
    they share their place with the neighbour.

    Source:
        Textbook values at 120 kV as in `phantoms/tissue.py`, widened for contrast, fat and disease.
    """
    if case.hu is None:
        return
    for name, seen in case.organs.items():
        limits = DENSITIES.get(name)
        if limits is None or seen.volume_ml < LEAST_ML or seen.pieces.n_voxels.sum() < LEAST_INSIDE_VOXELS:
            continue
        hu = np.asarray(case.hu[seen.box], dtype=np.float32)
        finding = _median(seen, hu, limits) or _region(case, seen, hu, limits)
        if finding is not None:
            yield finding


def _median(seen: SeenOrgan, hu: npt.NDArray[np.float32], limits: Density) -> Finding | None:
    values = hu[seen.mask].astype(np.float64)
    median = float(np.median(values[np.isfinite(values)])) if np.isfinite(values).any() else float("nan")
    least, most = limits.median_hu
    if not (median < least or median > most):
        return None
    return seen.finding("density", f"{median:.0f} HU is not its tissue", 0.9)


def _region(case: RuleInput, seen: SeenOrgan, hu: npt.NDArray[np.float32], limits: Density) -> Finding | None:
    least, most = limits.local_hu
    if least == -_ANY and most == _ANY:
        return None
    core = eroded(seen.mask)
    is_known = np.isfinite(hu)
    smooth = ndimage.uniform_filter(np.where(is_known, hu, np.float32(0.0)), 3, mode="nearest")
    wrong = core & is_known & ((smooth < least) | (smooth > most))
    if np.count_nonzero(wrong) * case.geometry.voxel_ml < LEAST_ML:
        return None
    least_voxels = int(np.ceil(LEAST_ML / case.geometry.voxel_ml))
    regions = np.asarray(cc3d.dust(wrong, threshold=least_voxels, connectivity=6), dtype=np.bool_)
    if not regions.any():
        return None
    mean = float(smooth[regions].mean(dtype=np.float64))
    wrong_ml = float(np.count_nonzero(regions) * case.geometry.voxel_ml)
    said = f"{wrong_ml:.2g} mL of {mean:.0f} HU inside"
    return seen.finding("density", said, 0.6 + wrong_ml / 50.0, marked(seen.box, regions))
