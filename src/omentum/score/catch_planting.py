"""Plant an error in a mask that a person has vouched for, and keep what a reader will be shown."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from omentum.measures.planted_errors import OrganInCt, PlantedError, ScaledSizes, plant_error
from omentum.project.catch_files import CatchFiles, new_catch_files
from omentum.project.project import Project
from omentum.project.read_masks import read_chosen
from omentum.records import (
    Case,
    LabelledCase,
    MaskSource,
    ReaderAnswer,
    Revision,
    Task,
)
from omentum.records.catch_trials import CatchTrial
from omentum.score.catch_candidates import TrialCandidate, seed_of
from omentum.score.catch_spots import spots_of_task, write_spots
from omentum.volumes.boxes import BoxedArray, BoxedMask, bounding_box, grown
from omentum.volumes.geometry import Box
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import read_masks
from omentum.volumes.mask_hash import mask_sha256
from omentum.volumes.nifti import write_nifti
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

__all__ = ["MAJOR_SHARE", "plant", "sizes_of"]

MAJOR_SHARE = 0.75
"""Share of planted errors that need a major revision; the audit counts these."""
LEAST_REVISIONS = 20
"""Revisions from which sizes of errors are drawn; with fewer they come from a table."""
_BESIDE_MM = 40.0


def sizes_of(revisions: Sequence[Revision], organ_name: str) -> ScaledSizes:
    """Give the volumes that readers corrected in an organ; none, for the table, where too few did."""
    own = [
        one
        for one in revisions
        if one.organ == organ_name
        and one.says is ReaderAnswer.REVISED
        and one.base_source is MaskSource.PREDICTED
        and one.added_ml is not None
        and one.removed_ml is not None
    ]
    if len(own) < LEAST_REVISIONS:
        return ScaledSizes()
    return ScaledSizes(
        added_ml=tuple(one.added_ml for one in own if one.added_ml),
        removed_ml=tuple(one.removed_ml for one in own if one.removed_ml),
    )


def plant(
    project: Project, candidate: TrialCandidate, like: Task, sizes: ScaledSizes, round_number: int
) -> CatchTrial | None:
    """Plant an error, and write the files of the trial.

    Args:
        project: The project.
        candidate: The mask.
        like: A real task of the organ, whose hot spots the trial's are like.
        sizes: From which the error's volume is drawn.
        round_number: Of the trial.

    Returns:
        The trial, without a task; `None` where no error fits the organ.

    Raises:
        ImageError: The CT or the mask cannot be read.
    """
    seed = seed_of(project, round_number, candidate.key)
    rng = np.random.default_rng(seed)
    is_major = bool(rng.random() < MAJOR_SHARE)
    true, limit = _true_mask(candidate), organ(candidate.mask.organ).major_below_dice
    box = _box_around(true, candidate.case)
    if box is None:
        return None
    planted = plant_error(_in_ct(candidate, true, box), sizes, limit, rng, is_major=is_major)
    if planted is None:
        return None
    shown = BoxedArray(box, planted.mask).tight()
    if shown is None:
        return None
    files = new_catch_files(project.folder, candidate.case.case_id, seed)
    sha256 = _written(files, candidate.case, true, shown)
    write_spots(files, shown, spots_of_task(project, like), candidate.case.geometry, rng)
    return _trial(candidate, planted, box, files, (sha256, mask_sha256(true, candidate.case.geometry), seed))


def _trial(
    candidate: TrialCandidate, planted: PlantedError, box: Box, files: CatchFiles, made: tuple[str, str, int]
) -> CatchTrial:
    sha256, true_sha256, seed = made
    at = [middle + part.start for middle, part in zip(planted.centre_voxel, box, strict=True)]
    x, y, z = candidate.case.geometry.to_mm(at).tolist()
    return CatchTrial(
        task_number=0,
        case_id=candidate.case.case_id,
        organ=candidate.mask.organ,
        path=files.shown,
        planted_sha256=sha256,
        true_sha256=true_sha256,
        kind=planted.kind,
        error_ml=planted.error_ml,
        is_major=planted.is_major,
        centre_mm=(x, y, z),
        seed=seed,
        time=datetime.now(UTC),
    )


def _true_mask(candidate: TrialCandidate) -> npt.NDArray[np.bool_]:
    ((_, volume),) = read_chosen(LabelledCase(case=candidate.case, masks=(candidate.mask,)))
    return np.asarray(volume.voxels, dtype=bool)


def _box_around(true: npt.NDArray[np.bool_], case: Case) -> Box | None:
    box = bounding_box(true)
    margin = int(np.ceil(_BESIDE_MM / min(case.geometry.spacing_mm)))
    return None if box is None else grown(box, margin, true.shape)


def _in_ct(candidate: TrialCandidate, true: npt.NDArray[np.bool_], box: Box) -> OrganInCt:
    made = read_masks(candidate.prediction.masks_path)
    index = organ(candidate.mask.organ).index
    is_other = np.array([any(one != index for one in members) for members in made.sets])
    ct = read_ct(candidate.case.ct_path)
    return OrganInCt(
        mask=true[box],
        others=is_other[made.codes[box]],
        hu=ct.voxels[box],
        spacing_mm=candidate.case.geometry.spacing_mm,
    )


def _written(files: CatchFiles, case: Case, true: npt.NDArray[np.bool_], shown: BoxedMask) -> str:
    """Write both masks; give the hash of the one that is shown."""
    mask = np.zeros(true.shape, dtype=bool, order="F")
    shown.put(mask)
    write_nifti(files.true, Volume(true, case.geometry))
    write_nifti(files.shown, Volume(mask, case.geometry))
    return mask_sha256(mask, case.geometry)
