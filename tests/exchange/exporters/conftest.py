"""Small released cases on any grid, their masks round, overlapping, and with a hole."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from omentum.records import MaskSource
from omentum.records.released_cases import ReleasedCase, ReleasedMask
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.labels import organ
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

SHAPE = (40, 40, 24)
SPACING_MM = (1.5, 1.5, 2.5)


def turned(degrees: tuple[float, float, float]) -> np.ndarray:
    """A rotation around z, y and x."""
    (a, b, c) = np.radians(degrees)
    z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    x = np.array([[1, 0, 0], [0, np.cos(c), -np.sin(c)], [0, np.sin(c), np.cos(c)]])
    return z @ y @ x


OBLIQUE = {"oblique-10": (10.0, -7.0, 5.0), "oblique-30": (30.0, 20.0, -15.0)}
GRIDS = (*ALL_ORIENTATIONS, *OBLIQUE)
"""The 48 ways in which axes can point, and two grids whose axes point nowhere in particular."""


def volume_on(grid: str, voxels: np.ndarray) -> Volume:
    """Put RAS voxels on a grid, each at its own place in the patient."""
    affine = np.diag([*SPACING_MM, 1.0])
    affine[:3, 3] = (-31.0, -22.5, 104.25)
    if grid in OBLIQUE:
        affine[:3, :3] = turned(OBLIQUE[grid]) @ affine[:3, :3]
        return Volume(voxels, Geometry(voxels.shape, affine))
    moved = Volume(voxels, Geometry(voxels.shape, affine)).reoriented(grid)
    return Volume(np.asfortranarray(moved.voxels), moved.geometry)


def ball(centre: tuple[float, float, float], radius_mm: float) -> np.ndarray:
    """A ball in a RAS grid; the centre in voxels."""
    grid = np.stack(np.meshgrid(*(np.arange(side) for side in SHAPE), indexing="ij"), axis=-1)
    off_mm = (grid - np.array(centre)) * np.array(SPACING_MM)
    return np.asarray((off_mm**2).sum(axis=-1) <= radius_mm**2)


def made_masks() -> dict[str, np.ndarray]:
    """A right and a left kidney; a liver that overlaps the right one; an aorta with a hole; no spleen."""
    aorta = ball((20.0, 20.0, 12.0), 11.0) & ~ball((20.0, 20.0, 12.0), 5.0)
    return {
        "spleen": np.zeros(SHAPE, dtype=bool),
        "kidney_right": ball((30.0, 12.0, 9.0), 13.0),
        "kidney_left": ball((8.0, 12.0, 10.0), 11.0),
        "liver": ball((29.0, 25.0, 14.0), 15.0),
        "aorta": aorta,
    }


MakeCase = Callable[..., ReleasedCase]


@pytest.fixture
def released(tmp_path: Path) -> MakeCase:
    """Function: a grid, and what else is to be different, to a released case."""

    def make(grid: str = "LPS", case_id: str = "c1", **fields: object) -> ReleasedCase:
        folder = tmp_path / "releases" / "V1" / case_id
        masks = made_masks()
        ct = np.random.default_rng(1).integers(-1000, 1500, SHAPE).astype(np.int16)
        write_nifti(folder / "ct.nii.gz", volume_on(grid, ct))
        combined = np.zeros(SHAPE, dtype=np.uint8)
        for name, mask in masks.items():
            write_nifti(folder / "segmentations" / f"{name}.nii.gz", volume_on(grid, mask))
            combined[mask] = organ(name).index
        write_nifti(folder / "combined_labels.nii.gz", volume_on(grid, combined))
        lineage = {"files": {"ct.nii.gz": "c" * 64}}
        (folder / "lineage.json").write_text(json.dumps(lineage), encoding="utf-8")
        for name in ("labels.json", "lineage.parquet", "data-set-card.md"):
            (folder.parent / name).write_text(name, encoding="utf-8")
        voxel_ml = np.prod(SPACING_MM) / 1000
        return ReleasedCase(
            **{
                "case_id": case_id,
                "patient_id": f"p-{case_id}",
                "data_set": "made",
                "held_out": False,
                "folder": folder,
                "masks": tuple(
                    ReleasedMask(
                        organ=name,
                        source=MaskSource.REVISED if name == "liver" else MaskSource.PREDICTED,
                        path=folder / "segmentations" / f"{name}.nii.gz",
                        volume_ml=float(mask.sum() * voxel_ml),
                        made_by="starter",
                    )
                    for name, mask in masks.items()
                ),
                **fields,
            }
        )

    return make
