"""Choose the scanned part of a patient made from a label map; organs at its border are cut."""

import numpy as np

from omentum.phantoms.anatomy_map import AnatomyMap
from omentum.phantoms.patient import Patient
from omentum.phantoms.space import stream
from omentum.phantoms.styles import Style
from omentum.phantoms.view import draw_ends
from omentum.volumes.geometry import Geometry

__all__ = ["draw_map_view"]

_LEAST_MM = 90.0
_NARROW_CHANCE = 0.12


def draw_map_view(
    patient: Patient, host: AnatomyMap, style: Style, spacing_mm: tuple[float, float, float]
) -> Geometry:
    """Draw a field of view that the host's map covers.

    Args:
        patient: Size and fat.
        host: Whose body it is.
        style: How often which field is drawn.
        spacing_mm: Edges of a voxel along R, A, S.
    """
    rng = stream(patient.seed, "map view")
    width, depth, height = patient.size
    feet, head = draw_ends(rng, style)
    feet, head = max(feet, host.low_mm + 12.0), min(head, host.high_mm - 12.0)
    head = max(head, feet + _LEAST_MM)
    inside = np.argwhere(host.body.distance < 0.0)
    low, high = (host.body.origin_mm + host.body.step_mm * end for end in (inside.min(0), inside.max(0)))
    wall = 24.0 + patient.fat_mm
    tight = float(rng.uniform(0.7, 0.9) if rng.random() < _NARROW_CHANCE else rng.uniform(0.97, 1.1))
    across = (high[0] - low[0]) * width * tight + 2.0 * wall
    along = min((high[1] - low[1]) * depth * tight + 2.0 * wall + rng.uniform(0.0, 60.0), across)
    middle = np.array(
        [(low[0] + high[0]) / 2 * width, (low[1] + high[1]) / 2 * depth, (feet + head) / 2 * height]
    )
    middle[:2] += rng.normal(0.0, 7.0, 2)
    extent = np.array([across, along, (head - feet) * height])
    spacing = np.array(spacing_mm)
    n_voxels = np.maximum(np.round(extent / spacing), 24).astype(int)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = middle - 0.5 * (n_voxels - 1) * spacing
    x, y, z = (int(n) for n in n_voxels)
    return Geometry((x, y, z), affine)
