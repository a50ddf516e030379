"""Write the tasks of a reader as folders that any viewer opens."""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from omentum.errors import ImageError, ReviewError
from omentum.project.project import Project
from omentum.records import Failure, Task, TaskState
from omentum.review.claimed_tasks import give_back
from omentum.review.claims import claim
from omentum.review.export import ExportHeader, export_task
from omentum.review.mitk_tasks import write_mitk_tasks
from omentum.review.shown_masks import shown_case
from omentum.review.task_file import TASK_NAME, project_id, read_task_file
from omentum.review.task_layout import DEFAULT_OPTIONS, ExportOptions, TaskLayout
from omentum.review.tasks import ANY_TASK, TaskFilter
from omentum.store.tasks import pool_of

__all__ = ["Exported", "export_round", "holder_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What went out."""

    tasks: tuple[Task, ...]
    """By case and rank."""
    left_out: tuple[Failure, ...] = ()
    """Cases whose tasks cannot be shown now, with the reason."""


def holder_of(folder: Path) -> str:
    """Name the holder of tasks that go out to a folder and to no named reader."""
    return f"folder:{folder.absolute()}"


def export_round(
    project: Project,
    folder: Path,
    *,
    top: int | None = None,
    reader: str | None = None,
    only: TaskFilter = ANY_TASK,
    options: ExportOptions = DEFAULT_OPTIONS,
) -> Exported:
    """Write free tasks, by rank; the same reader, or the same folder, gets the same again.

    Args:
        project: The project.
        folder: Gets a folder for each case.
        top: Most tasks; all where not said.
        reader: Who gets them; the folder itself holds them where not said.
        only: Which tasks.
        options: In which layout, and for how long.

    Raises:
        ReviewError: No task can go out, or the folder has tasks of another round or project.
    """
    number = project.store.rounds.current().number
    header = ExportHeader(
        project=project_id(project.folder),
        holder=reader or holder_of(folder),
        network=project.networks[0],
        layout=options.layout,
    )
    _check_folder(folder, number, header.project)
    problems = _Problems(project, header.network)
    tasks = claim(
        project, header.holder, top, only=only, lasting=options.lasting, can_be_shown=problems.is_shown
    )
    if not tasks and not (only.goes_on and project.store.leases.had(pool_of(number), header.holder)):
        raise ReviewError(problems.why_none(only, reader))
    written: list[Task] = []
    failed: list[Failure] = []
    tasks.sort(key=lambda task: task.case_id)
    for case_id, group in groupby(tasks, key=lambda task: task.case_id):
        of_case = list(group)
        try:
            export_task(
                of_case,
                project.store.cases.get(case_id),
                shown_case(project, of_case, header.network),
                header=header,
                attention_dir=project.folder.attention_dir(case_id),
                folder=folder,
            )
        except (ImageError, ReviewError) as error:
            numbers = [task.number for task in of_case if task.number is not None]
            give_back(project, numbers, header.holder)
            failed.append(Failure(key=case_id, reason=str(error)))
        else:
            written += of_case
    if options.layout is TaskLayout.MITK and written:
        write_mitk_tasks(folder)
    return Exported(tasks=tuple(written), left_out=(*problems.told, *failed))


class _Problems:
    """Why cases cannot be shown, found out once for each."""

    def __init__(self, project: Project, network: str) -> None:
        self._project = project
        self._network = network
        self._predictions = project.predictions(network)
        self._known: dict[tuple[str, bool], str] = {}

    @property
    def told(self) -> list[Failure]:
        """Give each case that cannot be shown, with the reason."""
        found = {case_id: why for (case_id, _), why in sorted(self._known.items()) if why}
        return [Failure(key=case_id, reason=why) for case_id, why in found.items()]

    def is_shown(self, task: Task) -> bool:
        """Tell whether the files that a task shows are there."""
        key = task.case_id, task.is_of_ct
        if key not in self._known:
            self._known[key] = self._why_not(task)
        return not self._known[key]

    def _why_not(self, task: Task) -> str:
        case = self._project.store.cases.get(task.case_id)
        if not case.ct_path.is_file():
            return (
                f"{case.ct_path} is gone; bring it back, or leave the case out with `omentum cases exclude`"
            )
        made = self._predictions.get(task.case_id)
        if not task.is_of_ct and (made is None or not made.masks_path.is_file()):
            return (
                f"{self._network} has no prediction of {task.case_id} any more; "
                "run `omentum predict` and `omentum score` again"
            )
        return ""

    def why_none(self, only: TaskFilter, reader: str | None) -> str:
        """Say why no task goes out."""
        store = self._project.store
        number = store.rounds.current().number
        wanted = [task for task in store.tasks.of_round(number) if only.takes(task)]
        if self.told:
            return f"no task can be shown: {self.told[0].key}: {self.told[0].reason}"
        out = store.leases.all(pool_of(number))
        holders = sorted({one.holder for task in wanted for one in out.get(str(task.number), ())} - {reader})
        if any(task.state is TaskState.CLAIMED for task in wanted) and holders:
            return (
                f"round {number} has none of these tasks free: {', '.join(holders)} have them; "
                "ask for a second reading with --again"
            )
        return f"round {number} has no open task; make the queue with `omentum score`"


def _check_folder(folder: Path, number: int, project: str) -> None:
    """Refuse a folder that holds tasks of another round or project, before a task is claimed."""
    for path in sorted(folder.glob(f"*/{TASK_NAME}")):
        before = read_task_file(path.parent)
        if before is not None and before.project not in ("", project):
            raise ReviewError(f"{path.parent} was exported from another project; name another folder")
        if before is not None and before.round_number != number:
            raise ReviewError(
                f"a task of round {number} cannot be exported with those of round {before.round_number} in "
                f"{path.parent}; give each round a folder of its own"
            )
