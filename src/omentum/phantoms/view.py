"""Choose the scanned part of a patient and its grid."""

import numpy as np

from omentum.errors import ConfigError
from omentum.phantoms.patient import Patient
from omentum.phantoms.space import stream
from omentum.phantoms.styles import Style
from omentum.volumes.geometry import Geometry

__all__ = ["Triple", "checked_grid", "draw_ends", "draw_view"]

Triple = tuple[float, float, float]

_ENDS_MM = {
    # feet and head end of the scan, in mm from the first lumbar vertebra, with their spread
    "abdomen": ((-155.0, 12.0), (112.0, 12.0)),
    "upper_abdomen": ((-78.0, 18.0), (100.0, 16.0)),
    "chest_abdomen": ((-150.0, 12.0), (205.0, 12.0)),
    "trunk": ((-215.0, 8.0), (215.0, 8.0)),
}
_SIDE_VOXELS = (8, 4096)
_EDGE_MM = (0.1, 20.0)


def checked_grid(shape: tuple[int, int, int] | None, spacing_mm: Triple | None) -> None:
    """Refuse a grid that no scan has.

    Raises:
        ConfigError: There are not three values, or one is out of range.
    """
    for name, values, (least, most) in (("shape", shape, _SIDE_VOXELS), ("spacing_mm", spacing_mm, _EDGE_MM)):
        if values is None:
            continue
        if len(values) != 3 or not all(np.isfinite(v) and least <= v <= most for v in values):
            raise ConfigError(name, values, f"it must be three values from {least} to {most}")


def draw_view(
    patient: Patient, style: Style, shape: tuple[int, int, int] | None, spacing_mm: Triple | None
) -> Geometry:
    """Draw the field of view and lay the grid; what the caller fixes is kept."""
    rng = stream(patient.seed, "view")
    middle_mm, extent_mm = _draw_field(rng, patient, style)
    edge, slice_mm = rng.uniform(*style.spacing_mm), rng.uniform(*style.slice_mm)
    extent = np.array(extent_mm)
    if spacing_mm is not None:
        spacing = np.array(spacing_mm, dtype=np.float64)
    elif shape is not None:
        spacing = extent / np.array(shape)
    else:
        spacing = np.array([edge, edge, slice_mm])
    n_voxels = (
        np.array(shape) if shape is not None else np.maximum(np.round(extent / spacing), _SIDE_VOXELS[0])
    )
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = np.array(middle_mm) - 0.5 * (n_voxels - 1) * spacing
    x, y, z = (int(n) for n in n_voxels)
    return Geometry((x, y, z), affine)


def draw_ends(rng: np.random.Generator, style: Style) -> tuple[float, float]:
    """Draw where a scan ends towards feet and head, in mm of the atlas."""
    names, weights = zip(*style.fields, strict=True)
    (low, low_spread), (high, high_spread) = _ENDS_MM[str(rng.choice(names, p=weights))]
    return float(low + rng.normal(0.0, low_spread)), float(high + rng.normal(0.0, high_spread))


def _draw_field(rng: np.random.Generator, patient: Patient, style: Style) -> tuple[Triple, Triple]:
    """Draw the middle and the extent of the field of view, in mm."""
    feet, head = (end * patient.size[2] for end in draw_ends(rng, style))
    tight = rng.uniform(0.97, 1.12)
    across = (330.0 + 1.9 * patient.fat_mm) * patient.size[0] * tight
    middle_y = 42.0 * patient.size[1] - 4.0 + rng.normal(0.0, 5.0)
    middle = (float(rng.normal(0.0, 5.0)), float(middle_y), float((feet + head) / 2))
    return middle, (float(across), float(across), float(head - feet))
