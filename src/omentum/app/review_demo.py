"""Make a project of synthetic patients with a filled queue, to try the review.

No network runs: true masks with seeded errors stand for the predictions of two networks.
"""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.measures.plausibility.case_check import check_case
from omentum.phantoms.phantom import Phantom, make_phantom
from omentum.phantoms.seeded_errors import Labelled, with_error
from omentum.project.findings import mask_findings
from omentum.project.project import ADD_STAGE, Project, begin_project, opened, prediction_stage
from omentum.project.settings import Settings
from omentum.records import Arrival, Case, Prediction
from omentum.runners.runner import Progress
from omentum.score.stage import score_round
from omentum.volumes.atomic import write_json
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.labels import organs_named
from omentum.volumes.mask_files import write_masks
from omentum.volumes.mask_hash import organ_sha256s
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import write_nifti
from omentum.volumes.probabilities import FULL, ProbabilityMaps, write_probabilities
from omentum.volumes.volume import Volume

__all__ = ["NETWORKS", "demo_project"]

NETWORKS = ("synthetic-first", "synthetic-second")
_VERSION = "1"
_DONE = "review-demo.json"
"""Written last: where it is, the project is whole."""
_ORGANS = "abdomenatlas-1.0"
_SPACING_MM = (3.5, 3.5, 3.5)
_SHARPER = 3.0
"""How much steeper than a mean over 3 voxels the probability falls at the border."""
_ERRORS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("hole punched", "far ball added"), ()),
    (("cut by a plane",), ("specks strewn",)),
    (("split in two",), ("hole punched",)),
    (("sides swapped",), ("far ball added",)),
)
"""What is wrong with the masks of the first and of the second network, by patient."""
_BUDGET_MINUTES = 120.0


def demo_project(folder: Path, progress: Progress | None = None) -> Path:
    """Make the project, or find the one that was made before.

    Args:
        folder: Gets the project; what another version made there is replaced.
        progress: Told of each patient.

    Returns:
        The project's folder.
    """
    root = folder / f"review-demo-{_VERSION}"
    if (root / _DONE).is_file():
        return root
    shutil.rmtree(root, ignore_errors=True)
    settings = Settings(
        organs=(_ORGANS,), networks=NETWORKS, held_out_share=0.0, budget_minutes=_BUDGET_MINUTES
    )
    begin_project(root, settings)
    with opened(root) as project:
        for seed, errors in enumerate(_ERRORS, start=1):
            _add_patient(project, seed, errors)
            if progress is not None:
                progress("make patients", seed, len(_ERRORS), "")
        score_round(project)
    write_json(root / _DONE, {"version": _VERSION})
    return root


def _add_patient(project: Project, seed: int, errors: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    phantom = make_phantom(seed, spacing_mm=_SPACING_MM)
    case_id = f"synthetic_{seed:02d}"
    path = project.folder.case_dir(case_id) / "ct.nii.gz"
    write_nifti(path, phantom.ct)
    case = Case(
        case_id=case_id,
        patient_id=case_id,
        ct_path=path,
        geometry=phantom.ct.geometry,
        source=f"synthetic patient of seed {seed}",
    )
    with project.store.together():
        project.store.cases.add(case)
        project.store.arrivals.keep(Arrival(case_id=case_id, ct_sha256=file_sha256(path)))
        project.store.ledger.mark_done(ADD_STAGE, case_id)
    for network, wrong in zip(NETWORKS, errors, strict=True):
        _predict(project, case, network, phantom, _with_errors(phantom, wrong, seed))


def _with_errors(phantom: Phantom, errors: tuple[str, ...], seed: int) -> npt.NDArray[np.uint8]:
    """Put errors into the true labels, one after the other; one that no organ can have is left out."""
    labels = phantom.labels.voxels.astype(np.uint8)
    found = Labelled(hu=phantom.ct.voxels, labels=labels, geometry=phantom.ct.geometry)
    for number, error in enumerate(errors):
        found = with_error(found, error, np.random.default_rng([seed, number])) or found
    return found.labels


def _predict(
    project: Project, case: Case, network: str, phantom: Phantom, labels: npt.NDArray[np.uint8]
) -> None:
    """Note labels as what a network predicted."""
    names = tuple(row.name for row in organs_named((_ORGANS,)))
    folder = project.folder.prediction_dir(case.case_id, network)
    masks = MaskSet.from_labels(labels, case.geometry, names)
    hashes = organ_sha256s(masks)
    write_masks(folder / "masks.nii.gz", masks)
    write_probabilities(folder / "probabilities.zarr.zip", _probabilities(masks))
    checked = check_case(masks, Volume(phantom.ct.voxels, case.geometry))
    volumes = {name: {"volume_ml": round(ml, 3)} for name, ml in masks.volumes_ml().items()}
    write_json(folder / "summary.json", {"organs": volumes, "notes": ["seeded errors; no network ran"]})
    prediction = Prediction(
        case_id=case.case_id,
        network=network,
        weights_sha256="0" * 64,
        folder=folder,
        organs=names,
        masks_sha256=file_sha256(folder / "masks.nii.gz"),
        made_with={"weights_sha256": "0" * 64, "organs": list(names)},
        origin="synthetic patients",
        findings=mask_findings(checked, hashes, case.geometry),
        time=datetime.now(UTC),
    )
    with project.store.together():
        project.store.predictions.keep(prediction, hashes)
        project.store.ledger.mark_done(prediction_stage(network), case.case_id)


def _probabilities(masks: MaskSet) -> ProbabilityMaps:
    """Make probabilities that are unsure at the border alone."""
    from scipy import ndimage  # slow to import

    parts = {}
    for name in masks.organs:
        part = BoxedArray.cut_out(masks.mask(name), margin_voxels=2)
        if part is not None:
            soft = ndimage.uniform_filter(part.values.astype(np.float32), 3)
            sharp = np.clip(_SHARPER * (soft - 0.5) + 0.5, 0.0, 1.0)
            parts[name] = BoxedArray(part.box, (sharp * FULL).astype(np.uint8))
    return ProbabilityMaps(masks.geometry, masks.organs, parts)
