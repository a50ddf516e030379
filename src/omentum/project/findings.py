"""Convert the result of the plausibility rules for a case to the findings that the database keeps."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from omentum.measures.canonical_grid import canonical
from omentum.measures.plausibility.case_check import CaseCheck
from omentum.records import WHOLE_CT, Confirmation, MaskFinding
from omentum.volumes.geometry import Geometry

__all__ = ["confirmed_ct_rules", "mask_findings"]


def mask_findings(
    checked: CaseCheck, organ_sha256s: Mapping[str, str], geometry: Geometry
) -> tuple[MaskFinding, ...]:
    """Give the findings of one case: of single organs first, then of the whole CT.

    Args:
        checked: What the rules say.
        organ_sha256s: Hash of each organ's mask, by organ, where it is known.
        geometry: The grid of the masks.

    Returns:
        Findings whose `error_ml` is the volume of the voxels that a rule marked, times its severity and the
        share of them that is wrong then.
    """
    voxel_ml = canonical(geometry).voxel_ml
    of_organs = [
        MaskFinding(
            organ=one.organ,
            rule=one.rule,
            said=one.said,
            severity=one.severity,
            holds=one.holds,
            error_ml=one.severity * one.share * np.count_nonzero(one.where) * voxel_ml,
            mask_sha256=organ_sha256s.get(one.organ, ""),
        )
        for one in checked.organs
    ]
    return (*of_organs, *checked.ct)


def confirmed_ct_rules(confirmations: Iterable[Confirmation]) -> dict[str, frozenset[str]]:
    """Give the rules about a whole CT that a person confirmed, by case."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in confirmations:
        if one.organ == WHOLE_CT:
            found[one.case_id].add(one.rule)
    return {case_id: frozenset(rules) for case_id, rules in found.items()}
