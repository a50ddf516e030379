"""Write the list of tasks that MITK opens, over the folders that were exported.

Source:
    docs.mitk.org, "MITK Segmentation Task Lists", version 1 of the format. Paths are relative to the list.
    MITK saves an interim result beside the result, with `.interim` before the ending.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from omentum.records import WHOLE_CT
from omentum.review.export import mask_path
from omentum.review.task_file import TASK_NAME, TaskFile, read_task_file
from omentum.volumes.atomic import write_json
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.nifti_slices import read_nifti_part

__all__ = ["MITK_LABELS", "MITK_TASKS", "is_interim", "write_mitk_tasks"]

MITK_TASKS = "mitk-tasks.json"
MITK_LABELS = "mitk-labels.json"
_INTERIM = ".interim"
_ABOUT = (
    "Correct what is wrong; HOW_TO.txt in the folder of the case says where to look. "
    "A mask that is right is accepted as it is."
)


def write_mitk_tasks(folder: Path) -> Path:
    """Write the list of the tasks of all cases that were exported into a folder.

    Those about a whole CT are left out, as no mask answers them. An organ without a voxel begins with an
    empty label of its name.

    Args:
        folder: Holds a folder for each case.

    Returns:
        The list.

    Raises:
        ReviewError: A `task.json` in the folder is damaged.
    """
    tasks: list[dict[str, str]] = []
    for path in sorted(folder.glob(f"*/{TASK_NAME}")):
        told = read_task_file(path.parent)
        if told is not None:
            tasks += _tasks_of(path.parent, told)
    colours = [{"name": row.name, "color": "#{:02x}{:02x}{:02x}".format(*row.colour)} for row in ORGANS]
    write_json(folder / MITK_LABELS, colours)
    write_json(folder / MITK_TASKS, _listed(tasks))
    return folder / MITK_TASKS


def is_interim(path: Path) -> bool:
    """Tell whether a file is a result that MITK saved before the task was finished."""
    return _INTERIM in path.suffixes[:-1]


def _listed(tasks: Sequence[dict[str, str]]) -> dict[str, Any]:
    return {
        "FileFormat": "MITK Segmentation Task List",
        "Version": 1,
        "Name": "Omentum",
        "Defaults": {"LabelNameSuggestions": MITK_LABELS},
        "Tasks": list(tasks),
    }


def _tasks_of(folder: Path, told: TaskFile) -> Iterator[dict[str, str]]:
    for name, shown in reversed(list(told.organs.items())):  # the first in the queue is the last there
        if shown.task_number is not None and name != WHOLE_CT:
            yield _task(folder, name)


def _task(folder: Path, name: str) -> dict[str, str]:
    row, mask = organ(name), mask_path(folder, name)
    task = {
        "Name": f"{folder.name}: {row.display_name}",
        "Description": _ABOUT,
        "Image": f"{folder.name}/ct.nii.gz",
        "LabelName": row.name,
        "Result": f"{folder.name}/{row.name}_revised.nrrd",
    }
    if mask.is_file() and read_nifti_part(mask)[1] is not None:
        task["Segmentation"] = f"{folder.name}/{mask.name}"
    return task
