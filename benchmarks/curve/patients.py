"""Scan the patients of a site, once: CT and true labels on the network's grid of 3 mm.

Each is scanned on the site's own grid, and resampled as the package does for training; kept below scratch/.
"""

from collections.abc import Iterable
from functools import cache

import numpy as np
import numpy.typing as npt

from curve.plan import ORGANS
from omentum.networks.grid import to_network_grid, to_network_mask
from omentum.phantoms.phantom import make_phantom
from omentum.tune.prepared_cases import to_int16
from omentum.volumes.atomic import writing
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.volume import Volume
from tuning.cohort import Patient
from tuning.kept import SCRATCH, code_sha256

__all__ = ["FIRST_HELD_OUT", "FIRST_POOL", "FIRST_VALIDATION", "patients_of"]

FIRST_POOL, FIRST_HELD_OUT, FIRST_VALIDATION = 94_000, 95_000, 96_000
SPACING_MM = 3.0
"""Of the shipped network."""


def patients_of(site: str, seeds: Iterable[int]) -> list[Patient]:
    """Give patients of a site; scanned now, or found as before."""
    return [_patient(site, seed) for seed in seeds]


def _patient(site: str, seed: int) -> Patient:
    path = SCRATCH.parent / "curve" / f"patients-{_phantoms_code()}" / f"{site}-{seed}.npz"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = make_phantom(seed, style=site)
        grid = to_network_grid(made.ct, SPACING_MM)
        truth = _labels(made.labels, grid.voxels.shape)
        with writing(path) as part, part.open("wb") as stream:
            np.savez_compressed(stream, hu=to_int16(grid.voxels), truth=truth, affine=grid.geometry.affine)
    with np.load(path) as kept:
        hu, truth, affine = kept["hu"], kept["truth"], kept["affine"]
    return Patient(seed=seed, hu=hu, truth=truth, geometry=Geometry(hu.shape, affine))


def _labels(labels: Volume, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Resample the labels, organ by organ: no two take more than half of a voxel."""
    truth = np.zeros(shape, dtype=np.uint8)
    for name in ORGANS:
        index = organ(name).index
        truth[to_network_mask(Volume(labels.voxels == index, labels.geometry), SPACING_MM)] = index
    return truth


@cache
def _phantoms_code() -> str:
    return code_sha256(["phantoms"])[:8]
