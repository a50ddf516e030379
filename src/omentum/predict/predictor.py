"""What are the organs in one CT, as one network sees them?

In:  a network's weights and a CT on its own grid.
Out: probabilities on the network's grid, and masks on the CT's grid.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from omentum.errors import UnknownOrganError
from omentum.measures.boxes import bounding_box, grown
from omentum.measures.components import keep_largest
from omentum.networks.grid import from_network_axes, to_network_grid
from omentum.networks.infer import features_of, organ_probabilities
from omentum.networks.weights import load_network, tensors_sha256
from omentum.networks.window import window_starts
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ, organs_named
from omentum.volumes.masks import MaskSet, OrganPart
from omentum.volumes.probabilities import FULL, LEAST, ProbabilityMaps, reach
from omentum.volumes.resample import upsampled_mask
from omentum.volumes.volume import Volume

__all__ = ["Predicted", "Predictor", "masks_from"]

THRESHOLD = 0.5
"""A voxel belongs to an organ whose probability there is above this; as published."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predicted:
    """What a network made of one CT, still in memory."""

    maps: ProbabilityMaps
    masks: MaskSet
    seconds: dict[str, float]
    """Time of each step."""


class Predictor:
    """A network that is loaded once and predicts one CT after another.

    Args:
        name: What it is called in files.
        weights: Its file.
        organs: Names or subsets; all that the network knows if empty.
        device: `cpu`, `cuda`, ...
        overlap: Least share of a window that the next one repeats, in [0, 1).

    Raises:
        ConfigError: The overlap is out of range.
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
        overlap: float = 0.5,
    ) -> None:
        self.name = name
        self.overlap = overlap
        window_starts(1, 1, overlap)  # refuses an overlap out of range before any CT is read
        network = load_network(weights)
        self.weights_sha256 = tensors_sha256(network.state_dict())
        self.organs = tuple(row.name for row in organs_named(organs or network.spec.organs))
        for organ_name in self.organs:
            if organ_name not in network.spec.organs:
                raise UnknownOrganError(organ_name, network.spec.organs)
        self.spacing_mm = network.spec.spacing_mm
        self.network = network.to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload]

    def predict(self, ct: Volume) -> Predicted:
        """Predict one CT.

        Args:
            ct: Hounsfield units on any grid.

        Raises:
            ConfigError: Nothing in the CT is denser than air.
        """
        started = time.perf_counter()
        small = to_network_grid(ct, self.spacing_mm)
        resampled = time.perf_counter()
        features = features_of(self.network, small.voxels, overlap=self.overlap)
        seen = time.perf_counter()
        maps = self._maps(organ_probabilities(self.network, features, self.organs), ct.geometry)
        decided = time.perf_counter()
        masks = masks_from(maps, ct.geometry)
        seconds = {
            "resample": resampled - started,
            "trunk": seen - resampled,
            "heads": decided - seen,
            "masks": time.perf_counter() - decided,
        }
        return Predicted(maps=maps, masks=masks, seconds=seconds)

    def _maps(
        self,
        probabilities: Iterator[tuple[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]],
        ct: Geometry,
    ) -> ProbabilityMaps:
        parts = {}
        geometry = None
        for name, probability in probabilities:
            turned = from_network_axes(probability, ct, self.spacing_mm)
            geometry = turned.geometry
            box = bounding_box(turned.voxels >= LEAST)
            if box is not None:
                box = grown(box, 1, geometry.shape)
                parts[name] = box, np.ascontiguousarray(turned.voxels[box])
        assert geometry is not None
        return ProbabilityMaps(geometry, self.organs, parts)


def masks_from(maps: ProbabilityMaps, ct: Geometry) -> MaskSet:
    """Decide on the CT's own grid: interpolate each organ's probability inside its box, then compare.

    An organ keeps its largest piece; tumours and cysts keep as many as the label table says. What is
    interpolated is the box of the pieces that are likely enough, so a far speck costs nothing.
    """

    def parts() -> Iterator[OrganPart]:
        for name, (own_box, values) in maps.parts.items():
            likely = bounding_box(values > FULL * THRESHOLD)
            if likely is None:
                continue
            near = grown(likely, _margin_voxels(maps.geometry, ct), values.shape)
            source = maps.geometry.cropped(own_box).cropped(near)
            box = reach(source, ct)
            mask = upsampled_mask(values[near], source, ct.cropped(box), FULL * THRESHOLD)
            yield name, box, keep_largest(mask, k=organ(name).max_components or 1)

    return MaskSet.build(ct, maps.organs, parts())


def _margin_voxels(source: Geometry, target: Geometry) -> int:
    """Say how far from likely voxels a voxel of `target` may lie in the organ and still look further."""
    step = max(np.array(target.spacing_mm) / np.array(source.spacing_mm))
    return 1 if step <= 1 else 2 * int(np.ceil(step))
