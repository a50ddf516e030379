"""Score one case as `published`: heat maps, hot spots and the voxels that need attention.

Files of soft predictions and entropies give the published result, byte by byte. For other networks,
probabilities are interpolated on the CT's grid (published: nearest neighbour), and the average of several
networks is not post-processed again, unless the average was predicted too.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from omentum.abdomenatlas.attention import OrganAttention, organ_attention, overlapped
from omentum.records import Case, CaseScore, OrganScore, Prediction
from omentum.score.hot_spots import hot_spots
from omentum.score.network_outputs import (
    NetworkOutput,
    n_organs_map,
    organ_outputs,
    read_average,
    read_outputs,
)
from omentum.volumes.atomic import write_json
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import organ as organ_row
from omentum.volumes.labels import organs_named
from omentum.volumes.nifti_slices import write_nifti_part

__all__ = ["HOT_SPOTS_NAME", "attention_score", "heat_path", "remove_all_but", "score_published_case"]

HOT_SPOTS_NAME = "hot_spots.json"
"""Written last: where it is, every heat map is there, and none of an earlier run."""

_Found = tuple[str, Box, OrganAttention]


def heat_path(attention_dir: Path, organ: str) -> Path:
    """Give the path of an organ's heat map; there is no file where it needs no attention."""
    return attention_dir / f"{organ}.nii.gz"


def score_published_case(
    case: Case,
    predictions: Sequence[Prediction],
    organs: Sequence[str],
    attention_dir: Path,
    *,
    average: Prediction | None = None,
) -> CaseScore:
    """Score one case, and write its heat maps and hot spots.

    Args:
        case: The case.
        predictions: Of the networks; inconsistency needs at least two.
        organs: Organs to score, by name or subset; those that the case's data set annotates itself
            (`case.original_organs`) and those that no network knows are left out.
        attention_dir: Gets `<organ>.nii.gz` (heat map, uint8, the CT's grid) for each organ that needs
            attention, and `hot_spots.json`. Heat maps of an earlier run are replaced or removed.
        average: Of the networks' average, where there is one; its masks are the average masks then.

    Returns:
        The score: voxels that need attention, an overlapped voxel once for each organ, as published.

    Raises:
        ProjectError: There is no prediction, or one of another case.
        GridMismatchError: A prediction's masks do not lie on the CT's grid.
        UnreadableImageError: A prediction's file is damaged.
        UnknownOrganError: There is no organ of that name.
    """
    wanted = [row.name for row in organs_named(organs) if row.name not in case.original_organs]
    outputs = read_outputs(case, predictions)
    known = [name for name in wanted if any(name in one.masks.organs for one in outputs)]
    (attention_dir / HOT_SPOTS_NAME).unlink(missing_ok=True)
    scores = {name: attention_score(name, None, case.geometry) for name in known}
    spots: list[dict[str, Any]] = []
    mean = None if average is None else read_average(case, average)
    for name, box, attention in _attentions(outputs, known, case.geometry, mean):
        scores[name] = attention_score(name, attention, case.geometry)
        spots += hot_spots(name, attention.binary, box, case.geometry)
        write_nifti_part(heat_path(attention_dir, name), case.geometry, BoxedArray(box, attention.heat))
    remove_all_but(attention_dir, {spot["organ"] for spot in spots})
    score = CaseScore(
        case_id=case.case_id,
        score=float(sum(one.attention_voxels for one in scores.values())),
        organs=tuple(scores.values()),
    )
    write_json(attention_dir / HOT_SPOTS_NAME, _described(score, predictions, spots))
    return score


def _attentions(
    outputs: Sequence[NetworkOutput], organs: Sequence[str], geometry: Geometry, average: NetworkOutput | None
) -> Iterator[_Found]:
    """Yield the box and the attention of each organ that needs any, one at a time."""
    counts = n_organs_map(outputs, geometry, average)
    for name in organs:
        found = organ_outputs(outputs, name, geometry, average)
        if found is None:
            continue
        overlap = overlapped(found.average, counts[found.box], is_counted=organ_row(name).overlap)
        attention = organ_attention(found.soft, found.entropies, overlap)
        if attention.peak > 0:
            yield name, found.box, attention


def attention_score(name: str, attention: OrganAttention | None, geometry: Geometry) -> OrganScore:
    """Score one organ by its attention; 0 where it has none."""
    n_voxels = 0 if attention is None else attention.n_voxels
    return OrganScore(
        organ=name,
        attention_voxels=n_voxels,
        attention_ml=n_voxels * geometry.voxel_ml,
        priority=0.0 if attention is None else float(attention.heat_sum),
    )


def remove_all_but(attention_dir: Path, organs: set[str]) -> None:
    """Remove outdated heat maps of an earlier run."""
    for path in attention_dir.glob("*.nii.gz"):
        if path.name.removesuffix(".nii.gz") not in organs:
            path.unlink()


def _described(
    score: CaseScore, predictions: Sequence[Prediction], spots: list[dict[str, Any]]
) -> dict[str, Any]:
    """Give the content of `hot_spots.json`."""
    return {
        "case_id": score.case_id,
        "recipe": "published",
        "networks": {one.network: one.weights_sha256 for one in predictions},
        "score": score.score,
        "organs": [
            {
                "organ": one.organ,
                "attention_voxels": one.attention_voxels,
                "attention_ml": round(one.attention_ml, 4),
                "heat": one.priority,
            }
            for one in score.organs
        ],
        "hot_spots": sorted(spots, key=lambda spot: -spot["volume_ml"]),
    }
