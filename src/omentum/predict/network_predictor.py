"""Predict CTs with a network: probabilities on the network's grid, masks on the CT's."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from omentum.errors import UnknownOrganError
from omentum.networks.grid import from_network_axes, to_network_grid
from omentum.networks.infer import organ_probabilities
from omentum.networks.precision import compute_dtype
from omentum.networks.weights import load_network, tensors_sha256
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.join_slabs import join_slabs
from omentum.predict.masks_from_probabilities import decide_masks
from omentum.predict.predictors import PredictedCase
from omentum.volumes.labels import organs_named
from omentum.volumes.volume import Volume

__all__ = ["NetworkPredictor"]


class NetworkPredictor:
    """Loads a network once and predicts one CT after another.

    Args:
        name: Name in files.
        weights: Its file.
        organs: Names or subsets; all that the network knows if empty.
        device: `cpu`, `cuda`, ...
        config: How it predicts.
        optional: Those of the organs that it need not know.

    Raises:
        ConfigError: The network cannot compute in the numbers asked for.
        CheckpointError: The weights cannot be used.
        UnknownOrganError: The network has no head for an organ asked for.
    """

    def __init__(
        self,
        name: str,
        weights: Path,
        *,
        organs: Sequence[str] = (),
        device: str = "cpu",
        config: InferenceConfig | None = None,
        optional: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.config = config or InferenceConfig()
        network = load_network(weights)
        self.weights_sha256 = tensors_sha256(network.state_dict())
        wanted = [row.name for row in organs_named(organs or network.spec.organs)]
        self.organs = tuple(name for name in wanted if name in network.spec.organs or name not in optional)
        for organ_name in self.organs:
            if organ_name not in network.spec.organs:
                raise UnknownOrganError(organ_name, network.spec.organs)
        self.spacing_mm = network.spec.spacing_mm
        numbers = compute_dtype(network, self.config.numbers, device)
        network.set_compute_dtype(numbers)
        self._numbers = str(numbers).removeprefix("torch.")
        self.network = network.to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def settings(self, case_id: str) -> dict[str, Any]:
        """See `Predictor.settings`."""
        del case_id
        return {
            "network": self.name,
            "weights_sha256": self.weights_sha256,
            "organs": list(self.organs),
            **self.config.settings(self._numbers),
        }

    def predict(self, ct: Volume, case_id: str = "") -> PredictedCase:
        """Predict one CT.

        Args:
            ct: Hounsfield units on any grid.
            case_id: Not used.

        Raises:
            ConfigError: Nothing in the CT is denser than air.
        """
        del case_id
        spacing_mm, published = self.spacing_mm, self.config.is_published
        started = time.perf_counter()
        small = to_network_grid(ct, spacing_mm, published=published)
        resampled = time.perf_counter()
        slabs = organ_probabilities(
            self.network, small.voxels, self.organs, overlap=self.config.window_overlap
        )
        turned = partial(from_network_axes, ct=ct.geometry, spacing_mm=spacing_mm, published=published)
        maps = join_slabs(slabs, self.organs, small.geometry.shape, turned)
        seen = time.perf_counter()
        made = decide_masks(maps, ct.geometry, self.config)
        seconds = {
            "resample": resampled - started,
            "network": seen - resampled,
            "masks": time.perf_counter() - seen,
        }
        return replace(made, seconds=seconds)
