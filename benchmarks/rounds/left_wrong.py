"""What is still wrong in a project whose truth is known? Masks that stand, and the network in use.

In:  a project after a round, and the true labels.
Out: error volume and the share of organs that need a major revision, by the audit's own rule, over all cases
     that are learned from; Dice of the network in use on held-out patients.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from effort.regions import regions_of
from omentum.evaluate.agreement import OrganAgreement, compare_case
from omentum.evaluate.summary import summarised
from omentum.measures.overlap import dice
from omentum.project.project import Project
from omentum.project.read_masks import read_chosen
from omentum.records import LabelledCase, MaskSource
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import read_masks
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti

__all__ = ["LeftWrong", "left_wrong", "true_mask"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftWrong:
    """What a release would hold now.

    Attributes:
        error_ml: Volume of all error regions.
        major_share: Share of the organs that need a major revision.
        dice: Of the network in use, on held-out patients; the mean over organs.
    """

    error_ml: float
    major_share: float
    dice: float


def true_mask(cohort: Path, case_id: str, name: str) -> Mask:
    """Read one organ's true mask, on the CT's grid."""
    labels = read_nifti(cohort / case_id / "labels.nii.gz").voxels
    return np.asarray(labels == organ(name).index)


def left_wrong(project: Project, cohort: Path) -> LeftWrong:
    """Compare all that stands with the truth."""
    errors_ml: list[float] = []
    majors: list[bool] = []
    agreements: list[OrganAgreement] = []
    for one in project.standing():
        labels = read_nifti(cohort / one.case.case_id / "labels.nii.gz")
        predicted = read_masks(project.predictions(project.networks[0])[one.case.case_id].masks_path)
        if one.case.held_out:
            truth = MaskSet.from_labels(labels.voxels, labels.geometry, predicted.organs)
            agreements += compare_case(one.case.case_id, predicted, truth)
            continue
        for name, mask in _as_it_stands(one, predicted):
            true = labels.voxels == organ(name).index
            errors_ml.append(sum(regions_of(mask, true, labels.geometry)[0]))
            agreed = dice(mask, true)
            majors.append(agreed is not None and agreed < organ(name).major_below_dice)
    mean_dice = summarised(agreements).dice
    assert mean_dice is not None
    return LeftWrong(error_ml=sum(errors_ml), major_share=float(np.mean(majors)), dice=mean_dice)


def _as_it_stands(one: LabelledCase, predicted: MaskSet) -> Iterator[tuple[str, Mask]]:
    """Give each organ as revised, or as predicted; one that is held back is still as predicted."""
    revised = tuple(mask for mask in one.masks if mask.source is MaskSource.REVISED)
    chosen = {mask.organ: volume.voxels for mask, volume in read_chosen(replace(one, masks=revised))}
    for name in predicted.organs:
        yield name, np.asarray(chosen[name] if name in chosen else predicted.mask(name), dtype=bool)
