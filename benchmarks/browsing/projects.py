"""Make projects for the review page: CTs, masks as a network's, and a queue of tasks.

In:  CTs and masks in memory.
Out: a project on disk, without probabilities: no stage runs on it, readers do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.project.project import ADD_STAGE, Project, begin_project, opened, prediction_stage
from omentum.project.settings import Settings
from omentum.records import Arrival, Case, Prediction, Task
from omentum.volumes.atomic import write_json
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.mask_files import write_masks
from omentum.volumes.mask_hash import organ_sha256s
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

__all__ = ["NETWORK", "Patient", "make_project"]

NETWORK = "synthetic"


@dataclass(frozen=True, slots=True, eq=False)
class Patient:
    """A CT with the masks that a reader is shown."""

    case_id: str
    ct: Volume
    masks: MaskSet
    wanted: dict[str, npt.NDArray[np.bool_]]
    """Where each organ that has a task is probably wrong; its box is the hot spot."""


def make_project(
    root: Path, patients: Iterable[Patient], organs: tuple[str, ...], *, database: str | None = None
) -> None:
    """Make a project whose queue has the tasks of patients, in their order.

    Args:
        root: Gets the project; it must not be there yet.
        patients: One after the other, so that few are in memory.
        organs: That the project annotates.
        database: URL of it; the project's own SQLite file where not said.
    """
    settings = Settings(organs=organs, networks=(NETWORK,), held_out_share=0.0, audit_share=0.0)
    if database is not None:
        settings = settings.model_copy(update={"database": database})
    begin_project(root, settings)
    with opened(root) as project:
        tasks: list[Task] = []
        for patient in patients:
            _add(project, patient)
            tasks += [
                _task(project, patient, name, len(tasks) + n) for n, name in enumerate(patient.wanted, 1)
            ]
        project.store.tasks.replace(1, tasks)


def _add(project: Project, patient: Patient) -> None:
    path = project.folder.case_dir(patient.case_id) / "ct.nii.gz"
    write_nifti(path, patient.ct)
    case = Case(
        case_id=patient.case_id,
        patient_id=patient.case_id,
        ct_path=path,
        geometry=patient.ct.geometry,
        source=patient.case_id,
    )
    folder = project.folder.prediction_dir(patient.case_id, NETWORK)
    write_masks(folder / "masks.nii.gz", patient.masks)
    prediction = Prediction(
        case_id=patient.case_id,
        network=NETWORK,
        weights_sha256="0" * 64,
        folder=folder,
        organs=patient.masks.organs,
        masks_sha256=file_sha256(folder / "masks.nii.gz"),
        made_with={"weights_sha256": "0" * 64, "organs": list(patient.masks.organs)},
    )
    with project.store.together():
        project.store.cases.add(case)
        project.store.arrivals.keep(Arrival(case_id=patient.case_id, ct_sha256=file_sha256(path)))
        project.store.ledger.mark_done(ADD_STAGE, patient.case_id)
        project.store.predictions.keep(prediction, organ_sha256s(patient.masks))
        project.store.ledger.mark_done(prediction_stage(NETWORK), patient.case_id)
    _write_spots(project, patient)


def _write_spots(project: Project, patient: Patient) -> None:
    """Write the attention maps, and one hot spot an organ around them."""
    geometry, folder = patient.ct.geometry, project.folder.attention_dir(patient.case_id)
    rows = []
    for name, where in patient.wanted.items():
        write_nifti(folder / f"{name}.nii.gz", Volume(where.astype(np.uint8) * np.uint8(200), geometry))
        found = np.argwhere(where)
        low, high = found.min(axis=0), found.max(axis=0)
        rows.append(
            {
                "organ": name,
                "volume_ml": float(len(found) * geometry.voxel_ml),
                "error_ml": float(len(found) * geometry.voxel_ml),
                "low_voxel": low.tolist(),
                "high_voxel": high.tolist(),
                "centre_mm": (geometry.affine @ (*((low + high) / 2), 1.0))[:3].tolist(),
            }
        )
    write_json(folder / "hot_spots.json", {"hot_spots": rows})


def _task(project: Project, patient: Patient, organ: str, rank: int) -> Task:
    volume_ml = float(np.count_nonzero(patient.wanted[organ]) * patient.ct.geometry.voxel_ml)
    return Task(
        round_number=project.store.rounds.current().number,
        case_id=patient.case_id,
        organ=organ,
        rank=rank,
        attention_ml=volume_ml,
        error_ml=volume_ml,
        n_spots=1,
        network=NETWORK,
    )
