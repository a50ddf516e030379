"""What do fewer windows, half precision and skipping cost in Dice?

Run: python benchmarks/predict_cost.py [--quick]. The shipped starter, as its weights have learned, on
patients that it has not seen: as published (overlap 0.75, float32, every window), with each change alone, and
with all. Windows are forced on it (it would see these patients whole), and bfloat16 where it convolves. Dice
with the true masks, of organs over 5 mL.
"""

import statistics
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from unittest import mock

import numpy as np
import torch

from measure import report
from omentum.measures.overlap import dice
from omentum.networks import infer
from omentum.networks.catalogue import find_weights
from omentum.phantoms.phantom import Phantom, make_phantom
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.network_predictor import NetworkPredictor
from omentum.volumes.labels import organ

SEEDS = range(9000, 9003)
SHAPE, SPACING_MM = (160, 160, 110), (2.5, 2.5, 4.0)
QUICK_SHAPE, QUICK_SPACING_MM = (100, 100, 50), (3.0, 3.0, 5.0)
LEAST_ML = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A way to predict."""

    overlap: float = 0.75
    in_half: bool = False
    body_hu: float = -1e9
    """Windows that hold nothing denser are skipped."""


VARIANTS = {
    "as published": Variant(),
    "overlap 0.5": Variant(overlap=0.5),
    "half precision": Variant(in_half=True),
    "skipping": Variant(body_hu=infer.BODY_HU),
    "all of them": Variant(overlap=0.5, in_half=True, body_hu=infer.BODY_HU),
}


def main(quick: bool) -> None:
    grid = (QUICK_SHAPE, QUICK_SPACING_MM) if quick else (SHAPE, SPACING_MM)
    patients = [
        make_phantom(seed, shape=grid[0], spacing_mm=grid[1]) for seed in (SEEDS[:1] if quick else SEEDS)
    ]
    names = ["as published", "all of them"] if quick else list(VARIANTS)
    found = {name: scores(VARIANTS[name], patients) for name in names}
    before = found["as published"]
    cost = {
        name: {organ_name: before[organ_name] - after[organ_name] for organ_name in before}
        for name, after in found.items()
    }
    print_table(found, cost)
    report(
        "predict_cost",
        ours=statistics.mean(cost["all of them"].values()),
        other=None,
        unit="Dice",
        quick=quick,
        patients=len(patients),
        dice={name: {key: round(value, 4) for key, value in one.items()} for name, one in found.items()},
        mean_cost={name: round(statistics.mean(one.values()), 5) for name, one in cost.items()},
        worst_cost={name: round(max(one.values()), 5) for name, one in cost.items()},
    )


def scores(variant: Variant, patients: list[Phantom]) -> Mapping[str, float]:
    """Mean Dice of each organ over the patients that have more than 5 mL of it."""
    predictor = NetworkPredictor(
        "it", find_weights("starter"), config=InferenceConfig(overlap=variant.overlap)
    )
    network = predictor.network
    found: dict[str, list[float]] = {}
    with ExitStack() as changed:
        size = network.spec.window_voxels
        changed.enter_context(mock.patch.object(network, "window_for", return_value=size))
        changed.enter_context(mock.patch.object(infer, "BODY_HU", variant.body_hu))
        changed.enter_context(torch.autocast("cpu", dtype=torch.bfloat16, enabled=variant.in_half))
        for patient in patients:
            for name, value in of_patient(predictor, patient):
                found.setdefault(name, []).append(value)
    return {name: statistics.mean(values) for name, values in found.items()}


def of_patient(predictor: NetworkPredictor, patient: Phantom) -> Iterator[tuple[str, float]]:
    masks = predictor.predict(patient.ct).masks
    for name in masks.organs:
        truth = patient.labels.voxels == organ(name).index
        if np.count_nonzero(truth) * patient.ct.geometry.voxel_ml > LEAST_ML:
            yield name, dice(masks.mask(name), truth) or 0.0


def print_table(found: Mapping[str, Mapping[str, float]], cost: Mapping[str, Mapping[str, float]]) -> None:
    print(f"{'':16} {'mean Dice':>10} {'mean cost':>10} {'worst organ':>12}")
    for name, values in found.items():
        worst, mean = max(cost[name].values()), statistics.mean(cost[name].values())
        print(f"{name:16} {statistics.mean(values.values()):10.4f} {mean:10.5f} {worst:12.5f}")


if __name__ == "__main__":
    main("--quick" in sys.argv)
