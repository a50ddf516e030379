"""Which cases with true labels are there, and what do the shipped networks make of them?

In:  kinds and seeds of synthetic patients; the label maps of real people that some are rendered from.
Out: cases: CT, true labels, both networks' probabilities and masks. Predictions are the dear part, so each
     case is kept in `scratch/attention-cases/` and made once.
"""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from omentum.networks.catalogue import find_weights
from omentum.phantoms.phantom import make_phantom
from omentum.phantoms.rendered import render_pair
from omentum.predict.network_predictor import NetworkPredictor
from omentum.records import Case, Prediction
from omentum.volumes.atomic import writing
from omentum.volumes.mask_files import write_masks
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import write_nifti
from omentum.volumes.probabilities import ProbabilityMaps, write_probabilities
from omentum.volumes.volume import Volume
from shared import data_folder, label_maps

__all__ = [
    "COUNT_SEEDS",
    "FIT_SEEDS",
    "JUDGE_SEEDS",
    "KINDS",
    "NETWORKS",
    "CohortCase",
    "cohort",
    "on_disk",
    "predicted",
]

NETWORKS = ("starter", "starter-second")
KINDS = ("mixed", "hard", "rendered-mixed", "rendered-broad")
"""Made anatomy in two styles; label maps of real people, deformed and filled, in two."""
FIT_SEEDS = (*range(3000, 3030), *range(5012, 5030))
"""The weights of the error model see these alone."""
COUNT_SEEDS = (*range(3030, 3040), *range(5030, 5040))
"""Calibration and thresholds see these alone."""
JUDGE_SEEDS = range(5000, 5012)
"""What is told of attention comes from these."""
RENDERED_MM = 2.5
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, eq=False)
class CohortCase:
    """One case with the truth, and what the networks say.

    Attributes:
        name: Its kind and seed.
        ct: HU.
        labels: 32-class indices on the CT's grid.
        maps: Each network's probabilities.
        masks: Each network's masks on the CT's grid.
    """

    name: str
    ct: Volume
    labels: np.ndarray
    maps: tuple[ProbabilityMaps, ...]
    masks: tuple[MaskSet, ...]


def cohort(seeds: Sequence[int], kinds: Sequence[str] = KINDS) -> Iterator[CohortCase]:
    """Give each kind of each seed, made now or kept before; rendered ones only where there are maps."""
    for seed in seeds:
        for kind in kinds:
            if kind.startswith("rendered") and data_folder() is None:
                continue
            yield _case(kind, seed)


def _case(kind: str, seed: int) -> CohortCase:
    kept = ROOT / "scratch" / "attention-cases" / f"{kind}_{seed}.pkl"
    if not kept.exists():
        with writing(kept) as part:
            part.write_bytes(pickle.dumps(_made(kind, seed)))
    case: CohortCase = pickle.loads(kept.read_bytes())  # our own file
    return case


def _made(kind: str, seed: int) -> CohortCase:
    if kind.startswith("rendered"):
        pair = render_pair(seed, label_maps(), RENDERED_MM, made_share=0.0, style=kind.partition("-")[2])
        ct, labels = Volume(pair.hu, pair.geometry), pair.labels
    else:
        phantom = make_phantom(seed, style=kind)
        ct, labels = phantom.ct, phantom.labels.voxels
    return predicted(f"{kind}_{seed}", ct, labels)


def predicted(name: str, ct: Volume, labels: np.ndarray) -> CohortCase:
    """Give a case as both networks see it."""
    made = [one.predict(ct) for one in predictors()]
    return CohortCase(name, ct, labels, tuple(one.maps for one in made), tuple(one.masks for one in made))


@cache
def predictors() -> tuple[NetworkPredictor, ...]:
    """Give both shipped networks."""
    return tuple(NetworkPredictor(name, find_weights(name)) for name in NETWORKS)


def on_disk(
    case: CohortCase, folder: Path, networks: Sequence[str] = NETWORKS
) -> tuple[Case, list[Prediction]]:
    """Write a case as files, as a stage reads it: its CT, and its networks' masks and probabilities."""
    write_nifti(folder / "ct.nii.gz", case.ct)
    record = Case(
        case_id=case.name,
        patient_id=case.name,
        ct_path=folder / "ct.nii.gz",
        geometry=case.ct.geometry,
        source="made up",
    )
    predictions = []
    for network, maps, masks in zip(networks, case.maps, case.masks, strict=True):
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
