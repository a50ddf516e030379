"""Check one case with all plausibility rules, on the canonical grid."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.errors import ConfigError, GridMismatchError
from omentum.measures.canonical_grid import canonical, masks_on
from omentum.measures.hounsfield import hounsfield_problem
from omentum.measures.plausibility.finding import Finding
from omentum.measures.plausibility.rules import OF_PLACES, findings
from omentum.measures.plausibility.whole_ct import CT_RULES, no_abdomen, not_hu, orientation_of_ct
from omentum.records import MaskFinding
from omentum.volumes.geometry import Geometry
from omentum.volumes.masks import MaskSet
from omentum.volumes.resample import nearest_voxels
from omentum.volumes.volume import Volume

__all__ = ["CaseCheck", "check_case"]

MOST_OFF_VOXELS = 0.1
"""How far a corner of the masks' grid may be off the CT's, in voxels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseCheck:
    """What the rules say of one case.

    Attributes:
        organs: Findings about one organ each; boxes and voxels are on the canonical grid of the masks.
        ct: Findings about the whole CT.
    """

    organs: tuple[Finding, ...]
    ct: tuple[MaskFinding, ...]

    @property
    def held(self) -> tuple[str, ...]:
        """Organs whose masks are held back until a person confirms them, each once, in order of findings."""
        return tuple(dict.fromkeys(one.organ for one in self.organs if one.holds))


def check_case(masks: MaskSet, ct: Volume | None, *, confirmed: Collection[str] = ()) -> CaseCheck:
    """Check one case with all rules.

    Args:
        masks: On the CT's grid, axes in any order; an organ that they do not speak of is unknown.
        ct: The CT, or `None`.
        confirmed: Some of `CT_RULES`, which a person says are right as they are. With `orientation` (all
            organs are mirrored in this patient) the rules that compare places are silent, with `not_hu`
            the one that compares HU.

    Raises:
        ConfigError: `confirmed` names no rule about a whole CT.
        GridMismatchError: The masks do not lie on the CT's grid.
    """
    unknown = sorted(set(confirmed) - set(CT_RULES))
    if unknown:
        raise ConfigError("confirmed", unknown[0], f"it must be one of {', '.join(CT_RULES)}")
    grid = canonical(masks.geometry)
    shown = masks_on(masks, grid)
    problem = None if ct is None else hounsfield_problem(ct.voxels)
    is_hu = problem is None and "not_hu" not in confirmed
    hu = _nearest(ct, masks.geometry, grid) if ct is not None and is_hu else None
    silent = {"orientation", *OF_PLACES} if "orientation" in confirmed else ()
    found = findings(shown, hu, without=silent)
    about_ct = [*not_hu(problem), *no_abdomen(shown, hu), *orientation_of_ct(found)]
    return CaseCheck(
        organs=tuple(one for one in found if one.rule != "orientation"),
        ct=tuple(one for one in about_ct if one.rule not in confirmed),
    )


def _nearest(ct: Volume, masks: Geometry, grid: Geometry) -> npt.NDArray[Any]:
    """Take the CT's voxels nearest to those of the canonical grid; the rules smooth for themselves."""
    turned = ct.reoriented(masks.orientation)
    if not turned.geometry.same_grid(masks, MOST_OFF_VOXELS * min(masks.spacing_mm)):
        seen = f"their grid {masks.shape} is not the CT's {turned.geometry.shape}, or lies elsewhere"
        raise GridMismatchError("masks", seen, "give masks on the CT's grid")
    return np.asarray(turned.voxels[np.ix_(*nearest_voxels(masks, grid))])
