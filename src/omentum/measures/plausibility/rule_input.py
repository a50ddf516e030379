"""Measure each organ's box, pieces, volume, middle and cut sides once, for all rules.

Places are in mm, axes R, A, S, whatever the array's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from omentum.measures.components import Pieces, pieces_of
from omentum.measures.plausibility.finding import Finding
from omentum.volumes.boxes import BoxedArray, BoxedMask
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.masks import MaskSet, organ_boxes

__all__ = [
    "Mask",
    "Point",
    "RuleInput",
    "SeenOrgan",
    "centre_mm",
    "margin_voxels",
    "marked",
    "rule_input",
    "world_axes",
]

Mask = npt.NDArray[np.bool_]
Point = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenOrgan:
    """One organ that has a voxel.

    Attributes:
        name: The organ.
        box: The smallest box around its mask.
        mask: Inside the box `(x, y, z)`.
        volume_ml: Of the whole mask.
        pieces: What the mask is made of.
        main: Number of the largest piece.
        middle_mm: Mean place of the largest piece, R, A, S.
        is_cut: Whether the mask touches the grid's border along R, A, S.
    """

    name: str
    box: Box
    mask: Mask
    volume_ml: float
    pieces: Pieces
    main: int
    middle_mm: Point
    is_cut: tuple[bool, bool, bool]

    def finding(
        self,
        rule: str,
        said: str,
        severity: float,
        part: BoxedMask | None = None,
        *,
        holds: bool = False,
    ) -> Finding:
        """Make a finding about this organ.

        Args:
            rule: Name of the rule.
            said: A few words for the queue.
            severity: How sure the rule is; above 1 counts as 1.
            part: Box and voxels to look at; the whole mask if `None`.
            holds: Whether the mask is held back until a person confirms it.
        """
        box, where = part or (self.box, self.mask)
        return Finding(
            rule=rule,
            organ=self.name,
            said=said,
            box=box,
            where=where,
            severity=min(1.0, severity),
            holds=holds,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RuleInput:
    """One case as the rules read it.

    Attributes:
        masks: As given.
        hu: The CT on the same grid, if there is one.
        organs: Those with a voxel, by name.
    """

    masks: MaskSet
    hu: npt.NDArray[Any] | None
    organs: Mapping[str, SeenOrgan]

    @property
    def geometry(self) -> Geometry:
        """The grid."""
        return self.masks.geometry

    @property
    def empty(self) -> tuple[str, ...]:
        """Organs of the masks without a voxel."""
        return tuple(name for name in self.masks.organs if name not in self.organs)


def rule_input(masks: MaskSet, hu: npt.NDArray[Any] | None = None) -> RuleInput:
    """Measure what every rule needs, inside each organ's box."""
    seen = {name: _seen(masks, name, box) for name, box in organ_boxes(masks).items() if box is not None}
    return RuleInput(masks=masks, hu=hu, organs=seen)


def world_axes(geometry: Geometry) -> tuple[int, int, int]:
    """Give the patient's axis (0 R, 1 A, 2 S) that each array axis runs along, nearly so on tilted grids.

    Example:
        >>> world_axes(Geometry((4, 4, 4), np.eye(4)[[2, 1, 0, 3]]))
        (2, 1, 0)
    """
    x, y, z = nib.orientations.io_orientation(geometry.affine)[:, 0].astype(int).tolist()
    return x, y, z


def margin_voxels(geometry: Geometry, margin_mm: float) -> tuple[int, int, int]:
    """Give how many voxels a margin is along each array axis, at least one."""
    x, y, z = (max(1, round(margin_mm / edge)) for edge in geometry.spacing_mm)
    return x, y, z


def centre_mm(mask: Mask, box: Box, geometry: Geometry) -> Point:
    """Measure the mean place of a mask in a box, R, A, S, in mm; from its shadows on the axes."""
    total = float(np.count_nonzero(mask))
    index = [
        part.start + float(np.count_nonzero(mask, axis=others) @ np.arange(mask.shape[axis])) / total
        for axis, (part, others) in enumerate(zip(box, ((1, 2), (0, 2), (0, 1)), strict=True))
    ]
    return geometry.to_mm(index)


def marked(box: Box, mask: Mask) -> BoxedMask:
    """Shrink a box to a mask that has a voxel."""
    part = BoxedArray(box, mask).tight()
    assert part is not None
    return part


def _seen(masks: MaskSet, name: str, box: Box) -> SeenOrgan:
    mask = masks.mask_in(name, box)
    pieces = pieces_of(mask)
    main = pieces.by_size[0]
    return SeenOrgan(
        name=name,
        box=box,
        mask=mask,
        volume_ml=float(pieces.n_voxels.sum() * masks.geometry.voxel_ml),
        pieces=pieces,
        main=main,
        middle_mm=centre_mm(pieces.numbers == main, box, masks.geometry),
        is_cut=_cut(box, masks.geometry),
    )


def _cut(box: Box, geometry: Geometry) -> tuple[bool, bool, bool]:
    cut = [False, False, False]
    for axis, part, side in zip(world_axes(geometry), box, geometry.shape, strict=True):
        cut[axis] = part.start == 0 or part.stop == side
    return cut[0], cut[1], cut[2]
