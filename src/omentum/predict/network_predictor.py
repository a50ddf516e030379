"""Predict CTs with a network: probabilities on the network's grid, masks on the CT's.

Where the memory of a device is too small for a CT, it is predicted with fewer windows at once, then in
pieces, then on the processor.
"""

import gc
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from omentum.errors import UnknownOrganError
from omentum.networks.device_load import (
    WHOLE,
    DeviceLoad,
    default_load,
    is_out_of_memory,
    lighter_loads,
)
from omentum.networks.grid import from_network_axes, to_network_grid
from omentum.networks.infer import organ_probabilities
from omentum.networks.precision import compute_dtype
from omentum.networks.weights import load_network, tensors_sha256
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.join_slabs import join_slabs
from omentum.predict.masks_from_probabilities import decide_masks
from omentum.predict.predictors import PredictedCase
from omentum.volumes.labels import organs_named
from omentum.volumes.probabilities import ProbabilityMaps
from omentum.volumes.volume import Volume

__all__ = ["NetworkPredictor"]

_LOG = logging.getLogger(__name__)
_Turned = Callable[[npt.NDArray[np.uint8]], Volume]


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
        ConfigError: The network cannot compute in the numbers asked for, or cannot be compiled so.
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
        if self.config.compiled:
            network.compile_windows(self.config.compiled)
        self._dtype, self._device = numbers, device
        self._numbers = str(numbers).removeprefix("torch.")
        self.network = network.to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        wish = self.config.windows_at_once
        self._load = default_load(device) if wish is None else DeviceLoad(n_windows=wish)
        self._has_warned = False

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
            case_id: Its name, for messages.

        Raises:
            ConfigError: Nothing in the CT is denser than air.
            MemoryError: The machine has too little memory, even for one window.
        """
        spacing_mm, published = self.spacing_mm, self.config.is_published
        started = time.perf_counter()
        small = to_network_grid(ct, spacing_mm, published=published)
        resampled = time.perf_counter()
        turned = partial(from_network_axes, ct=ct.geometry, spacing_mm=spacing_mm, published=published)
        maps, notes = self._maps(small, turned, case_id)
        seen = time.perf_counter()
        made = decide_masks(maps, ct.geometry, self.config)
        seconds = {
            "resample": resampled - started,
            "network": seen - resampled,
            "masks": time.perf_counter() - seen,
        }
        return replace(made, seconds=seconds, device=self._ran_on(), notes=(*notes, *made.notes))

    def _ran_on(self) -> str:
        """Name what the network ran on last: `cpu`, or the GPU."""
        device = next(self.network.parameters()).device
        return device.type if device.type == "cpu" else torch.cuda.get_device_name(device)

    def _maps(self, small: Volume, turned: _Turned, case_id: str) -> tuple[ProbabilityMaps, tuple[str, ...]]:
        """Compute the probabilities of a CT with the heaviest load that memory allows; note a lighter one."""
        usual, *lighter = self._attempts()
        maps = self._tried(*usual, small, turned)
        if maps is not None:
            return maps, ()
        for device, load in lighter:
            maps = self._tried(device, load, small, turned)
            if maps is not None:
                return maps, (self._lightened(device, load, case_id),)
        raise MemoryError

    def _attempts(self) -> Iterator[tuple[str, DeviceLoad]]:
        """Yield devices and loads, lighter and lighter ones."""
        for load in lighter_loads(self._load):
            yield self._device, load
        if torch.device(self._device).type != "cpu":
            for load in lighter_loads(WHOLE):
                yield "cpu", load

    def _tried(self, device: str, load: DeviceLoad, small: Volume, turned: _Turned) -> ProbabilityMaps | None:
        """Compute the probabilities of a CT; `None` if memory is too small for the load."""
        overlap = self.config.window_overlap
        try:
            self._move_to(device)
            slabs = organ_probabilities(self.network, small.voxels, self.organs, overlap=overlap, load=load)
            return join_slabs(slabs, self.organs, small.geometry.shape, turned)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        # Not inside `except`, as the error holds on to all that was computed.
        gc.collect()
        torch.cuda.empty_cache()
        return None

    def _move_to(self, device: str) -> None:
        """Move the network where it is not there yet; processors are too slow with float16."""
        if torch.device(device).type == "cpu":
            self.network.to(device)  # first, as a change of numbers takes memory
            self.network.set_compute_dtype(torch.float32 if self._dtype == torch.float16 else self._dtype)
        else:
            self.network.set_compute_dtype(self._dtype)
            self.network.to(device)

    def _lightened(self, device: str, load: DeviceLoad, case_id: str) -> str:
        """Note a lighter load for people, warn of the first one, and keep fewer windows for the next CTs."""
        if device == self._device:
            self._load = DeviceLoad(n_windows=load.n_windows)
        where = "" if device == self._device else "on the processor, "
        note = f"the memory of {self._device} was too small; predicted {where}with {load.described}"
        if not self._has_warned:
            self._has_warned = True
            _LOG.warning(
                "%s: %s. Masks are the same but for rounding, and it is slower; the summaries of "
                "predictions say it from now on.",
                case_id or "a CT",
                note,
            )
        return note
