"""Make the attention of a catch trial: hot spots as real tasks of the organ have, at other places.

They lie anywhere at the border of the mask that is shown, wherever the error is: so the reader has no lead to
it, as in the audit, and what a trial shows looks like any other task.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.measures.canonical_grid import CANONICAL_MM
from omentum.measures.morphology import eroded
from omentum.project.catch_files import CatchFiles
from omentum.project.project import Project
from omentum.records import Task
from omentum.score.hot_spots import described_box
from omentum.volumes.atomic import write_json
from omentum.volumes.boxes import BoxedArray, BoxedMask
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.nifti_slices import write_nifti_part

__all__ = ["spots_of_task", "write_spots"]

Rng = np.random.Generator
_JITTER = 0.2
_PEAK = (70, 220)
"""Least and greatest value of an attention map in the middle of a spot; 255 is certainty."""


def spots_of_task(project: Project, task: Task) -> list[dict[str, Any]]:
    """Read the hot spots of a real task; none where its case has no such file."""
    path = project.folder.attention_dir(task.case_id) / "hot_spots.json"
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["hot_spots"]
    except (OSError, ValueError, KeyError):
        return []
    return [row for row in rows if row["organ"] == task.organ]


def write_spots(
    files: CatchFiles, shown: BoxedMask, like: Sequence[Mapping[str, Any]], grid: Geometry, rng: Rng
) -> None:
    """Write the hot spots and the attention map of a trial.

    Args:
        files: Of the trial.
        shown: The mask that is shown.
        like: Hot spots of a real task of the organ, whose volumes and errors these have, within a fifth.
        grid: The CT's.
        rng: Draws places and values.
    """
    border = np.argwhere(shown.values & ~eroded(shown.values)) + [part.start for part in shown.box]
    rows: list[dict[str, Any]] = []
    parts: list[BoxedArray[np.uint8]] = []
    for row in like:
        at = border[int(rng.integers(len(border)))]
        scale = float(rng.uniform(1.0 - _JITTER, 1.0 + _JITTER))
        volume_ml = row["volume_ml"] * scale
        heat = _blob(at, volume_ml, grid, rng)
        parts.append(heat)
        figures = {"volume_ml": round(volume_ml, 4)}
        if "error_ml" in row:
            figures["error_ml"] = round(row["error_ml"] * scale, 4)
        rows.append({"organ": row["organ"], **figures, **described_box(heat.box, grid)})
    by = "error_ml" if rows and "error_ml" in rows[0] else "volume_ml"
    write_json(files.hot_spots, {"hot_spots": sorted(rows, key=lambda row: -row[by])})
    if parts:
        write_nifti_part(files.attention, grid, _joined(parts))


def _blob(at: npt.NDArray[np.int64], volume_ml: float, grid: Geometry, rng: Rng) -> BoxedArray[np.uint8]:
    """Make one spot, in steps of the grid on which cases are scored."""
    radius_mm = 10.0 * (0.75 * max(volume_ml, grid.voxel_ml) / np.pi) ** (1 / 3) + 0.5 * CANONICAL_MM
    box = _around(at, radius_mm, grid)
    steps = [
        np.round((np.arange(part.start, part.stop) - middle) * edge / CANONICAL_MM) * CANONICAL_MM
        for part, middle, edge in zip(box, at.tolist(), grid.spacing_mm, strict=True)
    ]
    far = np.sqrt(sum(step**2 for step in np.meshgrid(*steps, indexing="ij", sparse=True)))
    values = float(rng.uniform(*_PEAK)) * (1.0 - 0.6 * far / radius_mm)
    heat = np.where(far <= radius_mm, np.maximum(values, 1.0), 0.0).astype(np.uint8)
    tight = BoxedArray(box, heat).tight()
    assert tight is not None
    return tight


def _around(at: npt.NDArray[np.int64], radius_mm: float, grid: Geometry) -> Box:
    reach = [int(np.ceil(radius_mm / edge)) for edge in grid.spacing_mm]
    x, y, z = (
        slice(max(middle - far, 0), min(middle + far + 1, side))
        for middle, far, side in zip(at.tolist(), reach, grid.shape, strict=True)
    )
    return x, y, z


def _joined(parts: Sequence[BoxedArray[np.uint8]]) -> BoxedArray[np.uint8]:
    first, *others = parts
    whole = first.union(*others)
    return BoxedArray(whole.box, np.asfortranarray(whole.values))
