"""Fit the error model that ships: what an error looks like before any mask is revised.

Run: PYTHONPATH=benchmarks python training/error_prior.py [--quick] [--write].

Fits, on synthetic patients and renderings of label maps, predicted by both shipped networks: the
weights of the error model; what its levels mean; and, on patients that the weights never saw, which hot
spots are worth a look: as many errors found as possible, at equal precision, within a flagged volume of
15 %. `--write` puts all into the package. No seed of `attention_quality.py` is used.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

import omentum.score
from attention.cohort import COUNT_SEEDS, FIT_SEEDS, CohortCase, cohort
from attention.detection import Detection, detected
from fit_error_model import fit_model
from measure import asked, options
from omentum.measures.canonical_grid import CANONICAL_MM
from omentum.measures.error_regions import LEAST_ML, error_regions
from omentum.score.calibration import Calibration, LevelCounts, Prior
from omentum.score.error_model import MODEL_ORGANS, ErrorModel
from omentum.score.expected_error import expected_errors
from omentum.score.scoring_grid import GriddedCase, gridded_case, voxel_owners
from omentum.score.voxel_features import VoxelFeatures, organ_features
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.probabilities import ProbabilityMaps
from omentum.volumes.resample import nearest_voxels
from omentum.volumes.volume import Volume

KEEP_WRONG, KEEP_RIGHT = 0.2, 0.012
"""Shares of voxels in and outside of error regions that are drawn for fitting."""
MOST_FLAGGED = 0.145
FLAG_OVER = (0.05, 0.055, 0.06, 0.065, 0.07, 0.08)
LEAST_ERROR_ML = (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.8, 2.4)
SHIPPED = Path(omentum.score.__file__).parent / "shipped"

SMALL_COUNTS = 0.5
"""Power of volume by which a voxel of a small region counts more; 1 would make all regions count alike."""
TYPICAL_ML, LEAST_WEIGHT, MOST_WEIGHT = 3.0, 0.2, 4.0

SHARE_APART = 0.1
"""Share of what is drawn from a case whose networks were moved apart."""
LEAST_MM, MOST_MM = 5.0, 20.0
"""How far."""

Sample = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Rows of signals, their organs' places in `MODEL_ORGANS`, whether each is wrong, and how much it counts."""
Labelled = tuple[str, VoxelFeatures, np.ndarray]
"""An organ, its signals, and for each row the mL of the error region that it is in, 0 where it is right."""


def main(quick: bool, write: bool) -> None:
    seeds = COUNT_SEEDS[:1] if quick else COUNT_SEEDS
    model = fit(FIT_SEEDS[:1] if quick else FIT_SEEDS, steps=300 if quick else 6000)
    prior, found = chosen(seeds, model, count(cohort(seeds), model))
    print(f"flag over {prior.flag_over}, least {prior.least_error_ml} mL: {found.told()}")
    if write:
        model.save(SHIPPED / "error-model.npz")
        (SHIPPED / "prior.json").write_text(json.dumps(as_json(prior)) + "\n", encoding="utf-8")


def fit(seeds: Sequence[int], steps: int) -> ErrorModel:
    """Fit the weights on a sample of voxels."""
    with ProcessPoolExecutor() as pool:
        parts = zip(*pool.map(_sample, seeds), strict=True)
        return fit_model(*(np.concatenate(part) for part in parts), steps=steps)


def _sample(seed: int) -> Sample:
    """Draw voxels of a seed's cases: each with both networks, with one alone, a few with networks apart."""
    rng = np.random.default_rng(seed)
    rows, organs, wrongs, weights = [], [], [], []
    for case in cohort([seed]):
        both = gridded_case(case.masks[0], case.maps, case.ct)
        apart = moved_apart(case, rng)
        sights = (
            (case, both, 1.0),
            (case, both.alone(), 1.0),
            (apart, gridded_case(case.masks[0], apart.maps, apart.ct), SHARE_APART),
        )
        for of, gridded, kept_share in sights:
            for name, signals, regions_ml in labelled(of, gridded):
                share = np.where(regions_ml > 0, KEEP_WRONG, KEEP_RIGHT).astype(np.float32)
                kept = rng.random(len(share)) < share * kept_share
                rows.append(signals.rows[kept])
                organs.append(np.full(np.count_nonzero(kept), MODEL_ORGANS.index(name)))
                wrongs.append(regions_ml[kept] > 0)
                weights.append((weight_of(regions_ml) / share)[kept])
    return np.concatenate(rows), np.concatenate(organs), np.concatenate(wrongs), np.concatenate(weights)


def moved_apart(case: CohortCase, rng: np.random.Generator) -> CohortCase:
    """Move one network against all else by a centimetre or so, as networks look that disagree boldly.

    In half of the cases it is the one whose masks are judged, which then errs at its whole surface.
    """
    direction = rng.normal(size=3)
    offset_mm = direction / np.linalg.norm(direction) * rng.uniform(LEAST_MM, MOST_MM)
    is_main = rng.random() < 0.5
    main, *others = case.maps
    moved = (ProbabilityMaps(_moved(one.geometry, offset_mm), one.organs, one.parts) for one in others)
    maps = (main, *moved)
    if not is_main:
        return replace(case, maps=maps)
    return replace(case, maps=maps, ct=Volume(case.ct.voxels, _moved(case.ct.geometry, offset_mm)))


def _moved(grid: Geometry, offset_mm: np.ndarray) -> Geometry:
    affine = grid.affine.copy()
    affine[:3, 3] += offset_mm
    return Geometry(grid.shape, affine)


def count(cases: Iterable[CohortCase], model: ErrorModel) -> dict[str, LevelCounts]:
    """Count what was wrong at each level, by organ and over all."""
    counts = {name: LevelCounts.none() for name in ("", *MODEL_ORGANS)}
    for case in cases:
        for name, signals, regions_ml in labelled(case, gridded_case(case.masks[0], case.maps, case.ct)):
            one = LevelCounts.of(model.levels(signals.rows, name), regions_ml > 0, CANONICAL_MM**3 / 1000)
            counts[name] += one
            counts[""] += one
    return counts


def labelled(case: CohortCase, gridded: GriddedCase) -> Iterator[Labelled]:
    labels = case.labels[np.ix_(*nearest_voxels(case.ct.geometry, gridded.geometry))]
    owners = voxel_owners(gridded)
    for name in gridded.masks.organs:
        signals = organ_features(gridded, name, owners)
        if signals is not None:
            true = labels[signals.box] == organ(name).index
            regions = error_regions(signals.mask, true, (CANONICAL_MM,) * 3)
            yield name, signals, np.array([0.0, *regions.volumes_ml])[regions.numbers[signals.where]]


def weight_of(regions_ml: np.ndarray) -> np.ndarray:
    """Say how much a voxel counts in fitting, by the volume of the error region that it is in.

    Whoever looks for errors finds a small one or misses it; by volume alone, large ones would be all that
    the model learns.
    """
    power = (TYPICAL_ML / np.maximum(regions_ml, LEAST_ML)) ** SMALL_COUNTS
    weights = np.where(regions_ml > 0, np.clip(power, LEAST_WEIGHT, MOST_WEIGHT), 1.0)
    return np.asarray(weights, dtype=np.float32)


def chosen(
    seeds: Sequence[int], model: ErrorModel, counts: dict[str, LevelCounts]
) -> tuple[Prior, Detection]:
    """Try thresholds, and take those with the best worse half of sensitivity and precision."""
    totals = dict.fromkeys(product(FLAG_OVER, LEAST_ERROR_ML), Detection())
    with ProcessPoolExecutor() as pool:
        for tried in pool.map(partial(_tried, model, counts), seeds):
            totals = {pair: found + tried[pair] for pair, found in totals.items()}
    flag_over, least = max(totals, key=lambda pair: key(totals[pair]))
    return Prior(counts, flag_over, least), totals[flag_over, least]


def _tried(
    model: ErrorModel, counts: dict[str, LevelCounts], seed: int
) -> dict[tuple[float, float], Detection]:
    totals = dict.fromkeys(product(FLAG_OVER, LEAST_ERROR_ML), Detection())
    for case in cohort([seed]):
        gridded = gridded_case(case.masks[0], case.maps, case.ct)
        for flag_over in FLAG_OVER:
            loose = Calibration(Prior(counts, flag_over, LEAST_ERROR_ML[0]))
            for one in expected_errors(gridded, gridded.masks.organs, model, loose):
                for least in LEAST_ERROR_ML:
                    totals[flag_over, least] += detected(case, one, least)
    return totals


def key(found: Detection) -> tuple[bool, float]:
    of = found.figures()
    return of["flagged_share"] <= MOST_FLAGGED, min(of["sensitivity"], of["precision"])


def as_json(prior: Prior) -> dict[str, object]:
    counts = {
        name: {
            "n_organs": one.n_organs,
            "seen_ml": np.round(one.seen_ml, 3).tolist(),
            "wrong_ml": np.round(one.wrong_ml, 4).tolist(),
        }
        for name, one in prior.counts.items()
    }
    return {"flag_over": prior.flag_over, "least_error_ml": prior.least_error_ml, "counts": counts}


if __name__ == "__main__":
    given = asked(options(__doc__, write="put the weights and the calibration into the package"))
    main(given.quick, given.write)
