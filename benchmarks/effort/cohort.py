"""Which cases are in a round? Made-up patients of mixed difficulty, predicted with both shipped networks.

In:  a cohort's number.
Out: cases with their CT, true labels and predictions as files below scratch/, made once.

A project of a lab is mostly easy: the routine contrast phase, and some that the networks have not
learned to see. So of ten patients five are `easy`, three `mixed` and two `hard` (styles of omentum.phantoms;
other phases, more noise, thicker slices, more anomalies), none of them seen in training. No error is made up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from omentum.networks.catalogue import find_weights
from omentum.phantoms.phantom import make_phantom
from omentum.predict.predictor import Predictor
from omentum.records import Case, Prediction
from omentum.volumes.labels import SUBSETS
from omentum.volumes.mask_files import write_masks
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.probabilities import write_probabilities
from quality.trained_on import FIRST_UNSEEN_SEED

__all__ = ["NETWORKS", "NINE", "Predicted", "cohort", "predictors"]

NINE = SUBSETS["abdomenatlas-1.0"]
NETWORKS = ("starter", "starter-second")
SCRATCH = Path(__file__).resolve().parents[2] / "scratch" / "effort"
STYLES = ("easy", "mixed", "easy", "hard", "easy", "mixed", "easy", "mixed", "easy", "hard")
MOST_COHORTS, MOST_CASES = 12, 40
FIRST_SEED = FIRST_UNSEEN_SEED + 400
"""Other unseen patients than those of starter_quality.py, on whom weights were chosen."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predicted:
    """One case: its record, what both networks made of it, the main one first, and the truth."""

    case: Case
    predictions: tuple[Prediction, ...]
    truth: MaskSet


def predictors() -> list[Predictor]:
    """Load the shipped networks, the main one first."""
    return [Predictor(name, find_weights(name)) for name in NETWORKS]


def cohort(number: int, n_cases: int, networks: Sequence[Predictor]) -> Iterator[Predicted]:
    """Make one case of a cohort after another, or find it as it was made before.

    Args:
        number: Of the cohort, from 0; no patient is in two.
        n_cases: Patients.
        networks: As of `predictors`.
    """
    for place in range(n_cases):
        seed = FIRST_SEED + number * MOST_CASES + place
        yield _predicted(seed, STYLES[place % len(STYLES)], networks)


def _predicted(seed: int, style: str, networks: Sequence[Predictor]) -> Predicted:
    folder = SCRATCH / f"{style}-{seed}-{'-'.join(one.weights_sha256[:8] for one in networks)}"
    if not (folder / "whole").exists():
        _make(folder, seed, style, networks)
    labels = read_nifti(folder / "labels.nii.gz")
    case = Case(
        case_id=f"{style}-{seed}",
        patient_id=str(seed),
        ct_path=folder / "ct.nii.gz",
        geometry=labels.geometry,
        source="phantom",
    )
    return Predicted(
        case=case,
        predictions=tuple(_record(case.case_id, folder, one) for one in networks),
        truth=MaskSet.from_labels(labels.voxels, labels.geometry, NINE),
    )


def _make(folder: Path, seed: int, style: str, networks: Sequence[Predictor]) -> None:
    phantom = make_phantom(seed, style=style)
    write_nifti(folder / "ct.nii.gz", phantom.ct)
    write_nifti(folder / "labels.nii.gz", phantom.labels)
    for network in networks:
        made, record = network.predict(phantom.ct), _record("", folder, network)
        write_masks(record.masks_path, made.masks)
        write_probabilities(record.probabilities_path, made.maps)
    (folder / "whole").touch()


def _record(case_id: str, folder: Path, network: Predictor) -> Prediction:
    return Prediction(
        case_id=case_id,
        network=network.name,
        weights_sha256=network.weights_sha256,
        folder=folder / "networks" / network.name,
        organs=network.organs,
    )
