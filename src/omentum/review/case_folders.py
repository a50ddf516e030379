"""Find the cases' folders in what readers bring back, and say which case each is of."""

from dataclasses import dataclass, replace
from pathlib import Path

from omentum.errors import ReviewError, UnknownCaseError
from omentum.project.project import Project
from omentum.review.task_file import (
    TASK_NAME,
    ShownOrgan,
    TaskFile,
    project_id,
    read_task_file,
    segments_name,
)
from omentum.volumes.file_hash import file_sha256

__all__ = ["CaseFolder", "case_folders_below"]

_FOLDERS_INSIDE_A_CASE = ("average", "segmentations")
"""Published folders have the masks of a case in these."""
_EXPORTED_NAMES = ("labels.json", "labels.label.txt", "labels.ctbl", "HOW_TO.txt", "ct.nii.gz")
"""What every version of the program exported, besides masks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFolder:
    """The files of one case that lie together."""

    folder: Path
    """Where its `task.json` would be."""
    files: list[Path]
    case_id: str | None
    """`None` where they are of no case of the project."""
    problem: str = ""
    """Why, then."""
    task_file: TaskFile | None = None

    def is_exported(self, path: Path) -> bool:
        """Tell whether a file has the name of one that was exported into this folder."""
        if self.task_file is None or path.parent != self.folder:
            return False
        if self.task_file.files:
            return path.name in self.task_file.files
        return path.name in _EXPORTED_NAMES or path.name.startswith("attention_")

    def is_changed(self, path: Path) -> bool:
        """Tell whether somebody saved over a file of the export; never where its hash was not noted."""
        kept = None if self.task_file is None else self.task_file.files.get(path.name)
        return kept is not None and file_sha256(path) != kept

    def is_segments(self, path: Path) -> bool:
        """Tell whether a file is that of the segments of all organs, as it was exported or saved over."""
        told = self.task_file
        is_here = told is not None and bool(told.segments) and path.parent == self.folder
        return is_here and told is not None and path.name == segments_name(told.case_id)

    def shown(self, project: Project, name: str) -> ShownOrgan:
        """Give what the folder shows of an organ, with its task if that is still there."""
        told = self.task_file
        if told is None or self.case_id is None:
            return ShownOrgan(organ=name)
        shown = told.organs.get(name, ShownOrgan(organ=name))
        task = None if shown.task_number is None else project.store.tasks.get(shown.task_number)
        if task is None or task.key != (self.case_id, name):
            shown = replace(shown, task_number=None)
        if shown.base_sha256 is None:
            hashes = project.store.predictions.hashes_of(self.case_id, told.network)
            shown = replace(shown, base_sha256=hashes.get(name))
        return shown


def case_folders_below(project: Project, folder: Path) -> list[CaseFolder]:
    """Group all files below a folder by the case that they are of, in the order of cases.

    A case is named in the `task.json` beside a file or above it, else by the folder that the file lies in;
    folders called `segmentations` or `average` belong to the one above. A case that was renamed is found by
    the number of a task.
    """
    by_folder: dict[Path, list[Path]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink()):
        by_folder.setdefault(_folder_of(path, folder), []).append(path)
    case_folders = [_case_folder(project, where, files) for where, files in by_folder.items()]
    return sorted(case_folders, key=lambda one: (one.case_id is None, one.case_id or "", one.folder))


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


def _case_folder(project: Project, folder: Path, files: list[Path]) -> CaseFolder:
    try:
        task_file = read_task_file(folder)
        case_id = _case_of(project, folder, task_file)
    except ReviewError as error:
        return CaseFolder(folder=folder, files=files, case_id=None, problem=str(error))
    return CaseFolder(folder=folder, files=files, case_id=case_id, task_file=task_file)


def _case_of(project: Project, folder: Path, task_file: TaskFile | None) -> str:
    """Give the case that a folder is of; there being none raises `ReviewError`."""
    if task_file is None:
        name = folder.absolute().name
        problem = f"there is no {TASK_NAME} beside it, and no case is called {name!r}"
    else:
        if task_file.project not in ("", project_id(project.folder)):
            raise ReviewError("the folder was exported from another project")
        name = _renamed(project, task_file) or task_file.case_id
        problem = f"the project has no case {name!r}, of which its {TASK_NAME} is"
    name = name if _is_case(project, name) else project.store.former_names.current(name)
    if not _is_case(project, name):
        raise ReviewError(problem)
    return name


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
