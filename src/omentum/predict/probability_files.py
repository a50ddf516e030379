"""How do people see how sure a network is? As volumes on the CT's grid, one file an organ.

In:  the probabilities of one case, on the network's grid.
Out: `probabilities/<organ>.nii.gz` and `entropy/<organ>.nii.gz`, uint8 with the CT's affine; of an organ that
     is nowhere too. One organ is held at a time.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.measures.probability_bytes import entropy_bytes, nearest_bytes
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.probabilities import ProbabilityMaps
from omentum.volumes.volume import Volume

__all__ = ["write_part", "write_soft_files"]


def write_soft_files(
    folder: Path, maps: ProbabilityMaps, ct: Geometry, *, probabilities: bool = False, entropy: bool = False
) -> list[Path]:
    """Write one file an organ that the network knows, and give their paths.

    Args:
        folder: `probabilities/` and `entropy/` are made in it.
        maps: Of one network, or the average of several.
        ct: The CT's grid.
        probabilities: Whether to write them, times 255, to the nearest byte.
        entropy: Whether to write `-p ln p`, times 255, rounded down, as published; at most 93. What is
            under 0.012 and far from the organ is not kept, and counts as 0.
    """
    paths = []
    for name in maps.organs:
        found = maps.on_grid(name, ct) if probabilities or entropy else None
        if probabilities:
            part = found and (found[0], nearest_bytes(found[1]))
            paths.append(write_part(folder / "probabilities" / f"{name}.nii.gz", ct, part))
        if entropy:
            part = found and (found[0], entropy_bytes(found[1]))
            paths.append(write_part(folder / "entropy" / f"{name}.nii.gz", ct, part))
    return paths


def write_part(path: Path, geometry: Geometry, part: tuple[Box, npt.NDArray[np.uint8]] | None) -> Path:
    """Write a whole volume that is zero but for one box; all of it where there is none."""
    voxels = np.zeros(geometry.shape, dtype=np.uint8, order="F")
    if part is not None:
        voxels[part[0]] = part[1]
    write_nifti(path, Volume(voxels, geometry))
    return path
