"""What is a cohort to a queue, and what to a reader? From predictions to rows.

In:  the number of a cohort, with predictions and truth.
Out: scores by both scorings; error regions, and which of them each hot spot touches. What a project has
     learned before a late round: what other patients' revisions taught in a round before.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from attention.cohort import CohortCase, on_disk
from effort.cohort import LATE_NUMBER, NINE, cohort
from effort.reader import Cohort, Row
from effort.regions import regions_of
from omentum.measures.effort import CostModel
from omentum.records import Case, CaseScore, Prediction
from omentum.score.calibration import Calibration, LevelCounts, shipped_prior
from omentum.score.expected_error_case import score_expected_error_case
from omentum.score.fit_calibration import counts_of
from omentum.score.published_case import HOT_SPOTS_NAME, heat_path, score_published_case
from omentum.score.task_selection import planned
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.labels import organ
from omentum.volumes.nifti import read_nifti

__all__ = ["MINUTES_BEFORE", "Scored", "learned", "scored"]

MINUTES_BEFORE = 3.0
"""Minutes a case that the round before had."""

Key = tuple[str, str]
"""A case and an organ."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """A cohort, and what scoring it anew takes.

    Attributes:
        cohort: Scored by what ships, before anything was revised.
        counts: What revising an organ of a case would teach.
        seen: Each case with its predictions, as files.
        wrong: Of each organ of each case with an error, the numbers of its error regions, from 1.
    """

    cohort: Cohort
    counts: Mapping[Key, LevelCounts]
    seen: tuple[tuple[Case, list[Prediction]], ...]
    wrong: Mapping[Key, BoxedArray]


def scored(number: int, n_cases: int, name: str, folder: Path) -> Scored:
    """Score a cohort as a round leaves it, by what ships; its files go below `folder`."""
    return _together([_scored(one, folder / one.name) for one in cohort(number, n_cases, name)])


def learned(one: Scored, before: Scored) -> Cohort:
    """Score a cohort anew after the round before, in which our queue of another cohort was worked off."""
    minutes = MINUTES_BEFORE * len(before.seen)
    counts: dict[str, LevelCounts] = {}
    for task in planned(before.cohort.expected, CostModel(), minutes):
        name = task.organ.organ
        more = before.counts.get((task.case_id, name))
        if more is not None:
            counts[name] = counts.get(name, LevelCounts.none()) + more
    calibration = Calibration(shipped_prior(), counts)
    expected, rows = [], {}
    for case, predictions in one.seen:
        with TemporaryDirectory() as name:
            expected.append(score_expected_error_case(case, predictions, NINE, Path(name), calibration))
            rows |= _rows(expected[-1], Path(name), one)
    return replace(
        one.cohort, expected=tuple(expected), rows=rows, before=one.cohort, round_number=LATE_NUMBER
    )


def _rows(score: CaseScore, attention_dir: Path, of: Scored) -> dict[Key, Row]:
    """See which error regions the hot spots of a case touch now."""
    touches: dict[str, list[tuple[int, ...]]] = {one.organ: [] for one in score.organs}
    described = json.loads((attention_dir / HOT_SPOTS_NAME).read_text(encoding="utf-8"))
    for spot in described["hot_spots"]:
        name, heat = spot["organ"], read_nifti(heat_path(attention_dir, spot["organ"])).voxels
        low, high = spot["low_voxel"], spot["high_voxel"]
        box = tuple(slice(first, last + 1) for first, last in zip(low, high, strict=True))
        numbers = np.zeros(heat.shape, dtype=np.int32)
        wrong = of.wrong.get((score.case_id, name))
        if wrong is not None:
            numbers[wrong.box] = wrong.values
        touched = np.unique(numbers[box][heat[box] > 0])
        touches[name].append(tuple(int(number) - 1 for number in touched if number))
    for one in score.organs:  # hot spots are those that the score speaks of
        assert len(touches[one.organ]) == len(one.spots_ml), (score.case_id, one)
    rows = {(score.case_id, name): tuple(each) for name, each in touches.items()}
    return {key: replace(of.cohort.rows[key], touches=each) for key, each in rows.items()}


def _together(parts: Sequence[Scored]) -> Scored:
    cohorts = [part.cohort for part in parts]
    together = Cohort(
        expected=tuple(score for one in cohorts for score in one.expected),
        published=tuple(score for one in cohorts for score in one.published),
        rows={key: row for one in cohorts for key, row in one.rows.items()},
    )
    return Scored(
        together,
        {key: more for part in parts for key, more in part.counts.items()},
        tuple(files for part in parts for files in part.seen),
        {key: wrong for part in parts for key, wrong in part.wrong.items()},
    )


def _scored(one: CohortCase, folder: Path) -> Scored:
    """Score one case by both scorings, and see where its masks are wrong."""
    attention_dir = folder / "expected"
    case, predictions = on_disk(one, folder)
    published = score_published_case(case, predictions, NINE, folder / "published")
    expected = score_expected_error_case(case, predictions, NINE, attention_dir, Calibration(shipped_prior()))
    rows, counts, wrong = {}, {}, {}
    for organ_name in NINE:
        key, true = (case.case_id, organ_name), one.labels == organ(organ_name).index
        volumes_ml, part = regions_of(one.masks[0].mask(organ_name), true, case.geometry)
        rows[key] = Row(regions_ml=volumes_ml, touches=())
        if part is not None:
            wrong[key] = part
        more = counts_of(attention_dir, one.masks[0], organ_name, true)
        if more is not None:
            counts[key] = more
    scores = Cohort(expected=(expected,), published=(published,), rows=rows)
    made = Scored(scores, counts, ((case, predictions),), wrong)
    return replace(made, cohort=replace(scores, rows=rows | _rows(expected, attention_dir, made)))
