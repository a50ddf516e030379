"""Average the probabilities of several networks, organ by organ."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from omentum.measures.probability_bytes import kept_part, nearest_bytes
from omentum.networks.catalogue import AVERAGE
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.masks_from_probabilities import decide_masks
from omentum.predict.predictors import PredictedCase, Predictor
from omentum.records import Prediction
from omentum.volumes.boxes import BoxedArray, BoxedBytes, joint_box
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organs_named
from omentum.volumes.probabilities import ProbabilityMaps, read_probabilities
from omentum.volumes.volume import Volume

__all__ = ["AveragePredictor", "average_maps", "average_settings", "predict_average"]


class AveragePredictor:
    """Averages what several networks predicted of a project's cases, from their files.

    Args:
        predictions: Of each network, by case.
        config: How masks are decided.
    """

    name = AVERAGE

    def __init__(self, predictions: Sequence[Mapping[str, Prediction]], config: InferenceConfig) -> None:
        first, *others = predictions
        self._of_case = {
            case_id: (one, *(other[case_id] for other in others))
            for case_id, one in first.items()
            if all(case_id in other for other in others)
        }
        names = {name for made in self._of_case.values() for one in made for name in one.organs}
        self.organs = tuple(row.name for row in organs_named(names))
        self._config = config

    @property
    def cases(self) -> frozenset[str]:
        """Cases that all networks have predicted."""
        return frozenset(self._of_case)

    def settings(self, case_id: str) -> dict[str, Any]:
        """See `Predictor.settings`; the hash is that of the probabilities that are averaged."""
        kept = self._of_case[case_id]
        hashes = [hashlib.sha256(one.probabilities_path.read_bytes()).hexdigest() for one in kept]
        return {
            "network": self.name,
            "weights_sha256": hashlib.sha256("".join(hashes).encode()).hexdigest(),
            "networks": [one.network for one in kept],
            "organs": list(self.organs),
            **self._config.rules,
        }

    def predict(self, ct: Volume, case_id: str) -> PredictedCase:
        """See `Predictor.predict`."""
        kept = [read_probabilities(one.probabilities_path) for one in self._of_case[case_id]]
        return predict_average(kept, ct.geometry, self._config)


def predict_average(maps: Sequence[ProbabilityMaps], ct: Geometry, config: InferenceConfig) -> PredictedCase:
    """Average the probabilities of several networks, and decide masks as of one network."""
    mean = average_maps(maps)
    return PredictedCase(maps=mean, decided=decide_masks(mean, ct, config))


def average_settings(
    predictors: Sequence[Predictor], case_id: str, config: InferenceConfig
) -> dict[str, Any]:
    """Return everything that determines an average, for JSON."""
    organs = dict.fromkeys(name for one in predictors for name in one.organs)
    networks = [one.settings(case_id) for one in predictors]
    return {"network": AVERAGE, "networks": networks, "organs": list(organs), **config.rules}


def average_maps(maps: Sequence[ProbabilityMaps]) -> ProbabilityMaps:
    """Average the probabilities of the networks that know an organ.

    A network that knows an organ and does not find it counts as 0 everywhere; one that does not know it does
    not count. Memory: one organ at a time, as float32 in the box of all that the networks find of it.

    Args:
        maps: At least one; grids are parallel, of any spacing. Spacings are compared by a voxel's volume.

    Returns:
        The mean on the finest grid, rounded to the nearest byte, halves down: a mean of exactly one half is
        not over a half.

    Raises:
        ConfigError: The grids are not parallel.
    """
    finest = min((one.geometry for one in maps), key=lambda grid: grid.voxel_ml)
    organs = tuple(row.name for row in organs_named(name for one in maps for name in one.organs))
    found = {name: _mean_of([one for one in maps if name in one.organs], name, finest) for name in organs}
    return ProbabilityMaps(finest, organs, {name: part for name, part in found.items() if part is not None})


def _mean_of(maps: Sequence[ProbabilityMaps], name: str, grid: Geometry) -> BoxedBytes | None:
    """Average one organ of networks that all know it; `None` if nothing of it is likely enough to keep."""
    total: BoxedArray[np.float32] | None = None
    for one in maps:
        found = one.on_grid(name, grid)
        if found is not None:
            total = found if total is None else _sum(total, found)
    if total is None:
        return None
    mean = total.values
    mean /= len(maps)
    kept = kept_part(nearest_bytes(mean))
    return None if kept is None else kept.shift(total.box)


def _sum(one: BoxedArray[np.float32], other: BoxedArray[np.float32]) -> BoxedArray[np.float32]:
    """Add two parts in the box of both."""
    box = joint_box([one.box, other.box])
    assert box is not None
    return BoxedArray(box, one.crop(box, order="F") + other.crop(box, order="F"))
