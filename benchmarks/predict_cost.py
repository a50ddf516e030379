"""What do fewer windows, half precision and skipping cost in Dice?

Run: python benchmarks/predict_cost.py [--quick] [WEIGHTS]. The same network on patients that it has not seen:
as published (overlap 0.75, float32, every window), with each change alone, and with all, as it predicts by
default. Dice with the true masks, of organs over 5 mL.

Without WEIGHTS it is the starter, its windows forced on it (it would see these patients whole). A U-Net:

    omentum phantoms cohort --number 24 --first-seed 3000
    omentum init brief --network starter --held-out 0
    omentum -C brief add cohort --label labels.nii.gz --label-organs abdomenatlas-1.0
    omentum -C brief tune --mode full --config configs/unet-brief.toml
    python benchmarks/predict_cost.py brief/networks/starter-r1/weights.safetensors
"""

import statistics
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import numpy as np

from measure import report
from omentum.measures.overlap import dice
from omentum.networks import infer
from omentum.networks.catalogue import find_weights
from omentum.phantoms.phantom import Phantom, make_phantom
from omentum.predict.manner import Manner
from omentum.predict.predictor import Predictor
from omentum.volumes.labels import organ

SEEDS = range(9000, 9006)
SHAPE, SPACING_MM = (160, 160, 110), (2.5, 2.5, 4.0)
QUICK_SHAPE, QUICK_SPACING_MM = (100, 100, 50), (3.0, 3.0, 5.0)
LEAST_ML = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A way to predict."""

    overlap: float = 0.75
    numbers: str = "float32"
    body_hu: float = -1e9
    """Windows that hold nothing denser are skipped."""


VARIANTS = {
    "as published": Variant(),
    "overlap 0.5": Variant(overlap=0.5),
    "half precision": Variant(numbers="auto"),
    "skipping": Variant(body_hu=infer.BODY_HU),
    "all of them": Variant(overlap=0.5, numbers="auto", body_hu=infer.BODY_HU),
}


def main(quick: bool, weights: Path) -> None:
    grid = (QUICK_SHAPE, QUICK_SPACING_MM) if quick else (SHAPE, SPACING_MM)
    patients = [
        make_phantom(seed, shape=grid[0], spacing_mm=grid[1]) for seed in (SEEDS[:1] if quick else SEEDS)
    ]
    names = ["as published", "all of them"] if quick else list(VARIANTS)
    found = {name: scores(weights, VARIANTS[name], patients) for name in names}
    before = found["as published"]
    cost = {
        name: {organ_name: before[organ_name] - after[organ_name] for organ_name in before}
        for name, after in found.items()
    }
    print_table(found, cost)
    every = cost["all of them"]
    report(
        "predict_cost" if weights == find_weights("starter") else "predict_cost_unet",
        ours=statistics.mean(every.values()),
        other=None,
        unit="Dice",
        quick=quick,
        patients=len(patients),
        dice={name: {key: round(value, 4) for key, value in one.items()} for name, one in found.items()},
        mean_cost={name: round(statistics.mean(one.values()), 5) for name, one in cost.items()},
        worst_cost={name: round(max(one.values()), 5) for name, one in cost.items()},
    )


def scores(weights: Path, variant: Variant, patients: list[Phantom]) -> Mapping[str, float]:
    """Mean Dice of each organ over the patients that have more than 5 mL of it."""
    manner = Manner(overlap=variant.overlap, numbers=variant.numbers)
    predictor = Predictor("it", weights, manner=manner)
    size = predictor.network.spec.window_voxels
    found: dict[str, list[float]] = {}
    with (
        mock.patch.object(predictor.network, "window_for", return_value=size),
        mock.patch.object(infer, "BODY_HU", variant.body_hu),
    ):
        for patient in patients:
            for name, value in of_patient(predictor, patient):
                found.setdefault(name, []).append(value)
    return {name: statistics.mean(values) for name, values in found.items()}


def of_patient(predictor: Predictor, patient: Phantom) -> Iterator[tuple[str, float]]:
    masks = predictor.predict(patient.ct).masks
    for name in masks.organs:
        truth = patient.labels.voxels == organ(name).index
        if np.count_nonzero(truth) * patient.ct.geometry.voxel_ml > LEAST_ML:
            yield name, dice(masks.mask(name), truth)


def print_table(found: Mapping[str, Mapping[str, float]], cost: Mapping[str, Mapping[str, float]]) -> None:
    print(f"{'':16} {'mean Dice':>10} {'mean cost':>10} {'worst organ':>12}")
    for name, values in found.items():
        worst, mean = max(cost[name].values()), statistics.mean(cost[name].values())
        print(f"{name:16} {statistics.mean(values.values()):10.4f} {mean:10.5f} {worst:12.5f}")


if __name__ == "__main__":
    files = [Path(one) for one in sys.argv[1:] if not one.startswith("--")]
    main("--quick" in sys.argv, files[0] if files else find_weights("starter"))
