"""What do people do in a round, by files? Tasks go out as folders, revised masks come back.

In:  an open project whose queue is made; folders in which readers saved.
Out: task folders for any viewer; revisions, kept for good and noted in the database.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.errors import ReviewError
from omentum.records import Case, Revision, Task, TaskState
from omentum.review.export import export_task
from omentum.review.take import FoundRevision, Reading, find_revisions, shared_minutes, take_revision
from omentum.volumes.mask_files import read_masks
from omentum.workspace import Workspace

__all__ = ["export_round", "import_round"]


def export_round(workspace: Workspace, folder: Path, *, top: int | None = None) -> list[Task]:
    """Write the first tasks of the queue that are not done, as folders that any viewer opens.

    Args:
        workspace: The project.
        folder: Gets a folder for each case.
        top: Most tasks; all where not said.

    Returns:
        The tasks that are out now.

    Raises:
        ReviewError: There is no queue, or all of it is done.
    """
    number = workspace.store.rounds.current().number
    open_tasks = [task for task in workspace.store.tasks.of_round(number) if task.state is not TaskState.DONE]
    if not open_tasks:
        raise ReviewError(f"round {number} has no open task; make the queue with `omentum score`")
    chosen = sorted(open_tasks[:top], key=lambda task: task.case_id)
    network = workspace.networks[0]
    predictions = workspace.predictions(network)
    for case_id, tasks in groupby(chosen, key=lambda task: task.case_id):
        export_task(
            sorted(tasks, key=lambda task: task.rank),
            workspace.store.cases.get(case_id),
            read_masks(predictions[case_id].masks_path),
            network=network,
            attention_dir=workspace.folder.attention_dir(case_id),
            folder=folder,
        )
    keys = [(task.case_id, task.organ) for task in chosen]
    workspace.store.tasks.set_state(number, keys, TaskState.EXPORTED)
    return chosen


def import_round(
    workspace: Workspace,
    folder: Path,
    *,
    reader: str = "reader-1",
    minutes: float | None = None,
    minutes_of: Mapping[tuple[str, str], float] | None = None,
) -> list[Revision]:
    """Take the masks saved as `<organ>_revised.nii.gz`; what was taken before is not taken twice.

    Args:
        workspace: The project.
        folder: Task folders, or one of them.
        reader: Pseudonym of who revised.
        minutes: Time for all masks together; shared out equally.
        minutes_of: Time for each case and organ, where it is known.

    Returns:
        One revision a mask, in the order of cases and organs.

    Raises:
        ReviewError: There is none, or of an organ that was not predicted.
        UnknownCaseError: A mask is of no case of the project.
        ImageError: A mask cannot be used; those before it are kept.
    """
    found = find_revisions(folder)
    if not found:
        raise ReviewError(f"{folder} holds no <organ>_revised.nii.gz; save revised masks under such names")
    times = {**shared_minutes(found, minutes), **(minutes_of or {})}
    number = workspace.store.rounds.current().number
    network = workspace.networks[0]
    taken = []
    for one in found:
        reading = Reading(
            round_number=number, reader=reader, network=network, minutes=times[one.case_id, one.organ]
        )
        case = workspace.store.cases.get(one.case_id)
        revision_dir = workspace.folder.revision_dir(one.case_id, one.organ)
        before = _before(workspace, case, one, network)
        revision = take_revision(one.path, case, one.organ, before, revision_dir, reading)
        taken.append(workspace.store.revisions.add(revision))
    _mark_done(workspace, number, found)
    return taken


def _before(workspace: Workspace, case: Case, found: FoundRevision, network: str) -> npt.NDArray[np.bool_]:
    prediction = workspace.predictions(network).get(case.case_id)
    if prediction is None or found.organ not in prediction.organs:
        return np.zeros(case.geometry.shape, dtype=bool)
    return read_masks(prediction.masks_path).mask(found.organ)


def _mark_done(workspace: Workspace, number: int, found: Sequence[FoundRevision]) -> None:
    queued = {(task.case_id, task.organ) for task in workspace.store.tasks.of_round(number)}
    keys = [(one.case_id, one.organ) for one in found if (one.case_id, one.organ) in queued]
    workspace.store.tasks.set_state(number, keys, TaskState.DONE)
