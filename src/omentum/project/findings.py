"""Turn what the plausibility rules say of a case into the findings that the database keeps.

In:  a look at one case (`measures.plausibility`), the hashes of its masks, the CT's grid.
Out: `MaskFinding`, of single organs first, then of the whole CT; which rules about CTs people confirmed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np

from omentum.measures.canonical_grid import canonical
from omentum.measures.plausibility.case_look import CaseLook
from omentum.records import WHOLE_CT, Confirmation, MaskFinding
from omentum.volumes.geometry import Geometry

__all__ = ["confirmed_ct_rules", "mask_findings"]


def mask_findings(
    look: CaseLook, organ_sha256s: Mapping[str, str], geometry: Geometry
) -> tuple[MaskFinding, ...]:
    """Give what is kept of a look at one case.

    Args:
        look: What the rules say.
        organ_sha256s: Hash of each organ's mask, by organ; of one that is not there, it is not known.
        geometry: The grid of the masks that were looked at.

    Returns:
        The expected volume of error, in mL, is that of the voxels which a rule marked, times how sure it is
        and how much of them is wrong then.
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
        for one in look.organs
    ]
    of_ct = [
        MaskFinding(organ=WHOLE_CT, rule=one.rule, said=one.said, severity=one.severity) for one in look.ct
    ]
    return (*of_organs, *of_ct)


def confirmed_ct_rules(confirmations: Iterable[Confirmation]) -> dict[str, frozenset[str]]:
    """Give the rules about a whole CT that a person confirmed, by case."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in confirmations:
        if one.organ == WHOLE_CT:
            found[one.case_id].add(one.rule)
    return {case_id: frozenset(rules) for case_id, rules in found.items()}
