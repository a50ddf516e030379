"""Which cases with true labels are there, and what do the shipped networks make of them?

In:  kinds and seeds of synthetic patients; the label maps of real people that some are rendered from.
Out: cases: CT, true labels, both networks' probabilities and masks. Predictions are the dear part, so each
     case is kept in `scratch/attention/` and made once.
"""

import os
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from omentum.networks.catalogue import find_weights
from omentum.phantoms.anatomy_map import AnatomyMap, read_anatomy
from omentum.phantoms.phantom import make_phantom
from omentum.phantoms.rendered import render_pair
from omentum.predict.network_predictor import NetworkPredictor
from omentum.volumes.geometry import Geometry
from omentum.volumes.masks import MaskSet
from omentum.volumes.probabilities import ProbabilityMaps
from omentum.volumes.volume import Volume

__all__ = [
    "COUNT_SEEDS",
    "FIT_SEEDS",
    "JUDGE_SEEDS",
    "KINDS",
    "NETWORKS",
    "CohortCase",
    "cohort",
    "data_folder",
    "predictors",
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


def data_folder() -> Path:
    """Give the folder of real label maps and CTs beside the checkout."""
    return Path(os.environ.get("OMENTUM_SHARED", ROOT.parent / "shared")) / "data"


def cohort(seeds: Sequence[int], kinds: Sequence[str] = KINDS) -> Iterator[CohortCase]:
    """Give each kind of each seed, made now or kept before; rendered ones only where there are maps."""
    for seed in seeds:
        for kind in kinds:
            if kind.startswith("rendered") and not data_folder().is_dir():
                continue
            yield _case(kind, seed)


def _case(kind: str, seed: int) -> CohortCase:
    kept = ROOT / "scratch" / "attention" / f"{kind}_{seed}.pkl"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(".part")
        part.write_bytes(pickle.dumps(_made(kind, seed)))
        part.rename(kept)
    told = pickle.loads(kept.read_bytes())  # our own file
    geometry = Geometry(*told["geometry"])
    maps = (ProbabilityMaps(Geometry(*one[:2]), *one[2:]) for one in told["maps"])
    masks = (MaskSet(*one, geometry) for one in told["masks"])
    return CohortCase(
        f"{kind}_{seed}", Volume(told["hu"], geometry), told["labels"], tuple(maps), tuple(masks)
    )


def _made(kind: str, seed: int) -> dict[str, object]:
    if kind.startswith("rendered"):
        pair = render_pair(seed, _maps(), RENDERED_MM, made_share=0.0, style=kind.partition("-")[2])
        ct, labels = Volume(pair.hu, pair.geometry), pair.labels
    else:
        phantom = make_phantom(seed, style=kind)
        ct, labels = phantom.ct, phantom.labels.voxels
    made = [one.predict(ct) for one in predictors()]
    return {
        "hu": ct.voxels,
        "labels": labels,
        "geometry": (ct.geometry.shape, ct.geometry.affine),
        "maps": [
            (one.maps.geometry.shape, one.maps.geometry.affine, one.maps.organs, dict(one.maps.parts))
            for one in made
        ],
        "masks": [(one.masks.codes, one.masks.sets, one.masks.organs) for one in made],
    }


@cache
def predictors() -> tuple[NetworkPredictor, ...]:
    """Give both shipped networks."""
    return tuple(NetworkPredictor(name, find_weights(name)) for name in NETWORKS)


@cache
def _maps() -> tuple[AnatomyMap, ...]:
    folder = data_folder() / "label_maps"
    return (
        read_anatomy(folder / "s0327.nii.gz", "totalsegmentator"),
        read_anatomy(folder / "s0328.nii.gz", "totalsegmentator"),
        read_anatomy(folder / "amos_0013.nii.gz", "abdomenatlas-1.0"),
    )
