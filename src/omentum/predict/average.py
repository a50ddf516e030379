"""Average the probabilities of several networks, organ by organ."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from omentum.errors import ConfigError
from omentum.measures.probability_bytes import kept_part, nearest_bytes
from omentum.networks.catalogue import AVERAGE
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.masks_from_probabilities import decide_masks
from omentum.predict.predictors import PredictedCase, Predictor
from omentum.project.kept_probabilities import probabilities_sha256, read_kept_probabilities
from omentum.records import Prediction
from omentum.volumes.boxes import BoxedArray, BoxedBytes, joint_box
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organs_named
from omentum.volumes.probabilities import ProbabilityMaps
from omentum.volumes.volume import Volume

__all__ = ["AveragePredictor", "KeptAveragePredictor", "average_maps", "joint_predictor"]


def joint_predictor(predictors: Sequence[Predictor], config: InferenceConfig) -> Predictor:
    """Return the one predictor that is given, or the average of several.

    Args:
        predictors: Each is named once.
        config: How the masks of an average are decided.

    Raises:
        ConfigError: None is given, two have one name, or one is called `average`.
    """
    names = [one.name for one in predictors]
    if not names or len({*names, AVERAGE}) <= len(names):
        raise ConfigError("--network", names, f"each must be named once, and none {AVERAGE!r}")
    return predictors[0] if len(predictors) == 1 else AveragePredictor(predictors, config)


class AveragePredictor:
    """Predicts a CT with several networks, and averages them.

    Args:
        predictors: Of the networks.
        config: How masks are decided.
    """

    name = AVERAGE

    def __init__(self, predictors: Sequence[Predictor], config: InferenceConfig) -> None:
        self.organs = tuple(dict.fromkeys(name for one in predictors for name in one.organs))
        self._predictors, self._config = predictors, config

    def settings(self, case_id: str) -> dict[str, Any]:
        """See `Predictor.settings`; without a hash, as each network has its own."""
        networks = [one.settings(case_id) for one in self._predictors]
        return {
            "network": self.name,
            "networks": networks,
            "organs": list(self.organs),
            **self._config.rules,
        }

    def predict(self, ct: Volume, case_id: str) -> PredictedCase:
        """See `Predictor.predict`; the prediction of each network is among `members`."""
        members = {one.name: one.predict(ct, case_id) for one in self._predictors}
        started = time.perf_counter()
        mean = average_maps([one.maps for one in members.values()])
        made = decide_masks(mean, ct.geometry, self._config)
        seconds = {name: sum(one.seconds.values()) for name, one in members.items()}
        seconds[self.name] = time.perf_counter() - started
        return replace(made, seconds=seconds, members=members)


class KeptAveragePredictor:
    """Averages what several networks predicted of a project's cases, from their files.

    Args:
        predictions: Of each network, by case.
        config: How masks are decided.
    """

    name = AVERAGE

    def __init__(self, predictions: Sequence[Mapping[str, Prediction]], config: InferenceConfig) -> None:
        self.cases = frozenset.intersection(*(frozenset(one) for one in predictions))
        """Those that all networks have predicted."""
        names = {name for made in predictions for case_id in self.cases for name in made[case_id].organs}
        self.organs = tuple(row.name for row in organs_named(names))
        self._predictions, self._config = predictions, config

    def settings(self, case_id: str) -> dict[str, Any]:
        """See `Predictor.settings`; the hash is that of the probabilities that are averaged."""
        kept = [one[case_id] for one in self._predictions]
        hashes = [probabilities_sha256(one) for one in kept]
        return {
            "network": self.name,
            "weights_sha256": hashlib.sha256("".join(hashes).encode()).hexdigest(),
            "networks": [one.network for one in kept],
            "organs": list(self.organs),
            **self._config.rules,
        }

    def predict(self, ct: Volume, case_id: str) -> PredictedCase:
        """See `Predictor.predict`."""
        mean = average_maps([read_kept_probabilities(one[case_id]) for one in self._predictions])
        return decide_masks(mean, ct.geometry, self._config)


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
