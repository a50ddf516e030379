"""Check the masks of readers with the plausibility rules, beside the standing masks of the case."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from omentum.errors import ImageError
from omentum.measures.plausibility.case_check import check_case
from omentum.project.findings import confirmed_ct_rules, mask_findings
from omentum.project.read_masks import read_chosen
from omentum.project.standing import CaseFacts, standing_case
from omentum.records import LabelledCase, MaskFinding, MaskSource
from omentum.volumes.mask_files import read_masks
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti
from omentum.volumes.volume import Volume

__all__ = ["findings_of_new"]


def findings_of_new(
    facts: CaseFacts, new: Mapping[str, npt.NDArray[np.bool_]], sha256s: Mapping[str, str]
) -> dict[str, tuple[MaskFinding, ...]]:
    """Check new masks of a case as if they stood, together with the masks of the other organs that stand.

    Args:
        facts: What is known of the case.
        new: The new masks `(x, y, z)`, by organ.
        sha256s: Their hashes, by organ.

    Returns:
        What the rules say of each of the new masks, by organ. Files that are gone are left out.
    """
    masks = _standing(facts, without=new)
    for name, mask in new.items():
        masks = masks.replaced(name, mask)
    confirmed = confirmed_ct_rules(facts.confirmations).get(facts.case.case_id, frozenset())
    checked = check_case(masks, _ct(facts), confirmed=confirmed)
    found = mask_findings(checked, sha256s, facts.case.geometry)
    return {name: tuple(one for one in found if one.organ == name) for name in new}


def _ct(facts: CaseFacts) -> Volume | None:
    try:
        ct = read_nifti(facts.case.ct_path)
    except ImageError:
        return None
    return ct if ct.geometry.same_grid(facts.case.geometry) else None


def _standing(facts: CaseFacts, *, without: Mapping[str, object]) -> MaskSet:
    """Read what stands for the organs that are not new."""
    stand = [one for one in standing_case(facts).masks if one.organ not in without]
    predicted = [one.organ for one in stand if one.source is MaskSource.PREDICTED]
    masks = MaskSet.build(facts.case.geometry, (), ())
    if predicted and facts.prediction is not None and facts.prediction.masks_path.is_file():
        made = read_masks(facts.prediction.masks_path)
        masks = replace(made.only(predicted), geometry=facts.case.geometry)
    for one in stand:
        if one.source is not MaskSource.PREDICTED:
            try:
                ((_, volume),) = read_chosen(LabelledCase(case=facts.case, masks=(one,)))
            except ImageError:
                continue
            masks = masks.replaced(one.organ, volume.voxels)
    return masks
