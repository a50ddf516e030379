"""Make the CT and the true labels of a synthetic patient from a seed.

The same seed and options give the same voxels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from omentum.errors import ConfigError
from omentum.phantoms.anatomy import build_anatomy
from omentum.phantoms.conventions import as_drawn
from omentum.phantoms.patient import draw_patient
from omentum.phantoms.render import render
from omentum.phantoms.site_scans import painted_labels, scanned_at, with_traits
from omentum.phantoms.sites import SITE_SEEDS, Site, site_named
from omentum.phantoms.styles import STYLES, Style, style_named
from omentum.phantoms.view import Triple, checked_grid, draw_view
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
        style: One of `styles.STYLES`, or of `sites.SITE_SEEDS`.

    Raises:
        ConfigError: An option is out of its range.

    Example:
        >>> phantom = make_phantom(3, shape=(16, 12, 14), orientation="LPS")
        >>> phantom.ct.voxels.dtype, phantom.labels.voxels.shape, phantom.ct.geometry.orientation
        (dtype('int16'), (16, 12, 14), 'LPS')
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ConfigError("seed", seed, "it must be a whole number, not negative")
    if style not in (*STYLES, *SITE_SEEDS):
        raise ConfigError("style", style, f"it must be one of {', '.join((*STYLES, *SITE_SEEDS))}")
    checked_grid(shape, spacing_mm)
    if orientation not in ALL_ORIENTATIONS:
        raise ConfigError(
            "orientation", orientation, "it must name each of R/L, A/P, S/I once, such as 'LPS'"
        )
    grid = _upright(shape, orientation), _upright(spacing_mm, orientation)
    if style in SITE_SEEDS:
        phase, hu, labels = _made_at(site_named(style), int(seed), *grid)
    else:
        phase, hu, labels = _made(style_named(style), int(seed), *grid)
    return Phantom(_turned(hu, orientation), _turned(labels, orientation), int(seed), phase)


def _made(
    style: Style, seed: int, shape: tuple[int, int, int] | None, spacing_mm: Triple | None
) -> tuple[str, Volume, Volume]:
    """Give the phase, HU and labels of a patient; axes point R, A, S."""
    patient = draw_patient(seed, style)
    view = draw_view(patient, style, shape, spacing_mm)
    space, structures = build_anatomy(patient)
    hu, labels = render(space, structures, view, patient)
    return patient.phase, Volume(hu, view), Volume(labels, view)


def _made_at(
    site: Site, seed: int, shape: tuple[int, int, int] | None, spacing_mm: Triple | None
) -> tuple[str, Volume, Volume]:
    """Give the phase, HU and labels of a patient as a site scans and draws them; axes point R, A, S."""
    patient = with_traits(draw_patient(seed, site.style), site.group)
    view = draw_view(patient, site.style, shape, spacing_mm)
    space, structures = build_anatomy(patient)
    hu, _ = render(space, structures, view, patient)
    labels = painted_labels(space, as_drawn(space, structures, site.conventions), view)
    return patient.phase, Volume(scanned_at(hu, view, site.scan, seed), view), Volume(labels, view)


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
