"""Find the masks that a reader changed in `labels.nii.gz`, compared with the exported map."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.errors import LabelValueError, ReviewError
from omentum.project.project import Project
from omentum.project.standing import CaseFacts, facts_of_case
from omentum.records import MaskSource
from omentum.review.shown_masks import find_base, shown_masks
from omentum.review.task_file import TaskFile
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.mask_files import read_masks
from omentum.volumes.masks import MaskSet
from omentum.volumes.segmentations import read_mask

__all__ = ["exported_masks", "painted_masks"]


def exported_masks(project: Project, facts: CaseFacts, task_file: TaskFile) -> MaskSet:
    """Give the masks that `labels.nii.gz` of a folder was painted of, from the same files as then.

    Raises:
        ReviewError: The network's masks are gone or have changed since, or a mask that a person drew is gone.
    """
    case_id = facts.case.case_id
    prediction = facts_of_case(project, case_id, network=task_file.network).prediction
    if prediction is None or not prediction.masks_path.is_file():
        raise ReviewError(f"the masks of {task_file.network} that it was painted of are gone")
    now = prediction.masks_sha256 or file_sha256(prediction.masks_path)
    if task_file.masks_sha256 is not None and now != task_file.masks_sha256:
        raise ReviewError(f"{task_file.network} has predicted the case again since it was exported")
    planted = {one.planted_sha256 for one in project.store.catch_trials.of_case(case_id)}
    drawn: dict[str, npt.NDArray[np.bool_]] = {}
    for name, shown in task_file.organs.items():
        is_drawn = shown.base_source in (MaskSource.ORIGINAL, MaskSource.REVISED)
        if shown.base_sha256 is not None and (is_drawn or shown.base_sha256 in planted):
            base = find_base(project, facts, name, shown.base_sha256)
            if base is None:
                raise ReviewError(f"the mask of {name} that it shows is gone")
            drawn[name] = base.mask
    return shown_masks(read_masks(prediction.masks_path), drawn)


def painted_masks(path: Path, facts: CaseFacts, exported: MaskSet) -> Mapping[str, npt.NDArray[np.bool_]]:
    """Give the mask of each organ that a reader changed in a label map; empty where none was.

    A mask is what it was, with the visible voxels that were painted and without those that were erased. A
    tumour painted onto its organ takes nothing away from that.

    Args:
        path: The label map, of 32-class indices.
        facts: Of its case.
        exported: The masks that it was painted of.

    Raises:
        ImageError: It cannot be used.
    """
    labels = read_mask(path, facts.case.geometry).voxels
    before = exported.painted()
    touched = labels != before
    indices = sorted({*np.unique(labels[touched]).tolist(), *np.unique(before[touched]).tolist()} - {0})
    if unknown := [index for index in indices if index > len(ORGANS)]:
        raise LabelValueError(
            path, f"it holds the value {unknown[0]}", f"labels of organs run from 1 to {len(ORGANS)}"
        )
    return {organ(index).name: _became(index, labels, before, exported) for index in indices}


def _became(
    index: int, labels: npt.NDArray[np.uint8], before: npt.NDArray[np.uint8], exported: MaskSet
) -> npt.NDArray[np.bool_]:
    name = organ(index).name
    inside = [row.index for row in ORGANS if name in row.hosts]
    erased = (before == index) & (labels != index) & ~np.isin(labels, inside)
    mask = exported.mask(name) if name in exported.organs else np.zeros(labels.shape, dtype=bool)
    return np.asarray((mask | (labels == index)) & ~erased)
