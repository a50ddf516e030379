"""Find masks that end in a flat face inside the picture, as those of windows that do not meet do."""

from collections.abc import Iterator

import numpy as np

from omentum.measures.plausibility.atlas import is_remnant
from omentum.measures.plausibility.finding import Finding
from omentum.measures.plausibility.rule_input import Mask, RuleInput, SeenOrgan, marked, world_axes
from omentum.volumes.boxes import BoxedMask
from omentum.volumes.labels import organ

__all__ = ["cut_plane"]

LEAST_FACE_CM2 = 2.0
LEAST_SHARE = 0.3
"""Of the organ's largest cross-section along that axis that ends in one plane; round organs end in many."""
LEAST_TIMES = 4.0
"""How many times more of the organ ends in that plane than in any near it on the same side."""
NEAR_MM = 9.0
BEYOND_MM = 15.0
"""How far beyond the face one looks for what is missing."""
ENDS_BY_CONVENTION = (
    "aorta",
    "postcava",
    "esophagus",
    "portal_vein_and_splenic_vein",
    "hepatic_vessel",
    "celiac_trunk",
    "duodenum",
    "stomach",
    "colon",
    "intestine",
    "rectum",
    "femur_left",
    "femur_right",
)
"""Organs that go on as another, or down a limb: people end them in a plane across the body."""
FLUID_LEVELS = ("lung_left", "lung_right")
"""Effusion lies flat behind the lungs of a patient who lies."""
_SIDES = {"R": "right", "L": "left", "A": "front", "P": "back", "S": "upper", "I": "lower"}
_OPPOSITE = dict(zip("RLAPSI", "LRPAIS", strict=True))


def cut_plane(case: RuleInput) -> Iterator[Finding]:
    """An organ's surface is round: no large part of it ends in one plane of voxels, unless at the border.

    What ends in each plane (voxels without a neighbour in the next one) is counted along each axis, both
    ways; a plane in which many times more ends than in those around it is a cut. Hollow organs and vessels
    that people end at a level are not asked along the long axis, nor an organ of which the view shows little.
    """
    for name, seen in case.organs.items():
        if organ(name).kind != "organ" or is_remnant(seen):
            continue
        for axis, world in enumerate(world_axes(case.geometry)):
            if (world == 2 and name in ENDS_BY_CONVENTION) or (world == 1 and name in FLUID_LEVELS):
                continue
            for step in (1, -1):
                yield from _cuts(case, seen, axis, step)


def _cuts(case: RuleInput, seen: SeenOrgan, axis: int, step: int) -> Iterator[Finding]:
    """Find the worst cut of an organ that looks along an array axis, up or down."""
    planes = np.moveaxis(seen.mask, axis, 0)[::step]
    spacing = case.geometry.spacing_mm
    area_cm2 = case.geometry.voxel_ml * 10.0 / spacing[axis]
    sections = np.count_nonzero(planes, axis=(1, 2)) * area_cm2
    ends = np.empty_like(sections)
    ends[:-1] = np.count_nonzero(planes[:-1] & ~planes[1:], axis=(1, 2)) * area_cm2
    part, n_planes = seen.box[axis], case.geometry.shape[axis]
    at_border = part.stop == n_planes if step == 1 else part.start == 0
    ends[-1] = 0.0 if at_border else sections[-1]
    worst = int(np.argmax(ends))
    near = max(2, round(NEAR_MM / spacing[axis]))
    others = np.delete(ends[max(0, worst - near) : worst + near + 1], min(worst, near))
    if (
        ends[worst] < max(LEAST_FACE_CM2, LEAST_SHARE * sections.max())
        or not others.size
        or ends[worst] < LEAST_TIMES * others.max()
        or worst < 2
    ):
        return
    face = planes[worst] & ~planes[worst + 1] if worst + 1 < len(planes) else planes[worst]
    at = part.start + worst if step == 1 else part.stop - 1 - worst
    letter = case.geometry.orientation[axis]
    side = _SIDES[letter if step == 1 else _OPPOSITE[letter]]
    said = f"cut off flat over {ends[worst]:.2g} cm2 on its {side} side"
    severity = 0.6 + 0.4 * ends[worst] / sections.max()
    yield seen.finding("cut_plane", said, severity, _beyond(case, seen, axis, (at, step), face))


def _beyond(case: RuleInput, seen: SeenOrgan, axis: int, at: tuple[int, int], face: Mask) -> BoxedMask:
    """Mark the face and what lies straight beyond it, less the organ itself."""
    place, step = at
    reach = max(1, round(BEYOND_MM / case.geometry.spacing_mm[axis]))
    ends = sorted((place, place + step * reach))
    span = slice(max(ends[0], 0), min(ends[1] + 1, case.geometry.shape[axis]))
    x, y, z = (span if k == axis else part for k, part in enumerate(seen.box))
    own = np.moveaxis(case.masks.mask_in(seen.name, (x, y, z)), axis, 0)
    looked = ~own & face[None]
    looked[place - span.start] |= face
    return marked((x, y, z), np.moveaxis(looked, 0, axis))
