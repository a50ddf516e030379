"""How many errors do hot spots find, and how many hot spots are there for nothing?

In:  a case with the truth, and the hot spots of an organ.
Out: counts that add up over organs and cases: error regions, those found (a hot spot covers a tenth of one),
     hot spots, those that touch a region; volumes; and the same voxel by voxel.
"""

from dataclasses import astuple, dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from attention.cohort import CohortCase
from omentum.measures.canonical_grid import CANONICAL_MM, canonical, masks_on
from omentum.measures.error_regions import ErrorRegions, error_regions
from omentum.score.expected_error import ExpectedError
from omentum.volumes.geometry import Box
from omentum.volumes.labels import organ
from omentum.volumes.resample import nearest_voxels

__all__ = ["COVERED", "Detection", "counted", "detected", "regions_of"]

COVERED = 0.1
"""Share of an error region that hot spots must cover for it to count as found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """Counts over organs and cases."""

    regions: int = 0
    found: int = 0
    spots: int = 0
    touching: int = 0
    flagged_ml: float = 0.0
    organ_ml: float = 0.0
    error_ml: float = 0.0
    covered_ml: float = 0.0

    def __add__(self, other: "Detection") -> "Detection":
        names = self.__slots__
        return Detection(**{k: a + b for k, a, b in zip(names, astuple(self), astuple(other), strict=True)})

    def figures(self) -> dict[str, float]:
        """Give shares of error regions found, of hot spots that touch one, and both; and by volume.

        `flagged_share` is the flagged volume by the masks' volume. By voxels it is the share of the error
        volume that is flagged, and of the flagged volume that is in an error region.
        """
        found, right = self.found / max(self.regions, 1), self.touching / max(self.spots, 1)
        return {
            "sensitivity": found,
            "precision": right,
            "f1": 2 * found * right / (found + right) if found + right else 0.0,
            "flagged_share": self.flagged_ml / max(self.organ_ml, 1e-9),
            "voxel_sensitivity": self.covered_ml / max(self.error_ml, 1e-9),
            "voxel_precision": self.covered_ml / max(self.flagged_ml, 1e-9),
            "regions": self.regions,
            "spots": self.spots,
        }

    def told(self) -> str:
        """Give all of it in a line."""
        return ", ".join(f"{name} {value:.3g}" for name, value in self.figures().items())


@lru_cache(maxsize=20)
def regions_of(case: CohortCase, name: str) -> tuple[ErrorRegions, float]:
    """Find the error regions of an organ on the canonical grid, and the volume of its mask, in mL."""
    grid = canonical(case.ct.geometry)
    true = case.labels[np.ix_(*nearest_voxels(case.ct.geometry, grid))] == organ(name).index
    mask = masks_on(case.masks[0], grid).mask(name)
    regions = error_regions(mask, true, (CANONICAL_MM,) * 3)
    return regions, float(np.count_nonzero(mask)) * CANONICAL_MM**3 / 1000


def detected(case: CohortCase, one: ExpectedError, least_error_ml: float) -> Detection:
    """Count an organ of scoring `expected-error`, with hot spots of at least so much expected error."""
    kept = sum(spot.error_ml >= least_error_ml for spot in one.spots)
    numbers = np.where(one.spots_map <= kept, one.spots_map, 0)
    return counted(*regions_of(case, one.organ), numbers, one.box)


def counted(regions: ErrorRegions, organ_ml: float, spots: npt.NDArray[np.integer], box: Box) -> Detection:
    """Count numbered hot spots in a box of the canonical grid against error regions."""
    voxel_ml = CANONICAL_MM**3 / 1000
    inside, flagged = regions.numbers[box], spots > 0
    n_regions = len(regions.volumes_ml)
    both = np.bincount(inside[flagged], minlength=n_regions + 1)[1:] * voxel_ml
    touching = np.unique(spots[flagged & (inside > 0)])
    return Detection(
        regions=n_regions,
        found=int((both >= COVERED * np.array(regions.volumes_ml)).sum()),
        spots=int(np.unique(spots[flagged]).size),
        touching=int(touching.size),
        flagged_ml=float(np.count_nonzero(flagged)) * voxel_ml,
        organ_ml=organ_ml,
        error_ml=float(sum(regions.volumes_ml)),
        covered_ml=float(both.sum()),
    )
