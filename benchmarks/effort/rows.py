"""What is a cohort to a queue, and what to a reader? From predictions to rows.

In:  cases with predictions and truth.
Out: scores by both recipes; error regions, and which of them each hot spot touches.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from effort.cohort import NINE, Predicted
from effort.reader import Cohort, Row
from effort.regions import error_regions
from omentum.records import CaseScore
from omentum.score.calibration import Calibration, shipped_prior
from omentum.score.expected_stage import score_expected
from omentum.score.stage import HOT_SPOTS_NAME, heat_path, score_case
from omentum.volumes.geometry import Box
from omentum.volumes.mask_files import read_masks
from omentum.volumes.nifti import read_nifti

__all__ = ["cohort_of", "scored"]

Spot = tuple[str, Box, npt.NDArray[np.bool_]]
"""An organ; a box of the CT's grid, and the voxels in it that the reader is shown."""


def scored(one: Predicted, attention_dir: Path) -> CaseScore:
    """Score a case by recipe `expected-error`; `attention_dir` gets its maps and hot spots."""
    return score_expected(one.case, one.predictions, NINE, attention_dir, Calibration(shipped_prior()))


def cohort_of(cases: Iterable[Predicted]) -> Cohort:
    """Score every case by both recipes, and see where its masks are wrong."""
    expected, published, rows = [], [], {}
    for one in cases:
        case_id = one.case.case_id
        with TemporaryDirectory() as folder:
            published.append(score_case(one.case, one.predictions, NINE, Path(folder) / "published"))
            expected.append(scored(one, Path(folder)))
            spots = list(_spots(Path(folder)))
        masks = read_masks(one.predictions[0].masks_path)
        for organ in NINE:
            wrong = error_regions(masks.mask(organ), one.truth.mask(organ), one.case.geometry)
            touches = tuple(wrong.touched(box, shown) for name, box, shown in spots if name == organ)
            rows[case_id, organ] = Row(regions_ml=wrong.volumes_ml, touches=touches)
        _check(expected[-1], rows)
    return Cohort(expected=tuple(expected), published=tuple(published), rows=rows)


def _spots(attention_dir: Path) -> Iterator[Spot]:
    """Give the hot spots of a case in the order of the file: where attention is in the box of each."""
    described = json.loads((attention_dir / HOT_SPOTS_NAME).read_text(encoding="utf-8"))
    heats = {}
    for spot in described["hot_spots"]:
        organ = spot["organ"]
        if organ not in heats:
            heats[organ] = read_nifti(heat_path(attention_dir, organ)).voxels
        x, y, z = (
            slice(low, high + 1) for low, high in zip(spot["low_voxel"], spot["high_voxel"], strict=True)
        )
        yield organ, (x, y, z), heats[organ][x, y, z] > 0


def _check(score: CaseScore, rows: dict[tuple[str, str], Row]) -> None:
    """See that hot spots are those that the score speaks of."""
    for organ in score.organs:
        shown = len(rows[score.case_id, organ.organ].touches)
        assert shown == len(organ.spots_ml), (score.case_id, organ.organ, shown, len(organ.spots_ml))
