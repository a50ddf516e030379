"""Make a large project in the middle of a round: many cases in the database, some of them with voxels.

In:  numbers of cases.
Out: a project on disk whose next tasks are those of cases with voxels; a tenth of the round is done.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from browsing.projects import NETWORK, Patient, make_project
from omentum.project.project import Project, opened
from omentum.records import Case, Prediction, ReaderAnswer, Revision, Task, TaskState
from omentum.store.tasks import pool_of
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.volume import Volume

__all__ = ["ORGANS", "make_large_project"]

ORGANS = ("spleen", "liver", "pancreas")
SHAPE, SPACING_MM = (96, 96, 64), (1.5, 1.5, 3.0)
_EARLIER = tuple(f"earlier-{n}" for n in range(8))
"""Readers of what is done already."""


def make_large_project(root: Path, *, n_cases: int, n_real: int, database: str | None = None) -> None:
    """Make a project with a task for each organ of each case.

    Args:
        root: Gets the project; it must not be there yet.
        n_cases: In the database.
        n_real: Of those, with a CT and masks on disk; their tasks come next.
        database: URL of it; the project's own SQLite file where not said.
    """
    make_project(root, _patients(n_real), ORGANS, database=database)
    with opened(root) as project:
        real = [one.case_id for one in project.store.cases.all()]
        rows = [f"row_{n:05d}" for n in range(n_cases - n_real)]
        _add_rows(project, rows)
        n_done = min(n_cases // 10, len(rows))
        tasks = _queue(project, [*rows[:n_done], *real, *rows[n_done:]])
        _end(project, tasks[: n_done * len(ORGANS)])


def _patients(n: int) -> Iterator[Patient]:
    """Make CTs of noise with three boxes as organs, the middle of each a hot spot."""
    geometry = Geometry(SHAPE, np.diag([-SPACING_MM[0], -SPACING_MM[1], SPACING_MM[2], 1.0]))
    labels, wanted = np.zeros(SHAPE, dtype=np.uint8), {}
    for place, name in enumerate(ORGANS):
        low = 6 + 30 * place
        labels[low : low + 24, 20:70, 12:52] = organ(name).index
        wanted[name] = np.zeros(SHAPE, dtype=bool)
        wanted[name][low + 8 : low + 16, 36:52, 24:40] = True
    masks = MaskSet.from_labels(labels, geometry, ORGANS)
    for number in range(n):
        hu = np.random.default_rng(number).normal(0, 20, SHAPE).astype(np.int16)
        hu += np.where(labels > 0, np.int16(90), np.int16(-20))
        yield Patient(f"real_{number:04d}", Volume(hu, geometry), masks, wanted)


def _add_rows(project: Project, names: Sequence[str]) -> None:
    """Add cases that have no file, as if they were added and predicted."""
    geometry, folder = Geometry((512, 512, 300), np.diag([-0.8, -0.8, 1.0, 1.0])), project.folder
    cases = [
        Case(
            case_id=name,
            patient_id=f"patient-{name}",
            ct_path=folder.case_dir(name) / "ct.nii.gz",
            geometry=geometry,
            source=f"/scans/{name}.nii.gz",
        )
        for name in names
    ]
    with project.store.together():
        project.store.cases.add_all(cases)
        for name in names:
            made = Prediction(
                case_id=name,
                network=NETWORK,
                weights_sha256="0" * 64,
                folder=folder.prediction_dir(name, NETWORK),
                organs=ORGANS,
                masks_sha256="0" * 64,
            )
            project.store.predictions.keep(made, dict.fromkeys(ORGANS, "0" * 64))


def _queue(project: Project, names: Sequence[str]) -> list[Task]:
    plain = Task(round_number=1, case_id="", organ="", rank=0, attention_ml=3.0, error_ml=2.0, n_spots=1)
    pairs = [(name, organ_name) for name in names for organ_name in ORGANS]
    tasks = [
        replace(plain, case_id=name, organ=organ_name, rank=rank, network=NETWORK, minutes=2.0)
        for rank, (name, organ_name) in enumerate(pairs, start=1)
    ]
    return project.store.tasks.replace(1, tasks)


def _end(project: Project, tasks: Sequence[Task]) -> None:
    """Note of tasks that a reader each has handed in a mask."""
    store = project.store
    with store.together():
        for task in tasks:
            reader = _EARLIER[(task.number or 0) % len(_EARLIER)]
            store.revisions.add(_revision(project, task, reader))
            store.leases.end(pool_of(1), str(task.number), reader)
        store.tasks.set_state([task.number or 0 for task in tasks], TaskState.DONE)


def _revision(project: Project, task: Task, reader: str) -> Revision:
    return Revision(
        case_id=task.case_id,
        organ=task.organ,
        path=project.folder.revision_dir(task.case_id, task.organ) / "mask.nii.gz",
        sha256="1" * 64,
        round_number=1,
        reader=reader,
        says=ReaderAnswer.REVISED,
        network=NETWORK,
        task_number=task.number,
        minutes=2.0,
        added_ml=1.0,
        removed_ml=0.5,
        dice_to_base=0.97,
        time=datetime.now(UTC),
    )
