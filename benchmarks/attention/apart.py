"""What does it look like when networks disagree boldly? The shipped ones hardly do; those of others may.

In:  a case of a cohort.
Out: the same case with one of its networks moved against all else by a centimetre or so, sure of itself as it
     was: in half of the cases the one whose masks are judged, which then errs at its whole surface.
"""

from dataclasses import replace

import numpy as np

from attention.cohort import CohortCase
from omentum.volumes.geometry import Geometry
from omentum.volumes.probabilities import ProbabilityMaps
from omentum.volumes.volume import Volume

__all__ = ["moved_apart"]

LEAST_MM, MOST_MM = 5.0, 20.0


def moved_apart(case: CohortCase, rng: np.random.Generator) -> CohortCase:
    """Move one network against the CT, and against the other network, in a direction that is drawn."""
    direction = rng.normal(size=3)
    offset_mm = direction / np.linalg.norm(direction) * rng.uniform(LEAST_MM, MOST_MM)
    is_main = rng.random() < 0.5
    main, *others = case.maps
    moved = (ProbabilityMaps(_moved(one.geometry, offset_mm), one.organs, one.parts) for one in others)
    maps = (main, *moved)
    if not is_main:
        return replace(case, maps=maps)
    return replace(case, maps=maps, ct=Volume(case.ct.voxels, _moved(case.ct.geometry, offset_mm)))


def _moved(grid: Geometry, offset_mm: np.ndarray) -> Geometry:
    affine = grid.affine.copy()
    affine[:3, 3] += offset_mm
    return Geometry(grid.shape, affine)
