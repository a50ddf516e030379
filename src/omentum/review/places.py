"""Find the cases' folders in what readers bring back, and say which case each is of."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from omentum.errors import ReviewError, UnknownCaseError
from omentum.project.project import Project
from omentum.review.task_file import TASK_NAME, TaskFile, project_id, read_task_file
from omentum.volumes.hidden_files import is_hidden

__all__ = ["Place", "places_below"]

_FOLDERS_INSIDE_A_CASE = ("average", "segmentations")
"""Published folders have the masks of a case in these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The files of one case that lie together."""

    folder: Path
    """Where its `task.json` would be."""
    files: list[Path]
    case_id: str | None
    """`None` where they are of no case of the project."""
    problem: str = ""
    """Why, then."""
    task_file: TaskFile | None = None


def places_below(project: Project, folder: Path) -> list[Place]:
    """Group all files below a folder by the case that they are of, in the order of cases.

    A case is named in the `task.json` beside a file or above it, else by the folder that the file lies in;
    folders called `segmentations` or `average` belong to the one above. A case that was renamed is found by
    the number of a task.
    """
    by_folder: dict[Path, list[Path]] = {}
    for path in sorted(_files_below(folder)):
        by_folder.setdefault(_folder_of(path, folder), []).append(path)
    places = [_place(project, where, files) for where, files in by_folder.items()]
    return sorted(places, key=lambda one: (one.case_id is None, one.case_id or "", one.folder))


def _files_below(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if (path.is_file() or path.is_symlink()) and not is_hidden(path, folder):
            yield path


def _folder_of(path: Path, top: Path) -> Path:
    """Give the nearest folder with a `task.json`; else the one that is named after a case."""
    for folder in path.parents:
        if (folder / TASK_NAME).is_file():
            return folder
        if folder == top:
            break
    folder = path.parent
    while folder.name in _FOLDERS_INSIDE_A_CASE and folder.parent != folder:
        folder = folder.parent
    return folder


def _place(project: Project, folder: Path, files: list[Path]) -> Place:
    try:
        task_file = read_task_file(folder)
    except ReviewError as error:
        return Place(folder=folder, files=files, case_id=None, problem=str(error))
    name = folder.absolute().name if task_file is None else task_file.case_id
    problem = ""
    if task_file is not None and task_file.project not in ("", project_id(project.folder)):
        return Place(
            folder=folder, files=files, case_id=None, problem="the folder was exported from another project"
        )
    if task_file is not None:
        name = _renamed(project, task_file) or name
    name = name if _is_case(project, name) else project.store.former_names.current(name)
    if task_file is None and not _is_case(project, name):
        problem = f"there is no {TASK_NAME} beside it, and no case is called {name!r}"
    if not _is_case(project, name):
        problem = problem or f"the project has no case {name!r}, of which its {TASK_NAME} is"
        return Place(folder=folder, files=files, case_id=None, problem=problem)
    return Place(folder=folder, files=files, case_id=name, task_file=task_file)


def _is_case(project: Project, name: str) -> bool:
    try:
        project.store.cases.get(name)
    except UnknownCaseError:
        return False
    return True


def _renamed(project: Project, task_file: TaskFile) -> str | None:
    """Give the case that a folder's tasks are of now; `None` where none of them is there."""
    for shown in task_file.organs.values():
        task = None if shown.task_number is None else project.store.tasks.get(shown.task_number)
        if task is not None and (task.organ, task.round_number) == (shown.organ, task_file.round_number):
            return task.case_id
    return None
