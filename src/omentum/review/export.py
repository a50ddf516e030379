"""Write the folder that a reader opens: the CT, one mask per organ, and label tables for viewers."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.errors import GridMismatchError
from omentum.records import Case, Task
from omentum.review.colour_tables import itk_snap_labels, slicer_colours
from omentum.review.how_to import how_to
from omentum.review.segment_export import show_segments
from omentum.review.shown_masks import ShownCase
from omentum.review.task_file import TASK_NAME, TASK_VERSION, ShownOrgan, TaskFile, read_task_file
from omentum.review.task_layout import TaskLayout
from omentum.review.written_folder import WrittenFolder
from omentum.volumes.atomic import write_json, write_text
from omentum.volumes.file_hash import copied_sha256
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import write_label_table, write_painted
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

__all__ = ["ExportHeader", "export_task", "mask_path", "revised_path"]

LABELS_NAME = "labels.nii.gz"
_HOT_SPOTS_NAME = "hot_spots.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportHeader:
    """What is the same for all cases of one export."""

    project: str
    """Id of the project."""
    holder: str
    """Reader or folder that has the tasks."""
    network: str
    """Whose masks are shown where no person drew."""
    layout: TaskLayout = TaskLayout.NIFTI
    """In which files the masks go out."""


def mask_path(folder: Path, organ_name: str) -> Path:
    """Give the path of the mask that is shown, in the folder of a case."""
    return folder / f"{organ_name}.nii.gz"


def revised_path(folder: Path, organ_name: str) -> Path:
    """Give the path under which a reader saves a mask, in the folder of a case."""
    return folder / f"{organ_name}_revised.nii.gz"


def export_task(
    tasks: Sequence[Task],
    case: Case,
    shown: ShownCase,
    *,
    header: ExportHeader,
    attention_dir: Path,
    folder: Path,
) -> Path:
    """Write all that a reader needs for one case.

    Writes into `folder/<case_id>/`: `ct.nii.gz` (a copy), `<organ>.nii.gz` (uint8, the organ's 32-class
    index, so that one colour table is right for all), `attention_<organ>.nii.gz` where there is one,
    `labels.nii.gz` (all organs that are known), two colour tables, `HOW_TO.txt` and `task.json`. In the
    layout `seg.nrrd`, `<case_id>.seg.nrrd` with all organs is in the place of masks, labels and colours.
    Again, it changes nothing that a reader saved, also over a file that was exported. Of organs that are
    audited, nothing is written that tells how they scored.

    Args:
        tasks: Organs of this case to look at, in the order of the queue; also the whole CT. They are of the
            round of those that are in the folder already.
        case: The case.
        shown: What a reader is shown of it, on the CT's grid.
        header: What is the same for all cases.
        attention_dir: May hold `<organ>.nii.gz` and `hot_spots.json`.
        folder: Gets a folder for the case.

    Returns:
        The case's folder.

    Raises:
        ReviewError: The `task.json` in the folder is damaged.
        UnreadableImageError: The CT is gone.
        GridMismatchError: The masks do not lie on the CT's grid.
    """
    nothing = TaskFile(round_number=tasks[0].round_number, case_id=case.case_id, network=header.network)
    task_dir = folder / case.case_id
    written = WrittenFolder(folder=task_dir, before=read_task_file(task_dir) or nothing)
    if not shown.masks.geometry.same_grid(case.geometry):
        raise GridMismatchError(
            f"masks of {header.network}",
            f"they are not on the grid of {case.ct_path}",
            "predict the case again",
        )
    if written.is_ours("ct.nii.gz") or written.is_changed("ct.nii.gz"):
        written.keep("ct.nii.gz")
    else:
        written.hashes["ct.nii.gz"] = copied_sha256(case.ct_path, written.folder / "ct.nii.gz")
    if header.layout is TaskLayout.SEG_NRRD:
        organs, segments = show_segments(tasks, shown, written)
        more: dict[str, Any] = {"segments": [_base(one) for one in segments]}
    else:
        organs, more = _show_files(tasks, shown, written)
    spots = _show_attention(tasks, attention_dir, shown, written)
    _write_text(written, "HOW_TO.txt", how_to(tasks, shown.ct_findings, header.layout))
    content = _described(tasks, organs, header, written)
    write_json(
        written.folder / TASK_NAME, content | _other_layout(written.before) | more | {"hot_spots": spots}
    )
    return written.folder


def _other_layout(before: TaskFile) -> dict[str, Any]:
    """Repeat what the folder said of files of the other layout, as they may still come back."""
    told: dict[str, Any] = {} if before.masks_sha256 is None else {"masks_sha256": before.masks_sha256}
    return told | (
        {"segments": [_base(before.organs[name]) for name in before.segments]} if before.segments else {}
    )


def _show_files(
    tasks: Sequence[Task], shown: ShownCase, written: WrittenFolder
) -> tuple[list[ShownOrgan], dict[str, Any]]:
    """Write one mask an organ, the labels and their tables; give what the folder says of them."""
    organs = [_show(task, shown, written) for task in tasks if not task.is_of_ct]
    masks_sha256 = _paint(shown, written)
    _write_text(written, "labels.label.txt", itk_snap_labels())
    _write_text(written, "labels.ctbl", slicer_colours())
    return organs, {"masks_sha256": masks_sha256}


def _write_text(written: WrittenFolder, name: str, text: str) -> None:
    write_text(written.folder / name, text)
    written.note(name)


def _show(task: Task, shown: ShownCase, written: WrittenFolder) -> ShownOrgan:
    """Write one mask unless it is there already; give what the folder says of it."""
    now = replace(shown.organs[task.organ], task_number=task.number)
    name = mask_path(written.folder, task.organ).name
    before = written.before.organs.get(task.organ)
    if before is not None and written.is_changed(name):
        written.keep(name)
        return before
    if before is not None and before.base_sha256 == now.base_sha256 and written.is_ours(name):
        written.keep(name)
        return now
    write_nifti(written.folder / name, Volume(_coloured(shown, task.organ), shown.masks.geometry))
    written.note(name)
    return now


def _coloured(shown: ShownCase, organ_name: str) -> npt.NDArray[np.uint8]:
    if organ_name not in shown.masks.organs:
        return np.zeros(shown.masks.geometry.shape, dtype=np.uint8)
    return shown.masks.mask(organ_name).view(np.uint8) * np.uint8(organ(organ_name).index)


def _paint(shown: ShownCase, written: WrittenFolder) -> str | None:
    """Write `labels.nii.gz` and its table; give the hash of the file of masks that it was painted of."""
    if shown.masks_sha256 is None:
        return None
    write_label_table(written.folder / "labels.json")
    written.note("labels.json")
    if written.is_changed(LABELS_NAME):
        written.keep(LABELS_NAME)
        return written.before.masks_sha256
    write_painted(written.folder / LABELS_NAME, shown.masks)
    written.note(LABELS_NAME)
    return shown.masks_sha256


def _show_attention(
    tasks: Sequence[Task], attention_dir: Path, shown: ShownCase, written: WrittenFolder
) -> list[dict[str, Any]]:
    """Copy the attention maps of these organs; give their hot spots."""
    for task in tasks:
        trial = shown.trials.get(task.organ)
        heat = attention_dir / f"{task.organ}.nii.gz" if trial is None else trial.attention
        name = f"attention_{task.organ}.nii.gz"
        if heat.exists() and not task.is_whole:
            written.hashes[name] = copied_sha256(heat, written.folder / name)
        else:
            (written.folder / name).unlink(missing_ok=True)
    organs = {task.organ for task in tasks if not task.is_whole} - shown.trials.keys()
    spots = [spot for spot in _spots_in(attention_dir / _HOT_SPOTS_NAME) if spot["organ"] in organs]
    return spots + [spot for trial in shown.trials.values() for spot in _spots_in(trial.hot_spots)]


def _spots_in(path: Path) -> list[dict[str, Any]]:
    found = json.loads(path.read_text(encoding="utf-8"))["hot_spots"] if path.exists() else []
    return list(found)


def _described(
    tasks: Sequence[Task], organs: Sequence[ShownOrgan], header: ExportHeader, written: WrittenFolder
) -> dict[str, Any]:
    """Say what the folder holds; organs of earlier exports stay in it, as their masks may still come back."""
    shown = {one.organ: one for one in organs}
    now = {task.organ for task in tasks}
    rows = [_described_organ(task, shown.get(task.organ)) for task in tasks]
    rows += [_base(one) for name, one in written.before.organs.items() if name not in now]
    gone = {f"attention_{name}.nii.gz" for name in now}
    kept = {name: sha256 for name, sha256 in written.before.files.items() if name not in gone}
    return {
        "version": TASK_VERSION,
        "project": header.project,
        "round": tasks[0].round_number,
        "case_id": tasks[0].case_id,
        "network": header.network,
        "holder": header.holder,
        "organs": rows,
        "sha256": dict(sorted((kept | written.hashes).items())),
    }


def _described_organ(task: Task, shown: ShownOrgan | None) -> dict[str, Any]:
    """Say why an organ is to be looked at; where it is audited, nothing that tells how it scored."""
    base = {"organ": task.organ, "task": task.number} if shown is None else _base(shown)
    if task.is_of_ct:
        return base | {"look_at": "the whole CT", "found": task.reason}
    if task.is_whole:
        return base | {"look_at": "the whole organ"}
    return base | {"rank": task.rank, "attention_ml": task.attention_ml}


def _base(shown: ShownOrgan) -> dict[str, Any]:
    return {
        "organ": shown.organ,
        "task": shown.task_number,
        "base": shown.base_sha256,
        "base_source": None if shown.base_source is None else shown.base_source.value,
    }
