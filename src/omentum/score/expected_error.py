"""Estimate where a mask is wrong and by how much: scoring `expected-error`, on arrays.

An error lies deeper than 3 mm from the true surface, in a region of at least 0.5 mL. Revisions change how
much is expected to be wrong at a hot spot, and may add hot spots, but remove none: else a project where
nearly all is right would have no place left to look at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from omentum.measures.plausibility.finding import Finding
from omentum.measures.plausibility.rules import findings
from omentum.score.calibration import Calibration
from omentum.score.error_model import ErrorModel
from omentum.score.hot_spots import joined
from omentum.score.scoring_grid import GriddedCase, voxel_owners
from omentum.score.voxel_features import VoxelFeatures, organ_features
from omentum.volumes.boxes import joint_box, shifted
from omentum.volumes.geometry import Box

__all__ = ["ExpectedError", "HotSpot", "expected_errors"]

Reals = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HotSpot:
    """A hot spot: pieces that are not far apart.

    Attributes:
        number: Its number in `ExpectedError.spots_map`.
        error_ml: Expected error volume in it.
    """

    number: int
    volume_ml: float
    error_ml: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExpectedError:
    """The expected errors of one organ.

    Attributes:
        organ: Its name.
        box: Part of the canonical grid.
        levels: Of the error model, uint8 in the box; 0 where nothing can be wrong.
        where: Voxels that have a level.
        probability: Of an error, float32 in the box.
        spots_map: Number of the hot spot that a voxel belongs to, 0 elsewhere.
        spots: Hot spots by falling expected error.
        error_ml: Expected error volume of the whole organ.
        dice_loss: Expected 1 - Dice.
        findings: Of the plausibility rules.
    """

    organ: str
    box: Box
    levels: Bytes
    where: Mask
    probability: Reals
    spots_map: npt.NDArray[np.int32]
    spots: tuple[HotSpot, ...]
    error_ml: float
    dice_loss: float
    findings: tuple[Finding, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The findings in words, each once."""
        return tuple(dict.fromkeys(one.said for one in self.findings))


def expected_errors(
    gridded: GriddedCase, organs: Sequence[str], model: ErrorModel, calibration: Calibration
) -> Iterator[ExpectedError]:
    """Estimate the errors of each organ, one at a time.

    Yields:
        One an organ; an organ without a mask, a probability or a finding is left out.
    """
    owners = voxel_owners(gridded)
    found = findings(gridded.masks, gridded.hu)
    for name in organs:
        features = organ_features(gridded, name, owners)
        own = [one for one in found if one.organ == name]
        if features is not None or own:
            yield _expected(gridded, name, features, own, model, calibration)


def _expected(
    gridded: GriddedCase,
    name: str,
    features: VoxelFeatures | None,
    own: Sequence[Finding],
    model: ErrorModel,
    calibration: Calibration,
) -> ExpectedError:
    box = joint_box([features.box if features else None, *(one.box for one in own)])
    assert box is not None
    shape = [side.stop - side.start for side in box]
    levels, where = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=bool)
    probability, mask = np.zeros(shape, dtype=np.float32), gridded.masks.mask_in(name, box)
    worth = np.zeros(shape, dtype=np.float32)
    if features is not None:
        part = shifted(features.box, box, sign=-1)
        of_rows = model.levels(features.rows, name)
        levels[part], where[part] = features.spread(of_rows), features.where
        now, before = calibration.table(name), calibration.unlearned().table(name)
        probability[part] = features.spread(now[of_rows])
        worth[part] = features.spread(np.maximum(now, before)[of_rows])
    flagged = worth > calibration.prior.flag_over
    for one in own:
        part = shifted(one.box, box, sign=-1)
        learned = calibration.rule_probability(name, one.rule, one.severity)
        for of_any, sure in ((probability[part], learned), (worth[part], max(learned, one.severity))):
            of_any[one.where] = np.maximum(of_any[one.where], sure * one.share)
        flagged[part] |= one.where
    voxel_ml = gridded.geometry.voxel_ml
    least_ml = calibration.prior.least_error_ml
    spots_map, spots = _spots(flagged, worth, probability, voxel_ml, least_ml)
    wrong_inside = float(probability[mask].sum(dtype=np.float64)) * voxel_ml
    wrong_outside = float(probability[~mask].sum(dtype=np.float64)) * voxel_ml
    return ExpectedError(
        organ=name,
        box=box,
        levels=levels,
        where=where,
        probability=probability,
        spots_map=spots_map,
        spots=spots,
        error_ml=wrong_inside + wrong_outside,
        dice_loss=_dice_loss(float(np.count_nonzero(mask)) * voxel_ml, wrong_inside, wrong_outside),
        findings=tuple(own),
    )


def _spots(
    flagged: Mask, worth: Reals, probability: Reals, voxel_ml: float, least_ml: float
) -> tuple[npt.NDArray[np.int32], tuple[HotSpot, ...]]:
    """Number the regions that are worth a look by falling expected error; neighbours are one."""
    numbers = joined(flagged)[flagged]
    volumes_ml = np.bincount(numbers) * voxel_ml
    worths_ml, errors_ml = (np.bincount(numbers, of[flagged]) * voxel_ml for of in (worth, probability))
    kept = [int(k) for k in np.argsort(-errors_ml, kind="stable") if k > 0 and worths_ml[k] >= least_ml]
    renumbered = np.zeros(len(volumes_ml) + 1, dtype=np.int32)
    renumbered[kept] = np.arange(1, len(kept) + 1)
    spots_map = np.zeros(flagged.shape, dtype=np.int32)
    spots_map[flagged] = renumbered[numbers]
    spots = tuple(
        HotSpot(number=n, volume_ml=float(volumes_ml[k]), error_ml=float(errors_ml[k]))
        for n, k in enumerate(kept, start=1)
    )
    return spots_map, spots


def _dice_loss(mask_ml: float, wrong_inside_ml: float, wrong_outside_ml: float) -> float:
    """Give 1 - Dice of a mask, given its volume and the volumes wrongly inside and outside of it.

    Example:
        >>> _dice_loss(0.0, 0.0, 0.0), _dice_loss(10.0, 0.0, 0.0), _dice_loss(0.0, 0.0, 5.0)
        (0.0, 0.0, 1.0)
    """
    both_ml = 2 * mask_ml - wrong_inside_ml + wrong_outside_ml
    return (wrong_inside_ml + wrong_outside_ml) / both_ml if both_ml > 0 else 0.0
