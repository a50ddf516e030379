"""Find what is wrong with a whole CT: its values are not HU, no abdomen is in view, it is turned."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.measures.hounsfield import HuProblem
from omentum.measures.plausibility.finding import Finding
from omentum.records import WHOLE_CT, MaskFinding
from omentum.volumes.masks import MaskSet

__all__ = ["CT_RULES", "no_abdomen", "not_hu", "orientation_of_ct"]

CT_RULES: tuple[str, ...] = ("not_hu", "no_abdomen", "orientation")
"""Names of all rules about a whole CT."""
ABDOMINAL = ("liver", "spleen", "kidney_right", "kidney_left")
"""Organs of which at least one is in every view of the upper or middle abdomen."""
LEAST_ASKED = 2
LEAST_SEEN_ML = 5.0
BODY_HU = (-200.0, 300.0)
LEAST_BODY_ML = 1000.0
"""Less fat and soft tissue is no part of an adult's trunk; the rule is then not asked."""


def not_hu(problem: HuProblem | None) -> Iterator[MaskFinding]:
    """The CT's values can be Hounsfield units."""
    if problem is not None:
        said = f"its values cannot be Hounsfield units: {problem.said}"
        yield MaskFinding(organ=WHOLE_CT, rule="not_hu", said=said, severity=1.0)


def no_abdomen(masks: MaskSet, hu: npt.NDArray[Any] | None) -> Iterator[MaskFinding]:
    """A CT of a body holds some of liver, spleen or kidneys, or it is no CT of an abdomen.

    No finding where the masks hold fewer than two of these, and where there is no CT or little body in it.

    Args:
        masks: Of one case.
        hu: The CT in HU on their grid `(x, y, z)`, or `None`.
    """
    asked = [name for name in ABDOMINAL if name in masks.organs]
    if hu is None or len(asked) < LEAST_ASKED:
        return
    volumes_ml = masks.volumes_ml()
    most_ml = max(volumes_ml[name] for name in asked)
    low, high = BODY_HU
    body_ml = np.count_nonzero((hu >= low) & (hu <= high)) * masks.geometry.voxel_ml
    if most_ml >= LEAST_SEEN_ML or body_ml < LEAST_BODY_ML:
        return
    names = ", ".join(name.replace("_", " ") for name in asked)
    said = f"no abdomen is in view, or its organs were not found: none of {names} has {LEAST_SEEN_ML:g} mL"
    yield MaskFinding(organ=WHOLE_CT, rule="no_abdomen", said=said, severity=0.8)


def orientation_of_ct(found: Iterable[Finding]) -> Iterator[MaskFinding]:
    """The rule `orientation` names one organ, and means the whole CT."""
    for one in found:
        if one.rule == "orientation":
            said = one.said.removeprefix("the whole CT ")
            yield MaskFinding(organ=WHOLE_CT, rule="orientation", said=said, severity=one.severity)
