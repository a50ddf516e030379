"""Write probabilities and entropies on the CT's grid, one NIfTI file an organ."""

from collections.abc import Collection
from pathlib import Path

from omentum.measures.probability_bytes import entropy_bytes, nearest_bytes
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti_slices import write_nifti_part
from omentum.volumes.probabilities import ProbabilityMaps

__all__ = ["write_probability_files"]

_AS_BYTES = {"probabilities": nearest_bytes, "entropy": entropy_bytes}


def write_probability_files(
    folder: Path, maps: ProbabilityMaps, ct: Geometry, kinds: Collection[str]
) -> list[Path]:
    """Write `probabilities/<organ>.nii.gz` and `entropy/<organ>.nii.gz`; return their paths.

    Args:
        folder: Gets both folders; each organ that the network knows has a file, uint8.
        maps: Of one network, or the average of several.
        ct: The CT's grid.
        kinds: What is written: `probabilities`, times 255, to the nearest byte; `entropy`: `-p ln p`, times
            255, rounded down, as published; at most 93. Probabilities under 0.012 far from the organ are not
            kept, and count as 0. Others are ignored.
    """
    written = {kind: as_bytes for kind, as_bytes in _AS_BYTES.items() if kind in kinds}
    paths = []
    for name in maps.organs if written else ():
        found = maps.on_grid(name, ct)
        for kind, as_bytes in written.items():
            paths.append(folder / kind / f"{name}.nii.gz")
            part = None if found is None else BoxedArray(found.box, as_bytes(found.values))
            write_nifti_part(paths[-1], ct, part)
    return paths
