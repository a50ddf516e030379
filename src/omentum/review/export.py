"""What does a reader get to open?

In:  the tasks of one case, the masks that a network made of it, and its attention maps.
Out: a folder with the CT, one mask for each organ to look at, and what viewers need to show them well:
     ITK-SNAP, 3D Slicer, or any other that reads and writes NIfTI.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.errors import GridMismatchError, ReviewError
from omentum.records import Case, Task
from omentum.review.colour_tables import itk_snap_labels, slicer_colours
from omentum.review.how_to import how_to
from omentum.volumes.mask_hash import mask_sha256
from omentum.volumes.atomic import copy, write_json, write_text
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import write_painted
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import write_nifti
from omentum.volumes.read import read_mask
from omentum.volumes.volume import Volume

__all__ = ["TASK_NAME", "export_task", "mask_path", "read_task", "revised_path"]

TASK_NAME = "task.json"
"""Written last: where it is, the export is whole."""

_HOT_SPOTS_NAME = "hot_spots.json"


def mask_path(folder: Path, organ_name: str) -> Path:
    """Give the path of the mask that is shown, in the folder of a case."""
    return folder / f"{organ_name}.nii.gz"


def revised_path(folder: Path, organ_name: str) -> Path:
    """Give the path under which a reader saves a mask, in the folder of a case."""
    return folder / f"{organ_name}_revised.nii.gz"


def read_task(folder: Path) -> dict[str, Any]:
    """Read `task.json` of an exported case; empty where there is none."""
    path = folder / TASK_NAME
    try:
        loaded = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError:
        loaded = None
    if not isinstance(loaded, dict):
        raise ReviewError(f"{path} is not the JSON that was exported; delete it and export the case again")
    return loaded


def export_task(
    tasks: Sequence[Task],
    case: Case,
    masks: MaskSet,
    *,
    network: str,
    attention_dir: Path,
    folder: Path,
) -> Path:
    """Write all that a reader needs for one case.

    Writes into `folder/<case_id>/`: `ct.nii.gz` (a copy), `<organ>.nii.gz` (uint8, the organ's 32-class
    index, so that one colour table is right for all), `attention_<organ>.nii.gz` where there is one,
    `labels.nii.gz` (all organs that were predicted), two colour tables, `task.json` and `HOW_TO.txt`.
    Again, it changes nothing that is there already, and never a mask that a reader saved. Of organs that are
    audited, nothing is written that tells how they scored.

    Args:
        tasks: Organs of this case to look at, in the order of the queue.
        case: The case.
        masks: What was predicted, on the CT's grid.
        network: Whose prediction it is.
        attention_dir: May hold `<organ>.nii.gz` and `hot_spots.json`.
        folder: Gets a folder for the case.

    Returns:
        The case's folder.

    Raises:
        ReviewError: There are no tasks, or of another case, or of another round than what is in the
            folder; or a reader saved over a mask that was shown.
        UnknownOrganError: A task's organ was not predicted.
        GridMismatchError: The masks do not lie on the CT's grid.
    """
    task_dir = folder / case.case_id
    before = read_task(task_dir)
    _check_tasks(tasks, case, before.get("round", tasks[0].round_number if tasks else None))
    if not masks.geometry.same_grid(case.geometry):
        raise GridMismatchError(
            f"masks of {network}", f"they are not on the grid of {case.ct_path}", "predict the case again"
        )
    hashes: dict[str, str] = before.get("sha256", {})
    if not (task_dir / "ct.nii.gz").exists():
        copy(case.ct_path, task_dir / "ct.nii.gz")
    for task in tasks:
        hashes[task.organ] = _show(task.organ, masks, case, task_dir, hashes.get(task.organ))
    write_painted(task_dir / "labels.nii.gz", masks)
    spots = _show_attention(tasks, attention_dir, task_dir)
    write_text(task_dir / "labels.label.txt", itk_snap_labels())
    write_text(task_dir / "labels.ctbl", slicer_colours())
    write_text(task_dir / "HOW_TO.txt", how_to(tasks))
    write_json(task_dir / TASK_NAME, _described(tasks, network, hashes, spots))
    return task_dir


def _check_tasks(tasks: Sequence[Task], case: Case, round_before: int | None) -> None:
    if not tasks:
        raise ReviewError(f"there is no task for case {case.case_id!r}; `omentum score` makes the queue")
    for task in tasks:
        if task.case_id != case.case_id:
            raise ReviewError(f"a task of case {task.case_id!r} cannot be exported with {case.case_id!r}")
        if task.round_number != round_before:
            raise ReviewError(
                f"a task of round {task.round_number} cannot be exported with those of round {round_before}; "
                "give each round a folder of its own"
            )


def _show(organ_name: str, masks: MaskSet, case: Case, task_dir: Path, before: str | None) -> str:
    """Write one mask unless it is there already; give its hash."""
    path = mask_path(task_dir, organ_name)
    mask = masks.mask(organ_name)
    sha256 = mask_sha256(mask, case.geometry)
    if before is not None and path.exists():
        on_disk = mask_sha256(read_mask(path, case.geometry).voxels > 0, case.geometry)
        if on_disk != before:
            raise ReviewError(
                f"{path} was changed after it was exported; rename it to "
                f"{revised_path(task_dir, organ_name).name} if it is a revision, or delete it"
            )
        if on_disk == sha256:
            return sha256
    write_nifti(path, Volume(_coloured(mask, organ_name), case.geometry))
    return sha256


def _coloured(mask: npt.NDArray[np.bool_], organ_name: str) -> npt.NDArray[np.uint8]:
    return mask.view(np.uint8) * np.uint8(organ(organ_name).index)


def _show_attention(tasks: Sequence[Task], attention_dir: Path, task_dir: Path) -> list[dict[str, Any]]:
    """Copy the attention maps of these organs; give their hot spots."""
    for task in tasks:
        heat = attention_dir / f"{task.organ}.nii.gz"
        shown = task_dir / f"attention_{task.organ}.nii.gz"
        if heat.exists() and not task.is_whole:
            copy(heat, shown)
        else:
            shown.unlink(missing_ok=True)
    path = attention_dir / _HOT_SPOTS_NAME
    spots = json.loads(path.read_text(encoding="utf-8"))["hot_spots"] if path.exists() else []
    organs = {task.organ for task in tasks if not task.is_whole}
    return [spot for spot in spots if spot["organ"] in organs]


def _described(
    tasks: Sequence[Task], network: str, hashes: dict[str, str], spots: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "round": tasks[0].round_number,
        "case_id": tasks[0].case_id,
        "network": network,
        "organs": [_described_organ(task) for task in tasks],
        "sha256": hashes,
        "hot_spots": spots,
    }


def _described_organ(task: Task) -> dict[str, Any]:
    """Say why an organ is to be looked at; where it is audited, nothing that tells how it scored."""
    if task.is_whole:
        return {"organ": task.organ, "look_at": "the whole organ"}
    return {"organ": task.organ, "rank": task.rank, "attention_ml": task.attention_ml}
