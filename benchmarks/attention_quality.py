"""Do hot spots find the errors, and are they worth the look?

Run: python benchmarks/attention_quality.py [--quick | --page].

Ours: recipe expected-error. Other: recipe published, on the same predictions of the same cases. An error
region is a component of prediction XOR truth deeper than 3 mm from the true surface, of at least 0.5 mL; it
is found if hot spots cover a tenth of it; a hot spot counts if it touches one. Pieces of attention that lie
within 10 mm are one hot spot, under either recipe; *apart* counts every connected piece by itself (of ours
those with enough expected error). Patients are made up, or rendered from real people's label maps, none of
them used by `training/error_prior.py`.
`ratio` is F1 of ours over F1 of published. Then the same on real CTs, as
far as somebody has said what is right there.

A full run writes its tables and picture into docs/attention.md; `--page` does that alone, from the figures on
file.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from attention.cohort import JUDGE_SEEDS, KINDS, CohortCase, cohort
from attention.detection import Detection, counted, regions_of
from attention.on_disk import on_disk
from attention.page import tell_quality
from attention.real import real_cases
from measure import on_file, report
from omentum.measures.canonical_grid import CANONICAL_MM, canonical
from omentum.measures.components import pieces_of
from omentum.score.calibration import Calibration, LevelCounts, shipped_prior
from omentum.score.error_model import shipped_model
from omentum.score.expected import ExpectedError, expected_errors
from omentum.score.hot_spots import joined
from omentum.score.published_case import heat_path, score_published_case
from omentum.score.scoring_grid import gridded_case
from omentum.volumes.boxes import whole
from omentum.volumes.labels import SUBSETS
from omentum.volumes.nifti import read_nifti
from omentum.volumes.resample import nearest_voxels

NINE = SUBSETS["abdomenatlas-1.0"]
Found = dict[str, Detection]


def main(quick: bool) -> None:
    ours: Found = defaultdict(Detection)
    published: Found = defaultdict(Detection)
    apart = {"ours": Detection(), "published": Detection()}
    counts = LevelCounts.none()
    seeds = JUDGE_SEEDS[:1] if quick else JUDGE_SEEDS
    for case in cohort(seeds, KINDS[:2] if quick else KINDS):
        for name, found, pieces, reliable in by_expected_error(case):
            ours[name] += found
            apart["ours"] += pieces
            counts += reliable
        for name, found, pieces in by_published(case):
            published[name] += found
            apart["published"] += pieces
    print(f"{'organ':14} ours / published")
    for name in NINE:
        print(f"{name:14} {ours[name].told()}\n{'':14} {published[name].told()}")
    all_ours, all_published = (sum(one.values(), start=Detection()) for one in (ours, published))
    print(f"{'all':14} {all_ours.told()}\n{'':14} {all_published.told()}")
    real = {} if quick else on_real_cts()
    for name, one in real.items():
        print(f"{name:24} {one['ours']}\n{'':24} {one['published']}")
    table = np.arange(256, dtype=np.float32) / 255
    found = {
        "sensitivity": all_ours.sensitivity,
        "precision": all_ours.precision,
        "flagged_share": all_ours.flagged_share,
        "voxel_sensitivity": all_ours.voxel_sensitivity,
        "voxel_precision": all_ours.voxel_precision,
        "n_cases": len(seeds) * (2 if quick else len(KINDS)),
        "published": figures(all_published),
        "apart": {name: figures(one) for name, one in apart.items()},
        "by_organ": {
            name: {"ours": figures(ours[name]), "published": figures(published[name])} for name in NINE
        },
        "reliability": counts.reliability(table),
        "real": real,
    }
    report("attention_quality", ours=all_ours.f1, other=all_published.f1, unit="F1", quick=quick, **found)
    if not quick:
        tell_quality(found)


def on_real_cts() -> dict[str, dict[str, object]]:
    """Count hot spots of both recipes on real CTs, by reference."""
    ours: Found = {}
    published: Found = {}
    about: dict[str, dict[str, object]] = {"all": {"about": "", "organs": []}}
    for column, case, organs in real_cases():
        ours[column.name] = sum((one for _, one, *_ in by_expected_error(case, organs)), start=Detection())
        published[column.name] = sum((one for _, one, *_ in by_published(case, organs)), start=Detection())
        about[column.name] = {"about": column.about, "organs": list(organs)}
    for found in (ours, published):
        found["all"] = sum(found.values(), start=Detection())
    return {
        name: {**about[name], "ours": figures(ours[name]), "published": figures(published[name])}
        for name in ours
    }


def figures(one: Detection) -> dict[str, float]:
    names = ("sensitivity", "precision", "f1", "flagged_share", "voxel_sensitivity", "voxel_precision")
    counts = {"regions": one.regions, "spots": one.spots}
    return {name: round(getattr(one, name), 4) for name in names} | counts


def by_expected_error(
    case: CohortCase, organs: Sequence[str] = NINE
) -> Iterator[tuple[str, Detection, Detection, LevelCounts]]:
    """Give each organ's counts, also of pieces apart; an organ that nobody sees counts as not found."""
    sight = gridded_case(case.masks[0], case.maps, case.ct)
    seen: dict[str, ExpectedError] = {
        one.organ: one for one in expected_errors(sight, NINE, shipped_model(), Calibration(shipped_prior()))
    }
    for name in organs:
        regions, organ_ml = regions_of(case, name)
        if name not in seen:
            nothing = counted(regions, organ_ml, regions.numbers * 0, whole(regions.numbers.shape))
            yield name, nothing, nothing, LevelCounts.none()
            continue
        one = seen[name]
        said = np.rint(one.probability * 255).astype(np.uint8)[one.where]
        wrong = (regions.numbers[one.box] > 0)[one.where]
        counts = LevelCounts.of(said, wrong, CANONICAL_MM**3 / 1000)
        pieces = _large(pieces_of(one.spots_map > 0).numbers, one.probability)
        yield (
            name,
            counted(regions, organ_ml, one.spots_map, one.box),
            counted(regions, organ_ml, pieces, one.box),
            counts,
        )


def _large(numbers: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Keep the numbered pieces that would be hot spots by themselves."""
    errors_ml = np.bincount(numbers.ravel(), probability.ravel()) * CANONICAL_MM**3 / 1000
    return np.where(errors_ml[numbers] >= shipped_prior().least_error_ml, numbers, 0)


def by_published(
    case: CohortCase, organs: Sequence[str] = NINE
) -> Iterator[tuple[str, Detection, Detection]]:
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
            yield name, spots, pieces


if __name__ == "__main__":
    if "--page" in sys.argv:
        tell_quality(on_file("attention_quality"))
    else:
        main("--quick" in sys.argv)
