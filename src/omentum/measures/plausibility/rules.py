"""Ask all plausibility rules which masks of a case can hardly be right, and why."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy.typing as npt

from omentum.errors import ConfigError
from omentum.measures.plausibility.density import density
from omentum.measures.plausibility.finding import Finding
from omentum.measures.plausibility.orientation import orientation
from omentum.measures.plausibility.positions import far_piece, missing, wrong_place
from omentum.measures.plausibility.rule_input import RuleInput, rule_input
from omentum.measures.plausibility.sides import swapped_sides, wrong_side
from omentum.measures.plausibility.size import extreme_volume, holes, pieces, volume
from omentum.measures.plausibility.truncation import cut_plane
from omentum.volumes.masks import MaskSet

__all__ = ["OF_PLACES", "RULES", "findings"]

_RULES: dict[str, Callable[[RuleInput], Iterator[Finding]]] = {
    "orientation": orientation,
    "swapped_sides": swapped_sides,
    "wrong_side": wrong_side,
    "wrong_place": wrong_place,
    "far_piece": far_piece,
    "missing": missing,
    "volume": volume,
    "extreme_volume": extreme_volume,
    "pieces": pieces,
    "holes": holes,
    "density": density,
    "cut_plane": cut_plane,
}
OF_PLACES = frozenset({"swapped_sides", "wrong_side", "wrong_place", "far_piece", "missing"})
"""Rules that compare places; where the whole CT is turned they would name every organ."""

RULES: tuple[str, ...] = tuple(_RULES)
"""Names of all rules."""


def findings(
    masks: MaskSet, hu: npt.NDArray[Any] | None = None, *, without: Collection[str] = ()
) -> list[Finding]:
    """Find what can hardly be right.

    Args:
        masks: Of one case, on any grid; an organ that they do not speak of is unknown, not missing.
        hu: The CT on the same grid `(x, y, z)`, in HU; rules that need it are silent without.
        without: Names of rules to leave out.

    Raises:
        ConfigError: `without` names no rule.

    Example:
        >>> import numpy as np
        >>> from omentum.volumes.geometry import Geometry
        >>> voxels = np.zeros((30, 30, 30), dtype=np.uint8)
        >>> voxels[10:20, 10:20, 10:20] = 6
        >>> masks = MaskSet.from_labels(voxels, Geometry(voxels.shape, np.eye(4)), ["liver"])
        >>> [str(one) for one in findings(masks)]
        ['liver: too small, 1 mL, at most a tenth of the usual 1521 mL']
    """
    unknown = sorted(set(without) - set(RULES))
    if unknown:
        raise ConfigError("without", unknown[0], f"it must be one of {', '.join(RULES)}")
    case = rule_input(masks, hu)
    found: list[Finding] = []
    silent = set(without)
    for name, rule in _RULES.items():
        if name not in silent:
            found += rule(case)
        if name == "orientation" and found:
            silent |= OF_PLACES
    return found
