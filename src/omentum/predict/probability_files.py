"""Write probabilities and entropies on the CT's grid, one NIfTI file an organ."""

from pathlib import Path

from omentum.measures.probability_bytes import entropy_bytes, nearest_bytes
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti_slices import write_nifti_part
from omentum.volumes.probabilities import ProbabilityMaps

__all__ = ["write_probability_files"]


def write_probability_files(
    folder: Path, maps: ProbabilityMaps, ct: Geometry, *, probabilities: bool = False, entropy: bool = False
) -> list[Path]:
    """Write `probabilities/<organ>.nii.gz` and `entropy/<organ>.nii.gz`; return their paths.

    Args:
        folder: Gets both folders; each organ that the network knows has a file, uint8.
        maps: Of one network, or the average of several.
        ct: The CT's grid.
        probabilities: Whether to write them, times 255, to the nearest byte.
        entropy: Whether to write `-p ln p`, times 255, rounded down, as published; at most 93. Probabilities
            under 0.012 far from the organ are not kept, and count as 0.
    """
    paths = []
    for name in maps.organs:
        found = maps.on_grid(name, ct) if probabilities or entropy else None
        if probabilities:
            paths.append(folder / "probabilities" / f"{name}.nii.gz")
            write_nifti_part(
                paths[-1], ct, None if found is None else BoxedArray(found.box, nearest_bytes(found.values))
            )
        if entropy:
            paths.append(folder / "entropy" / f"{name}.nii.gz")
            write_nifti_part(
                paths[-1], ct, None if found is None else BoxedArray(found.box, entropy_bytes(found.values))
            )
    return paths
