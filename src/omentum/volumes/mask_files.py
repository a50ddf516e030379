"""Write and read the masks of a case as NIfTI files."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from omentum.errors import UnreadableImageError
from omentum.volumes.atomic import write_json
from omentum.volumes.labels import ORGANS
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti, read_nifti_note, write_nifti
from omentum.volumes.volume import Volume

__all__ = [
    "is_label_table",
    "read_masks",
    "read_sets",
    "write_label_table",
    "write_masks",
    "write_organ_files",
    "write_painted",
]


def write_masks(path: Path, masks: MaskSet) -> None:
    """Write the set-coded map with its table of sets in the header."""
    note = {"sets": [list(members) for members in masks.sets], "organs": list(masks.organs)}
    write_nifti(path, Volume(masks.codes, masks.geometry), note=note)


def read_masks(path: Path) -> MaskSet:
    """Read what `write_masks` wrote.

    Raises:
        UnreadableImageError: It is not such a file.
    """
    sets, organs = read_sets(path)
    volume = read_nifti(path)
    return MaskSet(volume.voxels, sets, organs, volume.geometry)


def read_sets(path: Path) -> tuple[tuple[tuple[int, ...], ...], tuple[str, ...]]:
    """Read the table of a set-coded map: the organ indices of each code, and the names of its organs.

    Raises:
        UnreadableImageError: It is not such a file.
    """
    note = read_nifti_note(path)
    if not isinstance(note, dict) or not {"sets", "organs"} <= note.keys():
        raise UnreadableImageError(
            path, "its header holds no table of organ sets", "run `omentum predict` again"
        )
    return tuple(tuple(members) for members in note["sets"]), tuple(note["organs"])


def write_organ_files(folder: Path, masks: MaskSet, organs: Iterable[str] | None = None) -> list[Path]:
    """Write `folder/<organ>.nii.gz`, uint8 0/1, for each organ of the map, also empty ones."""
    paths = []
    for name in masks.organs if organs is None else organs:
        paths.append(folder / f"{name}.nii.gz")
        write_nifti(paths[-1], Volume(masks.mask(name), masks.geometry))
    return paths


def write_painted(path: Path, masks: MaskSet) -> None:
    """Write one uint8 label map of 32-class indices, and `labels.json` beside it."""
    write_nifti(path, Volume(masks.painted().astype(np.uint8, copy=False), masks.geometry))
    write_label_table(path.parent / "labels.json")


def write_label_table(path: Path) -> None:
    """Write which index is which organ, for programs and people."""
    write_json(path, _table())


def is_label_table(path: Path) -> bool:
    """Tell whether a file is the table of 32-class indices."""
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")) == _table())
    except (OSError, ValueError):
        return False


def _table() -> dict[str, str]:
    return {"0": "background", **{str(row.index): row.name for row in ORGANS}}
