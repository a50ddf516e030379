"""What do people do in a round, by files? Tasks go out as folders, revised masks come back.

In:  an open project whose queue is made; folders in which readers saved.
Out: task folders for any viewer; revisions, kept for good and noted in the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.errors import ReviewError
from omentum.project.project import Workspace
from omentum.records import Case, Prediction, Revision, Task, TaskState
from omentum.review.export import export_task
from omentum.review.take import FoundRevision, Reading, find_revisions, shared_minutes, take_revision
from omentum.volumes.mask_files import read_masks

__all__ = ["export_round", "import_round", "mark_done", "noted", "predicted_mask"]


def export_round(workspace: Workspace, folder: Path, *, top: int | None = None) -> list[Task]:
    """Write the first tasks of the queue that are not done, as folders that any viewer opens.

    Args:
        workspace: The project.
        folder: Gets a folder for each case.
        top: Most tasks; all where not said.

    Returns:
        The tasks that are out now.

    Raises:
        ReviewError: There is no queue, or all of it is done; or a case of it is not predicted any more.
    """
    number = workspace.store.rounds.current().number
    open_tasks = [task for task in workspace.store.tasks.of_round(number) if task.state is not TaskState.DONE]
    if not open_tasks:
        raise ReviewError(f"round {number} has no open task; make the queue with `omentum score`")
    chosen = sorted(open_tasks[:top], key=lambda task: task.case_id)
    network = workspace.networks[0]
    predictions = workspace.predictions(network)
    if lost := sorted({task.case_id for task in chosen} - predictions.keys()):
        raise ReviewError(
            f"{network} has no prediction of {', '.join(lost)} any more, and the queue has tasks of it; "
            "run `omentum predict` and `omentum score` again"
        )
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
    return [replace(task, state=TaskState.EXPORTED) for task in chosen]


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
        One revision a mask, in the order of cases and organs; of an organ that was not predicted, all is
        added.

    Raises:
        ReviewError: There is none.
        UnknownCaseError: A mask is of no case of the project; nothing is taken then.
        ImageError: A mask cannot be used; those before it are kept.
    """
    found = find_revisions(folder)
    if not found:
        raise ReviewError(f"{folder} holds no <organ>_revised.nii.gz; save revised masks under such names")
    times = {**shared_minutes(found, minutes), **(minutes_of or {})}
    cases = {one.case_id: workspace.store.cases.get(one.case_id) for one in found}
    number = workspace.store.rounds.current().number
    network = workspace.networks[0]
    predictions = workspace.predictions(network)
    taken: list[Revision] = []
    try:
        for one in found:
            minutes_spent = times[one.case_id, one.organ]
            reading = Reading(round_number=number, reader=reader, network=network, minutes=minutes_spent)
            case = cases[one.case_id]
            revision_dir = workspace.folder.revision_dir(one.case_id, one.organ)
            before = predicted_mask(predictions.get(one.case_id), case, one.organ)
            taken.append(
                noted(workspace, take_revision(one.path, case, one.organ, before, revision_dir, reading))
            )
    finally:
        mark_done(workspace, number, found[: len(taken)])
    return taken


def noted(workspace: Workspace, revision: Revision) -> Revision:
    """Note a revision, unless it is the one that stands since an earlier round."""
    ours = [one for one in workspace.store.revisions.of_case(revision.case_id) if one.organ == revision.organ]
    if ours and ours[-1].sha256 == revision.sha256:
        return ours[-1]
    return workspace.store.revisions.add(revision)


def predicted_mask(prediction: Prediction | None, case: Case, organ_name: str) -> npt.NDArray[np.bool_]:
    """Give the mask `(x, y, z)` that a reader was shown; nothing where the organ was not predicted."""
    if prediction is None or organ_name not in prediction.organs:
        return np.zeros(case.geometry.shape, dtype=bool)
    return read_masks(prediction.masks_path).mask(organ_name)


def mark_done(workspace: Workspace, number: int, found: Sequence[FoundRevision]) -> None:
    """Say that the round's tasks of these masks are done, as far as it has such tasks."""
    queued = {(task.case_id, task.organ) for task in workspace.store.tasks.of_round(number)}
    keys = [(one.case_id, one.organ) for one in found if (one.case_id, one.organ) in queued]
    workspace.store.tasks.set_state(number, keys, TaskState.DONE)
