"""Do hot spots find the errors, and are they worth the look?

Run: python benchmarks/attention_quality.py [--quick].

Ours: scoring expected-error. Other: scoring published, on the same predictions of the same cases. An error
region is a component of prediction XOR truth deeper than 3 mm from the true surface, of at least 0.5 mL; it
is found if hot spots cover a tenth of it; a hot spot counts if it touches one. Pieces of attention that lie
within 10 mm are one hot spot, under either scoring; *apart* counts every connected piece by itself (of ours
those with enough expected error). Patients are made up, or rendered from real people's label maps, none of
them used by `training/error_prior.py`. `ratio` is F1 of ours over F1 of published. Then the same on real CTs,
as far as somebody has said what is right there. A full run writes its tables and picture into
docs/attention.md.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from attention.cohort import JUDGE_SEEDS, KINDS, CohortCase, cohort, on_disk, predicted
from attention.detection import Detection, counted, regions_of
from attention.page import tell_quality
from measure import asked, options, report
from omentum.measures.canonical_grid import CANONICAL_MM, canonical
from omentum.measures.components import pieces_of
from omentum.score.calibration import Calibration, LevelCounts, shipped_prior
from omentum.score.error_model import shipped_model
from omentum.score.expected_error import expected_errors
from omentum.score.hot_spots import joined
from omentum.score.published_case import heat_path, score_published_case
from omentum.score.scoring_grid import gridded_case
from omentum.volumes.boxes import whole
from omentum.volumes.labels import SUBSETS
from omentum.volumes.nifti import read_nifti
from omentum.volumes.read import read_ct
from omentum.volumes.resample import nearest_voxels
from quality.cases import masks_of
from quality.references import SCANS, LabelFile
from shared import data_folder

NINE = SUBSETS["abdomenatlas-1.0"]
VOXEL_ML = CANONICAL_MM**3 / 1000
SCORINGS = ("ours", "published")
Judged = tuple[str, str, Detection, Detection]
"""Scoring, organ, what its hot spots find, and what pieces of attention find that count apart."""


def main(quick: bool) -> None:
    found: dict[tuple[str, str], Detection] = defaultdict(Detection)
    apart: dict[str, Detection] = defaultdict(Detection)
    levels: list[LevelCounts] = []
    seeds, kinds = (JUDGE_SEEDS[:1], KINDS[:2]) if quick else (JUDGE_SEEDS, KINDS)
    for case in cohort(seeds, kinds):
        for scoring, name, spots, pieces in judged(case, NINE, levels):
            found[scoring, name] += spots
            found[scoring, "all"] += spots
            apart[scoring] += pieces
    for name in (*NINE, "all"):
        print(f"{name:14} ours      {found['ours', name].told()}")
        print(f"{'':14} published {found['published', name].told()}")
    ours, published = found["ours", "all"], found["published", "all"]
    told = figures(ours) | {
        "n_cases": len(seeds) * len(kinds),
        "published": figures(published),
        "apart": {scoring: figures(one) for scoring, one in apart.items()},
        "by_organ": {name: {scoring: figures(found[scoring, name]) for scoring in SCORINGS} for name in NINE},
        "reliability": sum(levels, LevelCounts.none()).reliability(np.arange(256, dtype=np.float32) / 255),
        "real": {} if quick else on_real_cts(),
    }
    report(
        "attention_quality", ours=told["f1"], other=told["published"]["f1"], unit="F1", quick=quick, **told
    )
    if not quick:
        tell_quality(told)


def on_real_cts() -> dict[str, dict[str, object]]:
    """Count hot spots of both scorings on real CTs, by reference."""
    found: dict[tuple[str, str], Detection] = defaultdict(Detection)
    about: dict[str, dict[str, object]] = {}
    for column, case, organs in real_cases():
        about[column.name] = {"about": column.about, "organs": list(organs)}
        for scoring, _, spots, _ in judged(case, organs, []):
            found[scoring, column.name] += spots
            found[scoring, "all"] += spots
    about["all"] = {"about": "", "organs": []}
    return {
        name: one | {scoring: figures(found[scoring, name]) for scoring in SCORINGS}
        for name, one in about.items()
    }


def figures(one: Detection) -> dict[str, float]:
    return {name: round(value, 4) for name, value in one.figures().items()}


def real_cases() -> Iterator[tuple[LabelFile, CohortCase, tuple[str, ...]]]:
    """Give each reference of each real CT, with the organs of which it speaks in the whole scan.

    No network has learned from any of them.
    """
    folder = data_folder()
    if folder is None:
        return
    for scan in SCANS:
        seen = predicted(scan.ct, read_ct(folder / scan.ct), np.zeros(0, dtype=np.uint8))
        for reference in scan.labels:
            organs = tuple(name for name in reference.ids if name not in reference.slices)
            labels = masks_of(folder, reference, seen.ct).only(organs).painted()
            yield reference, replace(seen, labels=labels), organs


def judged(case: CohortCase, organs: Sequence[str], levels: list[LevelCounts]) -> Iterator[Judged]:
    """Judge both scorings, organ by organ; `levels` gets what was wrong at each level of ours."""
    yield from by_expected_error(case, organs, levels)
    yield from by_published(case, organs)


def by_expected_error(case: CohortCase, organs: Sequence[str], levels: list[LevelCounts]) -> Iterator[Judged]:
    """Judge ours; an organ that nobody sees counts as not found."""
    sight = gridded_case(case.masks[0], case.maps, case.ct)
    errors = expected_errors(sight, NINE, shipped_model(), Calibration(shipped_prior()))
    seen = {one.organ: one for one in errors}
    for name in organs:
        regions, organ_ml = regions_of(case, name)
        if name not in seen:
            nothing = counted(regions, organ_ml, regions.numbers * 0, whole(regions.numbers.shape))
            yield "ours", name, nothing, nothing
            continue
        one = seen[name]
        said = np.rint(one.probability * 255).astype(np.uint8)[one.where]
        levels.append(LevelCounts.of(said, (regions.numbers[one.box] > 0)[one.where], VOXEL_ML))
        pieces = _large(pieces_of(one.spots_map > 0).numbers, one.probability)
        spots, alone = (counted(regions, organ_ml, each, one.box) for each in (one.spots_map, pieces))
        yield "ours", name, spots, alone


def _large(numbers: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Keep the numbered pieces that would be hot spots by themselves."""
    errors_ml = np.bincount(numbers.ravel(), probability.ravel()) * VOXEL_ML
    return np.where(errors_ml[numbers] >= shipped_prior().least_error_ml, numbers, 0)


def by_published(case: CohortCase, organs: Sequence[str]) -> Iterator[Judged]:
    """Score the case as published, on the CT's own grid; bring the binary maps to the canonical one."""
    with TemporaryDirectory() as folder:
        record, predictions = on_disk(case, Path(folder))
        score_published_case(record, predictions, NINE, Path(folder) / "attention")
        grid = canonical(case.ct.geometry)
        lines = np.ix_(*nearest_voxels(case.ct.geometry, grid))
        for name in organs:
            path = heat_path(Path(folder) / "attention", name)
            flagged = np.zeros(case.ct.geometry.shape, dtype=bool)
            if path.exists():
                flagged = read_nifti(path).voxels > 0
            on_grid = np.ascontiguousarray(flagged[lines])
            regions, organ_ml = regions_of(case, name)
            spots, pieces = (
                counted(regions, organ_ml, numbers, whole(on_grid.shape))
                for numbers in (joined(on_grid), pieces_of(on_grid).numbers)
            )
            yield "published", name, spots, pieces


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
