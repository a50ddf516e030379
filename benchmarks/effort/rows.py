"""What is a cohort to a queue, and what to a reader? From predictions to rows.

In:  cases with predictions and truth.
Out: scores by both recipes; error regions, and which of them each hot spot touches.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from attention.cohort import CohortCase
from attention.on_disk import on_disk
from effort.cohort import NINE
from effort.reader import Cohort, Row
from omentum.measures.error_regions import error_regions
from omentum.records import CaseScore
from omentum.score.calibration import Calibration, shipped_prior
from omentum.score.expected_stage import score_expected
from omentum.score.stage import HOT_SPOTS_NAME, heat_path, score_case
from omentum.volumes.geometry import Box
from omentum.volumes.labels import organ
from omentum.volumes.nifti import read_nifti

__all__ = ["cohorts_of"]

Spot = tuple[str, Box, npt.NDArray[np.bool_]]
"""An organ; a box of the CT's grid, and the voxels in it that the reader is shown."""


def cohorts_of(cases: Iterable[Mapping[str, CohortCase]]) -> dict[str, Cohort]:
    """Make a cohort for each round of what its cases are in each."""
    scored = [{name: _scored(one) for name, one in by_round.items()} for by_round in cases]
    return {name: _together([by_round[name] for by_round in scored]) for name in scored[0]}


def _together(parts: Sequence[Cohort]) -> Cohort:
    return Cohort(
        expected=tuple(one for part in parts for one in part.expected),
        published=tuple(one for part in parts for one in part.published),
        rows={key: row for part in parts for key, row in part.rows.items()},
    )


def _scored(one: CohortCase) -> Cohort:
    """Score one case by both recipes, and see where its masks are wrong."""
    with TemporaryDirectory() as name:
        folder, attention_dir = Path(name), Path(name) / "expected"
        case, predictions = on_disk(one, folder)
        published = score_case(case, predictions, NINE, folder / "published")
        expected = score_expected(case, predictions, NINE, attention_dir, Calibration(shipped_prior()))
        spots = list(_spots(attention_dir))
    rows = {}
    for organ_name in NINE:
        true = one.labels == organ(organ_name).index
        wrong = error_regions(one.masks[0].mask(organ_name), true, case.geometry.spacing_mm)
        touches = tuple(_touched(wrong.numbers[box][shown]) for of, box, shown in spots if of == organ_name)
        rows[case.case_id, organ_name] = Row(regions_ml=wrong.volumes_ml, touches=touches)
    _check(expected, rows)
    return Cohort(expected=(expected,), published=(published,), rows=rows)


def _touched(numbers: npt.NDArray[np.integer]) -> tuple[int, ...]:
    """Name regions, from 0, of which a voxel is shown."""
    return tuple(int(number) - 1 for number in np.unique(numbers) if number)


def _spots(attention_dir: Path) -> Iterator[Spot]:
    """Give the hot spots of a case in the order of the file: where attention is in the box of each."""
    described = json.loads((attention_dir / HOT_SPOTS_NAME).read_text(encoding="utf-8"))
    heats = {}
    for spot in described["hot_spots"]:
        of = spot["organ"]
        if of not in heats:
            heats[of] = read_nifti(heat_path(attention_dir, of)).voxels
        x, y, z = (
            slice(low, high + 1) for low, high in zip(spot["low_voxel"], spot["high_voxel"], strict=True)
        )
        yield of, (x, y, z), heats[of][x, y, z] > 0


def _check(score: CaseScore, rows: dict[tuple[str, str], Row]) -> None:
    """See that hot spots are those that the score speaks of."""
    for one in score.organs:
        shown = len(rows[score.case_id, one.organ].touches)
        assert shown == len(one.spots_ml), (score.case_id, one.organ, shown, len(one.spots_ml))
