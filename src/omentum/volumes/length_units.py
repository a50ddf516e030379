"""Convert affines that a header states in another unit than millimetres."""

from pathlib import Path

import numpy as np

from omentum.errors import AffineError
from omentum.volumes.geometry import SPACING_MM, Affine

__all__ = ["in_millimetres"]

_CURE = "correct the unit of length in its header"
_IN_MM = {"m": 1000.0, "cm": 10.0, "mm": 1.0, "um": 0.001}
_WORDS = {
    "": "mm",
    "meter": "m",
    "centimeter": "cm",
    "millimeter": "mm",
    "micron": "um",
    "\N{MICRO SIGN}m": "um",
}


def in_millimetres(path: Path, affine: Affine, unit: str) -> tuple[Affine, tuple[str, ...]]:
    """Give an affine in mm, and a sentence for people where the header states another unit.

    Args:
        path: The file, for messages.
        affine: From voxel index to the header's unit.
        unit: `m`, `cm`, `mm` or `um`, or a word for one; empty stands for mm.

    Raises:
        AffineError: The unit is none of these, or the voxel size is one of a CT only if it is read as mm.
    """
    name = _WORDS.get(unit.strip().casefold(), unit.strip().casefold())
    if name not in _IN_MM:
        raise AffineError(path, f"its unit of length is {unit!r}, and m, cm, mm and um are read", _CURE)
    if name == "mm":
        return affine, ()
    converted = affine.copy()
    converted[:3] *= _IN_MM[name]
    stated, in_mm = (_edges(one) for one in (affine, converted))
    if _is_of_a_ct(stated) and not _is_of_a_ct(in_mm):
        seen = (
            f"its unit is {name}, so that voxels have {_by(in_mm)} mm; read as mm, they have {_by(stated)} mm"
        )
        raise AffineError(path, seen, _CURE)
    return converted, (f"its lengths are in {name}; its voxels have {_by(in_mm)} mm",)


def _edges(affine: Affine) -> Affine:
    return np.asarray(np.linalg.norm(affine[:3, :3], axis=0))


def _is_of_a_ct(edges: Affine) -> bool:
    low, high = SPACING_MM
    return bool(low <= edges.min() and edges.max() <= high)


def _by(edges: Affine) -> str:
    return " x ".join(f"{edge:.4g}" for edge in edges)
