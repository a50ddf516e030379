"""Make the CT and the true labels of a synthetic patient from a seed.

The same seed and options give the same voxels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from omentum.errors import ConfigError
from omentum.phantoms.anatomy import build_anatomy
from omentum.phantoms.patient import draw_patient
from omentum.phantoms.render import render
from omentum.phantoms.styles import style_named
from omentum.phantoms.view import checked_grid, draw_view
from omentum.volumes.geometry import ALL_ORIENTATIONS
from omentum.volumes.volume import Volume

__all__ = ["LABELLED", "Phantom", "make_phantom"]

LABELLED = (
    "spleen",
    "kidney_right",
    "kidney_left",
    "gall_bladder",
    "liver",
    "stomach",
    "aorta",
    "postcava",
    "pancreas",
    "lung_right",
    "lung_left",
    "colon",
    "intestine",
)
"""Organs that a phantom's labels speak of; any other is background there."""


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """One synthetic CT with its true labels.

    Attributes:
        ct: HU, int16.
        labels: 32-class indices, uint8, on the same grid.
        seed: What it was made from.
        phase: Contrast phase, one of `styles.PHASES`.
    """

    ct: Volume
    labels: Volume
    seed: int
    phase: str


def make_phantom(
    seed: int,
    *,
    shape: tuple[int, int, int] | None = None,
    spacing_mm: tuple[float, float, float] | None = None,
    orientation: str = "RAS",
    style: str = "mixed",
) -> Phantom:
    """Make one phantom.

    Args:
        seed: Not negative; everything that is drawn follows from it.
        shape: Voxels along the array's axes. Drawn with the field of view if not given, or follows
            from it where only the spacing is.
        spacing_mm: Edges of a voxel along the array's axes; drawn from the style if not said.
        orientation: Where the array's axes point, as three of the letters R L A P S I.
        style: One of `styles.STYLES`.

    Raises:
        ConfigError: An option is out of its range.

    Example:
        >>> phantom = make_phantom(3, shape=(16, 12, 14), orientation="LPS")
        >>> phantom.ct.voxels.dtype, phantom.labels.voxels.shape, phantom.ct.geometry.orientation
        (dtype('int16'), (16, 12, 14), 'LPS')
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ConfigError("seed", seed, "it must be a whole number, not negative")
    chosen = style_named(style)
    checked_grid(shape, spacing_mm)
    if orientation not in ALL_ORIENTATIONS:
        raise ConfigError(
            "orientation", orientation, "it must name each of R/L, A/P, S/I once, such as 'LPS'"
        )
    patient = draw_patient(int(seed), chosen)
    upright = draw_view(patient, chosen, _upright(shape, orientation), _upright(spacing_mm, orientation))
    space, structures = build_anatomy(patient)
    hu, labels = render(space, structures, upright, patient)
    ct, truth = (_turned(Volume(voxels, upright), orientation) for voxels in (hu, labels))
    return Phantom(ct, truth, int(seed), patient.phase)


def _turned(upright: Volume, orientation: str) -> Volume:
    turned = upright.reoriented(orientation)
    return Volume(np.ascontiguousarray(turned.voxels), turned.geometry)


def _upright(values: tuple[Any, Any, Any] | None, orientation: str) -> tuple[Any, Any, Any] | None:
    """Sort values from the array's axes to R, A, S."""
    if values is None:
        return None
    by_axis = {
        "RL AP SI".index(letter) // 3: value for letter, value in zip(orientation, values, strict=True)
    }
    return by_axis[0], by_axis[1], by_axis[2]
