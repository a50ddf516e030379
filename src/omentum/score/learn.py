"""What do levels mean in this round? Learned from what people made of the last round's masks.

In:  an open project whose cases are not scored in this round yet; the last round's levels and revisions.
Out: the round's calibration, kept as `rounds/<n>/calibration.json`. It is made once: scoring again, or after
     a kill, goes by the same.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.measures.error_regions import error_regions
from omentum.records import Revision
from omentum.score.calibration import Calibration, Counts, read_calibration, write_calibration
from omentum.score.expected_stage import LEVELS_NAME
from omentum.score.sight import CANONICAL_MM, canonical, masks_on
from omentum.volumes.mask_files import read_masks
from omentum.volumes.masks import MaskSet
from omentum.volumes.probabilities import read_probabilities
from omentum.volumes.read import read_mask
from omentum.volumes.resample import nearest_voxels
from omentum.workspace import Workspace

__all__ = ["CALIBRATION_NAME", "counts_of", "round_calibration"]

CALIBRATION_NAME = "calibration.json"


def round_calibration(workspace: Workspace) -> Calibration:
    """Give the current round's calibration; make it where there is none.

    Raises:
        ProjectError: A calibration is damaged.
        ImageError: A revision, or the mask that was shown, cannot be read.
    """
    number = workspace.store.rounds.current().number
    path = _path(workspace, number)
    if path.exists():
        return read_calibration(path)
    before = read_calibration(_path(workspace, number - 1)) if number > 1 else read_calibration(path)
    counts = dict(before.counts)
    for revision in workspace.store.revisions.all():
        if revision.round_number == number - 1:
            found = _counts(workspace, revision)
            if found is not None:
                counts[revision.organ] = counts.get(revision.organ, Counts.none()) + found
    learned = Calibration(before.prior, counts)
    write_calibration(path, learned)
    return learned


def _path(workspace: Workspace, number: int) -> Path:
    return workspace.folder.round_dir(number) / CALIBRATION_NAME


def _counts(workspace: Workspace, revision: Revision) -> Counts | None:
    """Count an organ's levels, and where it was wrong; `None` where it was scored by another recipe."""
    levels_path = workspace.folder.attention_dir(revision.case_id) / LEVELS_NAME
    masks_path = workspace.folder.prediction_dir(revision.case_id, revision.network) / "masks.nii.gz"
    if not levels_path.exists() or not masks_path.exists():
        return None
    ct = workspace.store.cases.get(revision.case_id).geometry
    revised = read_mask(revision.path, ct).voxels > 0
    return counts_of(levels_path, read_masks(masks_path), revision.organ, revised)


def counts_of(
    levels_path: Path, shown: MaskSet, organ_name: str, revised: npt.NDArray[np.bool_]
) -> Counts | None:
    """Count the levels of an organ, and at which of them it was wrong.

    Args:
        levels_path: What `score_expected` wrote of the case.
        shown: The masks that it judged, on the CT's grid.
        organ_name: The organ.
        revised: What became of its mask, on the CT's grid `(x, y, z)`.

    Returns:
        The counts; `None` where the organ has no levels.

    Raises:
        ImageError: The levels cannot be read.
    """
    part = read_probabilities(levels_path).parts.get(organ_name)
    if part is None:
        return None
    box, levels = part
    grid = canonical(shown.geometry)
    mask = masks_on(shown, grid).mask(organ_name)[box]
    became = revised[np.ix_(*nearest_voxels(shown.geometry, grid))][box]
    wrong = error_regions(mask, became, (CANONICAL_MM,) * 3).numbers > 0
    judged = levels > 0
    return Counts.of(levels[judged], wrong[judged], grid.voxel_ml)
