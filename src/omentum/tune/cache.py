"""Keep samples of features on disk, so that the trunk runs over a case only once.

A file's name is a hash of all that is in it (trunk, voxels, labels, windows, settings), so it is never
stale; what other runs left makes room under the cap.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.torch import save

from omentum.errors import ConfigError, DiskFullError
from omentum.networks.network import Network
from omentum.networks.sliding_window import window_starts
from omentum.networks.weights import tensors_sha256
from omentum.tune.config import ContinualConfig
from omentum.tune.prepared_cases import PreparedCase
from omentum.tune.samples import OrganSamples, most_samples, sample_case
from omentum.volumes.atomic import writing

__all__ = ["FeatureCache", "SampleRequest", "make_missing"]

_FORMAT = 3
"""Raised whenever the same settings make other samples."""
_TENSORS = ("features", "contexts", "starts", "labels", "stands_for")
_BYTES_A_SAMPLE = 1 + 4
"""Label and what it stands for; features come on top."""
_HEADER_BYTES = 1024
_GB = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRequest:
    """Samples of one organ in one copy of one case."""

    organ: str
    case_id: str
    copy: int
    path: Path
    size_bytes: int
    """At most."""


class FeatureCache:
    """Samples of a network's features on disk.

    Args:
        folder: For these files alone; may be removed at any time.
        network: In evaluation mode, in the numbers in which features are to be made.
        config: Sampling, copies, the cap.
        overlap: Of windows, as in prediction.
    """

    def __init__(self, folder: Path, network: Network, config: ContinualConfig, *, overlap: float) -> None:
        self.folder = folder
        self._network, self._config, self._overlap = network, config, overlap
        tensors = network.trunk_tensors()
        self._made_with = {
            "format": _FORMAT,
            "trunk": tensors_sha256(tensors),
            "numbers": str(network.dtype),
            "windows": [*network.spec.window_voxels, overlap],
            "spacing_mm": network.spec.spacing_mm,
            "sampling": [config.samples_per_class, config.shell_mm, config.around_mm, config.seed],
        }

    def wanted(self, case: PreparedCase, organs: Sequence[str]) -> list[SampleRequest]:
        """Name the samples of one case, one for each organ and copy, whether they are there or not."""
        hu = hashlib.sha256(case.hu.tobytes()).hexdigest()
        made_with = {**self._made_with, "case": case.case_id, "shape": case.hu.shape, "hu": hu}
        wanted = []
        for name in organs:
            size_bytes = self._size_bytes(case.hu.shape, name)
            mask = hashlib.sha256(np.packbits(case.masks.mask(name)).tobytes()).hexdigest()
            own = {**made_with, "organ": name, "channels": self._network.channels_for(name), "mask": mask}
            for copy in range(1 + self._config.augmented_copies):
                key = json.dumps({**own, "copy": copy}, sort_keys=True)
                path = self.folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.safetensors"
                wanted.append(
                    SampleRequest(
                        organ=name, case_id=case.case_id, copy=copy, path=path, size_bytes=size_bytes
                    )
                )
        return wanted

    def make_room(self, wanted: Sequence[SampleRequest]) -> int:
        """Tell how many bytes these samples take at most, and see that there is room before any is made.

        Files of other runs are removed, those used longest ago first, where all would be over the cap.

        Raises:
            ConfigError: They alone are over the cap.
            DiskFullError: The disk has not the room for those that are not there yet.
        """
        needed = sum(one.size_bytes for one in wanted)
        cap_bytes = self._config.cache_gb * _GB
        if needed > cap_bytes:
            n_cases = len({one.case_id for one in wanted})
            cure = "raise it, or lower samples_per_class or augmented_copies"
            rule = f"the features of {n_cases} cases take up to {needed / _GB:.3g} GB; {cure}"
            raise ConfigError("cache_gb", self._config.cache_gb, rule)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._drop_others({one.path for one in wanted}, cap_bytes - needed)
        missing = sum(one.size_bytes for one in wanted if not one.path.is_file())
        free = shutil.disk_usage(self.folder).free
        if missing > free:
            seen = f"features take up to {missing / _GB:.3g} GB, and {free / _GB:.3g} GB are free"
            raise DiskFullError(str(self.folder), seen)
        return needed

    def samples(
        self, load: Callable[[], PreparedCase], wanted: Sequence[SampleRequest]
    ) -> Iterator[OrganSamples]:
        """Give samples of one case; what is not there is made, one pass of the trunk for each copy.

        Args:
            load: Gives the case; called only where something is missing.
            wanted: Of that case, from `wanted`, once there is room.

        Raises:
            ConfigError: Nothing in the volume is denser than air.
            DiskFullError: The disk is full.
        """
        make_missing(lambda: self._network, load, wanted, self._config, overlap=self._overlap)
        for copy in sorted({one.copy for one in wanted}):
            yield from (_read(one) for one in wanted if one.copy == copy)

    def _size_bytes(self, shape: Sequence[int], organ_name: str) -> int:
        n_samples = most_samples(self._config, int(np.prod(shape)))
        n_groups = 1
        if self._network.context_per_window:
            sides = zip(shape, self._network.window_for(shape), strict=True)
            n_groups = int(np.prod([len(window_starts(*side, self._overlap)) for side in sides]))
        contexts = n_groups * (4 * self._network.context_channels + 8)
        a_sample = 2 * self._network.channels_for(organ_name) + _BYTES_A_SAMPLE
        return n_samples * a_sample + contexts + _HEADER_BYTES

    def _drop_others(self, kept: set[Path], room_bytes: float) -> None:
        others = [path for path in self.folder.glob("*.safetensors") if path not in kept]
        others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in others:
            room_bytes -= path.stat().st_size
            if room_bytes < 0:
                path.unlink()


def make_missing(
    network: Callable[[], Network],
    load: Callable[[], PreparedCase],
    wanted: Sequence[SampleRequest],
    config: ContinualConfig,
    *,
    overlap: float,
) -> None:
    """Make the samples of one case that are not on disk, by one pass of the trunk for each copy.

    Args:
        network: Gives the network; called only where something is missing, as is `load`.
        load: Gives the case.
        wanted: Of that case.
        config: Sampling and copies.
        overlap: Of windows, as in prediction.

    Raises:
        ConfigError: Nothing in the volume is denser than air.
        DiskFullError: The disk is full.
    """
    for copy in sorted({one.copy for one in wanted}):
        missing = {one.organ: one.path for one in wanted if one.copy == copy and not one.path.is_file()}
        if missing:
            made = sample_case(network(), load(), sorted(missing), config, overlap=overlap, copy=copy)
            for one in made:
                _write(missing[one.organ], one)


def _write(path: Path, samples: OrganSamples) -> None:
    tensors = {name: getattr(samples, name).contiguous() for name in _TENSORS}
    metadata = {"samples": f"{samples.organ} of {samples.case_id}"}  # one, as several come in any order
    try:
        with writing(path) as part:
            part.write_bytes(save(tensors, metadata=metadata))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise DiskFullError(str(path.parent), "there is no space left for features") from None


def _read(wanted: SampleRequest) -> OrganSamples:
    """Map samples into memory: what is never looked at is never read."""
    os.utime(wanted.path)  # used last by this run
    with safe_open(wanted.path, framework="pt") as file:
        tensors: Mapping[str, Any] = {name: file.get_tensor(name) for name in _TENSORS}
    return OrganSamples(organ=wanted.organ, case_id=wanted.case_id, **tensors)
