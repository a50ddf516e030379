"""Render training pairs on the fly from label maps and modelled anatomy; pair n is always the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from omentum.errors import ConfigError
from omentum.phantoms.anatomy import build_anatomy
from omentum.phantoms.anatomy_map import AnatomyMap
from omentum.phantoms.field_of_view import draw_map_view
from omentum.phantoms.mapped import build_mapped
from omentum.phantoms.patient import draw_patient
from omentum.phantoms.render import render
from omentum.phantoms.scanner import scanned
from omentum.phantoms.space import stream
from omentum.phantoms.styles import style_named
from omentum.phantoms.view import draw_view
from omentum.volumes.geometry import Geometry

__all__ = ["Pair", "render_pair"]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One synthetic scan with its true labels.

    Attributes:
        hu: int16 `(x, y, z)`, axes pointing R, A, S.
        labels: 32-class indices, uint8, on the same grid.
    """

    hu: npt.NDArray[np.int16]
    labels: npt.NDArray[np.uint8]
    geometry: Geometry


def render_pair(
    seed: int,
    maps: Sequence[AnatomyMap],
    spacing_mm: float,
    *,
    made_share: float = 0.3,
    guest_share: float = 0.4,
    style: str = "broad",
) -> Pair:
    """Render one training pair on a network's grid.

    Args:
        seed: Everything that is drawn follows from it.
        maps: Of real people; those without bones lend their organs only, and those that end within organs
            lend none. May be empty.
        spacing_mm: Edge of the cubic voxels.
        made_share: Share of patients whose anatomy is made of formulas, in [0, 1].
        guest_share: Share of the others whose organs are another map's, in [0, 1].
        style: One of `styles.STYLES`.

    Raises:
        ConfigError: There are maps, but none has bones.
    """
    hosts = [one for one in maps if one.is_whole]
    if maps and not hosts:
        raise ConfigError("anatomy", maps[0].name, "at least one map must have bones, to draw a body round")
    rng, chosen = stream(seed, "pair"), style_named(style)
    patient = draw_patient(seed, chosen)
    spacing = (spacing_mm,) * 3
    if not hosts or rng.random() < made_share:
        view = draw_view(patient, chosen, None, spacing)
        space, structures = build_anatomy(patient)
    else:
        host = hosts[rng.integers(len(hosts))]
        guests = [one for one in maps if one is not host and one.has_whole_organs]
        guest = guests[rng.integers(len(guests))] if guests and rng.random() < guest_share else None
        view = draw_map_view(patient, host, chosen, spacing)
        space, structures = build_mapped(patient, host, guest, view)
    hu, labels = render(space, structures, view, patient)
    return Pair(scanned(hu, spacing_mm, float(rng.uniform(*chosen.slice_mm)), rng), labels, view)
