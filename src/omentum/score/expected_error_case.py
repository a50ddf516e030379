"""Score one case by `expected-error`: heat maps, hot spots, levels and the expected error volume."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from omentum.project.kept_probabilities import read_kept_probabilities
from omentum.records import Case, CaseScore, OrganScore, Prediction
from omentum.score.calibration import Calibration
from omentum.score.error_model import shipped_model
from omentum.score.expected_error import ExpectedError, expected_errors
from omentum.score.hot_spots import MOST_SPOTS, described_box
from omentum.score.network_outputs import read_outputs
from omentum.score.published_case import HOT_SPOTS_NAME, heat_path, remove_all_but
from omentum.score.scoring_grid import GriddedCase, gridded_case, thumbnail
from omentum.score.voxel_features import entropy_ml
from omentum.volumes.atomic import write_json
from omentum.volumes.boxes import BoxedArray, shifted
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import organs_named
from omentum.volumes.nifti_slices import write_nifti_part
from omentum.volumes.probabilities import FULL, ProbabilityMaps, write_probabilities
from omentum.volumes.read import read_ct
from omentum.volumes.resample import nearest_voxels

__all__ = ["LEVELS_NAME", "score_expected_error_case"]

LEVELS_NAME = "levels.zarr.zip"
"""Levels of the error model on the canonical grid, on which later calibrations are fitted."""


def score_expected_error_case(
    case: Case,
    predictions: Sequence[Prediction],
    organs: Sequence[str],
    attention_dir: Path,
    calibration: Calibration,
) -> CaseScore:
    """Score one case, and write its heat maps and hot spots.

    Args:
        case: The case.
        predictions: What the networks made of it; the first one's masks are judged.
        organs: Organs to score, by name or subset; those that the case's data set annotates itself and
            those that the first network does not know are left out.
        attention_dir: Gets `<organ>.nii.gz` (probability of an error times 255, in hot spots, uint8, the
            CT's grid) for each organ that has hot spots, `levels.zarr.zip` and `hot_spots.json`.
        calibration: Of this round.

    Returns:
        The score: expected error volume over all organs scored, in mL.

    Raises:
        ProjectError: There is no prediction, or one of another case.
        GridMismatchError: The prediction's masks do not lie on the CT's grid.
        ImageError: The CT or a prediction's file cannot be read.
        UnknownOrganError: There is no organ of that name.
    """
    wanted = [row.name for row in organs_named(organs) if row.name not in case.original_organs]
    main = read_outputs(case, predictions[:1])[0]
    maps = [main.probabilities, *map(read_kept_probabilities, predictions[1:])]
    gridded = gridded_case(main.masks, maps, read_ct(case.ct_path))
    known = [name for name in wanted if name in main.masks.organs]
    (attention_dir / HOT_SPOTS_NAME).unlink(missing_ok=True)
    volumes_ml = gridded.masks.volumes_ml()
    scores = {name: _organ_score(gridded, name, volumes_ml[name], None) for name in known}
    spots: list[dict[str, Any]] = []
    levels, rules = {}, {}
    for one in expected_errors(gridded, known, shipped_model(), calibration):
        scores[one.organ] = _organ_score(gridded, one.organ, volumes_ml[one.organ], one)
        levels[one.organ] = BoxedArray(one.box, one.levels)
        rules[one.organ] = _broken(one, gridded.geometry, case.geometry)
        if one.spots:
            spots += _write_heat(heat_path(attention_dir, one.organ), one, gridded.geometry, case.geometry)
    remove_all_but(attention_dir, {spot["organ"] for spot in spots})
    write_probabilities(attention_dir / LEVELS_NAME, ProbabilityMaps(gridded.geometry, tuple(known), levels))
    score = CaseScore(
        case_id=case.case_id,
        score=sum(one.error_ml or 0.0 for one in scores.values()),
        organs=tuple(scores.values()),
        signature=thumbnail(gridded.hu),
    )
    write_json(attention_dir / HOT_SPOTS_NAME, _described(score, predictions, spots, rules))
    return score


def _organ_score(
    gridded: GriddedCase, name: str, predicted_ml: float, one: ExpectedError | None
) -> OrganScore:
    spots = () if one is None else one.spots[:MOST_SPOTS]
    n_voxels = round(sum(spot.volume_ml for spot in spots) / gridded.geometry.voxel_ml)
    return OrganScore(
        organ=name,
        attention_voxels=n_voxels,
        attention_ml=n_voxels * gridded.geometry.voxel_ml,
        priority=sum(spot.error_ml for spot in spots),
        predicted_ml=predicted_ml,
        entropy_ml=entropy_ml(gridded, name),
        error_ml=0.0 if one is None else one.error_ml,
        dice_loss=0.0 if one is None else one.dice_loss,
        spots_ml=tuple(spot.error_ml for spot in spots),
        reasons=() if one is None else one.reasons,
    )


def _write_heat(path: Path, one: ExpectedError, grid: Geometry, ct: Geometry) -> list[dict[str, Any]]:
    """Write an organ's hot spots on the CT's grid; give them for JSON, by falling expected error."""
    lines = nearest_voxels(grid, ct)
    shown = (one.spots_map > 0) & (one.spots_map <= MOST_SPOTS)
    heat = np.where(shown, np.maximum(one.probability * FULL, 1), 0).astype(np.uint8)
    box = _reached(lines, one.box)
    near = np.ix_(*(line[part] - own.start for line, part, own in zip(lines, box, one.box, strict=True)))
    write_nifti_part(path, ct, BoxedArray(box, np.asfortranarray(heat[near])))
    found: list[Any] = ndimage.find_objects(one.spots_map, max_label=min(len(one.spots), MOST_SPOTS))
    spots = []
    for spot, part in zip(one.spots, found, strict=False):
        place = _reached(lines, shifted(part, one.box))
        figures = {"volume_ml": round(spot.volume_ml, 4), "error_ml": round(spot.error_ml, 4)}
        reason = {"reason": ", ".join(one.reasons)} if one.reasons else {}
        spots.append({"organ": one.organ, **figures, **described_box(place, ct), **reason})
    return spots


def _broken(one: ExpectedError, grid: Geometry, ct: Geometry) -> list[dict[str, Any]]:
    """Give the rules that an organ breaks, and where, for later calibrations."""
    lines = nearest_voxels(grid, ct)
    places = [described_box(_reached(lines, finding.box), ct) for finding in one.findings]
    return [
        {"rule": finding.rule, "low_voxel": place["low_voxel"], "high_voxel": place["high_voxel"]}
        for finding, place in zip(one.findings, places, strict=True)
    ]


def _reached(lines: Sequence[np.ndarray[Any, Any]], box: Box) -> Box:
    """Give the CT's voxels whose nearest canonical voxel lies in a box; lines rise."""
    x, y, z = (
        slice(*np.searchsorted(line, (side.start, side.stop)).tolist())
        for line, side in zip(lines, box, strict=True)
    )
    return x, y, z


def _described(
    score: CaseScore,
    predictions: Sequence[Prediction],
    spots: list[dict[str, Any]],
    rules: Mapping[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    """Give the content of `hot_spots.json`."""
    return {
        "case_id": score.case_id,
        "recipe": "expected-error",
        "networks": {one.network: one.weights_sha256 for one in predictions},
        "score": score.score,
        "organs": [
            {
                "organ": one.organ,
                "error_ml": one.error_ml,
                "dice_loss": one.dice_loss,
                "attention_ml": round(one.attention_ml, 4),
                "reasons": list(one.reasons),
                "rules": rules.get(one.organ, []),
            }
            for one in score.organs
        ],
        "hot_spots": sorted(spots, key=lambda spot: -spot["error_ml"]),
    }
