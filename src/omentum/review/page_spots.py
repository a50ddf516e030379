"""List the hot spots of a task with a reason in words, and say where a page begins to look."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from omentum.errors import ImageError
from omentum.project.project import Project
from omentum.review.catch_view import hot_spots_path
from omentum.review.mask_view import MaskView
from omentum.review.page_bases import OrganBase, TaskFacts, shows_attention
from omentum.review.page_masks import PageMasks
from omentum.volumes.boxes import BoxedMask
from omentum.volumes.geometry import Box, Geometry

__all__ = ["ShownSpot", "first_region", "hot_spots_of"]

_BESIDE_MM = 20.0
_WORTH_SAYING_ML = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSpot:
    """A place where the mask of a task is probably wrong."""

    number: int
    """From 1, by falling expected error."""
    said: str
    """Why it is one, for people."""
    volume_ml: float
    error_ml: float | None
    """Expected error volume; `None` if the scoring does not estimate it."""
    low_voxel: tuple[int, int, int]
    high_voxel: tuple[int, int, int]
    """Inclusive."""
    centre_mm: tuple[float, float, float]

    @property
    def box(self) -> Box:
        """Its voxels."""
        x, y, z = (slice(low, high + 1) for low, high in zip(self.low_voxel, self.high_voxel, strict=True))
        return x, y, z


def hot_spots_of(project: Project, masks: PageMasks, about: TaskFacts) -> tuple[ShownSpot, ...]:
    """List the hot spots of a task; none where it was not chosen by a score, or another task hides them."""
    task = about.task
    if not shows_attention(about):
        return ()
    path = hot_spots_path(project, task)
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["hot_spots"]
    except (OSError, ValueError, KeyError):
        return ()
    own = [row for row in rows if row["organ"] == task.organ and _lies_in(row, about.facts.case.geometry)]
    views = _views(project, masks, about)
    return tuple(_spot(number, row, about, views) for number, row in enumerate(own, start=1))


def first_region(
    about: TaskFacts, bases: Mapping[str, OrganBase], masks: PageMasks, spots: tuple[ShownSpot, ...]
) -> Box:
    """Give the box around the first hot spot, else the organ, else the middle, with 20 mm beside it."""
    geometry = about.facts.case.geometry
    if spots:
        return _widened(spots[0].box, geometry)
    base = bases.get(about.task.organ)
    part: BoxedMask | None = None if base is None else masks.part(about, base)
    if part is not None:
        return _widened(part.box, geometry)
    x, y, z = (slice(side // 2, side // 2 + 1) for side in geometry.shape)
    return _widened((x, y, z), geometry, beside_mm=3 * _BESIDE_MM)


def _views(project: Project, masks: PageMasks, about: TaskFacts) -> list[MaskView]:
    """Open what each network of the round made of the case, if all of them know the organ."""
    made = project.store.predictions.of_case(about.task.case_id)
    if len(made) < 2:
        return []
    networks = [name for name in dict.fromkeys((about.network, *project.networks)) if name in made]
    if len(networks) < 2:
        return []
    try:
        views = [masks.view(about, f"predicted:{name}") for name in networks]
    except (ImageError, LookupError):  # without a second opinion the spots are shown all the same
        return []
    return views if all(about.task.organ in view.organs for view in views) else []


def _lies_in(row: Mapping[str, Any], geometry: Geometry) -> bool:
    """Tell whether a spot has a box inside the CT, as spots of another program may not."""
    low, high = row.get("low_voxel"), row.get("high_voxel")
    if low is None or high is None:
        return False
    return all(0 <= a <= b < side for a, b, side in zip(low, high, geometry.shape, strict=True))


def _spot(number: int, row: Mapping[str, Any], about: TaskFacts, views: list[MaskView]) -> ShownSpot:
    low_x, low_y, low_z = row["low_voxel"]
    high_x, high_y, high_z = row["high_voxel"]
    x, y, z = row["centre_mm"]
    spot = ShownSpot(
        number=number,
        said="",
        volume_ml=float(row["volume_ml"]),
        error_ml=row.get("error_ml"),
        low_voxel=(low_x, low_y, low_z),
        high_voxel=(high_x, high_y, high_z),
        centre_mm=(x, y, z),
    )
    said = _said(row, spot, _disagreement_ml(about, spot.box, views))
    return ShownSpot(**{name: getattr(spot, name) for name in spot.__slots__} | {"said": said})


def _said(row: Mapping[str, Any], spot: ShownSpot, disagreement_ml: float) -> str:
    """Say why it is a hot spot.

    Example: `networks disagree, 3.1 mL`.
    """
    rules = [str(row["reason"])] if row.get("reason") else []
    if disagreement_ml >= _WORTH_SAYING_ML:
        return "; ".join([*rules, f"networks disagree, {disagreement_ml:.1f} mL"])
    return "; ".join([*rules, f"the network is unsure, {spot.volume_ml:.1f} mL"])


def _disagreement_ml(about: TaskFacts, box: Box, views: list[MaskView]) -> float:
    """Measure the volume in a box over which networks give different masks."""
    if not views:
        return 0.0
    first, *others = [view.masks(box).mask(about.task.organ) for view in views]
    differs = np.zeros_like(first)
    for other in others:
        differs |= first ^ other
    return float(np.count_nonzero(differs) * about.facts.case.geometry.voxel_ml)


def _widened(box: Box, geometry: Geometry, *, beside_mm: float = _BESIDE_MM) -> Box:
    margins = [int(np.ceil(beside_mm / edge)) for edge in geometry.spacing_mm]
    x, y, z = (
        slice(max(own.start - margin, 0), min(own.stop + margin, side))
        for own, margin, side in zip(box, margins, geometry.shape, strict=True)
    )
    return x, y, z
