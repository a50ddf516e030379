"""What do fewer windows, half precision and skipping cost in Dice?

Run: python benchmarks/predict_cost.py [--quick]. The shipped starter, as its weights have learned, on
patients that it has not seen: as published (overlap 0.75, float32, every window), with each change alone, and
with all. Windows are forced on it (it would see these patients whole), and bfloat16 where it convolves. Dice
with the true masks, of organs over 5 mL.
"""

import statistics
from dataclasses import dataclass
from unittest import mock

import numpy as np
import torch

from measure import asked, options, report
from omentum.measures.overlap import dice
from omentum.networks import infer
from omentum.networks.catalogue import find_weights
from omentum.phantoms.phantom import Phantom, make_phantom
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.network_predictor import NetworkPredictor
from omentum.volumes.labels import organ
from page import table

LEAST_ML = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A way to predict."""

    overlap: float = 0.75
    in_half: bool = False
    body_hu: float = -1e9
    """Windows that hold nothing denser are skipped."""


PUBLISHED, ALL = "as published", "all of them"
VARIANTS = {
    PUBLISHED: Variant(),
    "overlap 0.5": Variant(overlap=0.5),
    "half precision": Variant(in_half=True),
    "skipping": Variant(body_hu=infer.BODY_HU),
    ALL: Variant(overlap=0.5, in_half=True, body_hu=infer.BODY_HU),
}


def main(quick: bool) -> None:
    shape, spacing_mm = ((100, 100, 50), (3.0, 3.0, 5.0)) if quick else ((160, 160, 110), (2.5, 2.5, 4.0))
    seeds, names = (range(9000, 9001), (PUBLISHED, ALL)) if quick else (range(9000, 9003), tuple(VARIANTS))
    patients = [make_phantom(seed, shape=shape, spacing_mm=spacing_mm) for seed in seeds]
    found = {name: scores(VARIANTS[name], patients) for name in names}
    cost = {
        name: {each: value - one[each] for each, value in found[PUBLISHED].items()}
        for name, one in found.items()
    }
    mean = {name: round(statistics.mean(one.values()), 5) for name, one in cost.items()}
    worst = {name: round(max(one.values()), 5) for name, one in cost.items()}
    rows = [[name, f"{mean[name]:.5f}", f"{worst[name]:.5f}"] for name in names]
    print(table([["", "mean cost in Dice", "of the worst organ"], *rows]))
    rounded = {name: {each: round(value, 4) for each, value in one.items()} for name, one in found.items()}
    figures = {"patients": len(patients), "dice": rounded, "mean_cost": mean, "worst_cost": worst}
    ours = statistics.mean(cost[ALL].values())
    report("predict_cost", ours=ours, other=None, unit="Dice", quick=quick, **figures)


def scores(variant: Variant, patients: list[Phantom]) -> dict[str, float]:
    """Mean Dice of each organ over the patients that have more than 5 mL of it."""
    config = InferenceConfig(overlap=variant.overlap)
    predictor = NetworkPredictor("it", find_weights("starter"), config=config)
    network, found = predictor.network, dict[str, list[float]]()
    with (
        mock.patch.object(network, "window_for", return_value=network.spec.window_voxels),
        mock.patch.object(infer, "BODY_HU", variant.body_hu),
        torch.autocast("cpu", dtype=torch.bfloat16, enabled=variant.in_half),
    ):
        for patient in patients:
            masks = predictor.predict(patient.ct).masks
            for name in masks.organs:
                truth = patient.labels.voxels == organ(name).index
                if np.count_nonzero(truth) * patient.ct.geometry.voxel_ml > LEAST_ML:
                    found.setdefault(name, []).append(dice(masks.mask(name), truth) or 0.0)
    return {name: statistics.mean(values) for name, values in found.items()}


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
