"""How does a stage see a synthetic case? As files, like those of a project.

In:  a case of a cohort, a folder.
Out: records that carry the paths.
"""

from pathlib import Path

from attention.cohort import NETWORKS, CohortCase
from omentum.records import Case, Prediction
from omentum.volumes.mask_files import write_masks
from omentum.volumes.nifti import write_nifti
from omentum.volumes.probabilities import write_probabilities

__all__ = ["on_disk"]


def on_disk(case: CohortCase, folder: Path) -> tuple[Case, list[Prediction]]:
    """Write a case's CT and both networks' masks and probabilities below a folder."""
    write_nifti(folder / "ct.nii.gz", case.ct)
    record = Case(
        case_id=case.name,
        patient_id=case.name,
        ct_path=folder / "ct.nii.gz",
        geometry=case.ct.geometry,
        source="made up",
    )
    predictions = []
    for network, maps, masks in zip(NETWORKS, case.maps, case.masks, strict=True):
        one = Prediction(
            case_id=case.name,
            network=network,
            weights_sha256="0" * 64,
            folder=folder / network,
            organs=masks.organs,
        )
        write_masks(one.masks_path, masks)
        write_probabilities(one.probabilities_path, maps)
        predictions.append(one)
    return record, predictions
