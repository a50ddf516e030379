"""Fit a round's calibration to the last round's revisions, once, as `rounds/<n>/calibration.json`."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.measures.canonical_grid import CANONICAL_MM, canonical, masks_on
from omentum.measures.error_regions import error_regions
from omentum.project.project import Project
from omentum.records import MaskSource, Revision
from omentum.score.calibration import Calibration, LevelCounts, read_calibration, write_calibration
from omentum.score.expected_error_case import LEVELS_NAME
from omentum.score.published_case import HOT_SPOTS_NAME
from omentum.volumes.mask_files import read_masks
from omentum.volumes.masks import MaskSet
from omentum.volumes.probabilities import read_probabilities
from omentum.volumes.resample import nearest_voxels
from omentum.volumes.segmentations import read_mask

__all__ = ["CALIBRATION_NAME", "counts_of", "round_calibration"]

CALIBRATION_NAME = "calibration.json"


def round_calibration(project: Project) -> Calibration:
    """Give the current round's calibration; make it where there is none.

    Raises:
        ProjectError: A calibration is damaged.
        ImageError: A revision, or the mask that was shown, cannot be read.
    """
    number = project.store.rounds.current().number
    path = _path(project, number)
    if path.exists():
        return read_calibration(path)
    before = read_calibration(_path(project, number - 1)) if number > 1 else read_calibration(path)
    counts = dict(before.counts)
    for revision in _standing(project):
        if revision.round_number == number - 1 and revision.network:
            found = _counts(project, revision)
            if found is not None:
                counts[revision.organ] = counts.get(revision.organ, LevelCounts.none()) + found
    learned = Calibration(before.prior, counts)
    if path.exists():  # another program was faster, and may have written levels of this round since
        return read_calibration(path)
    write_calibration(path, learned)
    return learned


def _standing(project: Project) -> list[Revision]:
    """Give the revisions that stand, in the order in which they were handed in."""
    found = [
        mask.revision
        for one in project.standing()
        for mask in one.masks
        if mask.source is MaskSource.REVISED and mask.revision is not None
    ]
    return sorted(found, key=lambda one: one.number or 0)


def _path(project: Project, number: int) -> Path:
    return project.folder.round_dir(number) / CALIBRATION_NAME


def _counts(project: Project, revision: Revision) -> LevelCounts | None:
    """Count an organ's levels, and where it was wrong; `None` where it has another scoring."""
    attention_dir = project.folder.attention_dir(revision.case_id)
    masks_path = project.folder.prediction_dir(revision.case_id, revision.network) / "masks.nii.gz"
    if not (attention_dir / LEVELS_NAME).exists() or not masks_path.exists():
        return None
    ct = project.store.cases.get(revision.case_id).geometry
    revised = read_mask(revision.path, ct).voxels > 0
    return counts_of(attention_dir, read_masks(masks_path), revision.organ, revised)


def counts_of(
    attention_dir: Path, shown: MaskSet, organ_name: str, revised: npt.NDArray[np.bool_]
) -> LevelCounts | None:
    """Count the levels of an organ, the errors at each, and the rules that were right.

    A rule was right if there was an error region where it had a finding.

    Args:
        attention_dir: What `score_expected_error_case` wrote of the case.
        shown: The masks that it judged, on the CT's grid.
        organ_name: The organ.
        revised: The revision, on the CT's grid `(x, y, z)`.

    Returns:
        The counts; `None` where the organ has no levels.

    Raises:
        ImageError: The levels cannot be read.
    """
    part = read_probabilities(attention_dir / LEVELS_NAME).parts.get(organ_name)
    if part is None:
        return None
    box, levels = part
    grid = canonical(shown.geometry)
    mask = masks_on(shown, grid).mask(organ_name)[box]
    lines = [line[side] for line, side in zip(nearest_voxels(shown.geometry, grid), box, strict=True)]
    became = revised[np.ix_(*lines)]
    wrong = error_regions(mask, became, (CANONICAL_MM,) * 3).numbers > 0
    judged = levels > 0
    counts = LevelCounts.of(levels[judged], wrong[judged], grid.voxel_ml)
    return replace(counts, rules=_rules(attention_dir / HOT_SPOTS_NAME, organ_name, wrong, lines))


def _rules(
    path: Path, organ_name: str, wrong: npt.NDArray[np.bool_], lines: Sequence[npt.NDArray[np.intp]]
) -> dict[str, tuple[int, int]]:
    """Count, of each rule with a finding in an organ, whether it was right, and one finding."""
    if not path.exists():
        return {}
    rows = json.loads(path.read_text(encoding="utf-8"))["organs"]
    right: dict[str, bool] = {}
    for said in (one for row in rows if row["organ"] == organ_name for one in row.get("rules", ())):
        limits = zip(lines, said["low_voxel"], said["high_voxel"], strict=True)
        where = np.ix_(*((line >= low) & (line <= high) for line, low, high in limits))
        right[said["rule"]] = bool(wrong[where].any()) or right.get(said["rule"], False)
    return {rule: (int(was_right), 1) for rule, was_right in right.items()}
