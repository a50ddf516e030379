"""Make the features of cases where the project's runner works; each case is a job.

A job is data: paths, settings and what is wanted of the case. Where it is sent to, the network is loaded from
its weights, once a process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import torch

from omentum.errors import CheckpointError
from omentum.networks.network import Network, NetworkSpec
from omentum.networks.weights import load_network, tensors_sha256
from omentum.records import LabelledCase
from omentum.runners.in_process import InProcessRunner
from omentum.runners.memory_ledger import MemoryLedger
from omentum.runners.processes import ProcessRunner
from omentum.runners.runner import Progress, Runner
from omentum.tune.cache import SampleRequest, make_missing
from omentum.tune.config import ContinualConfig
from omentum.tune.prepared_cases import prepared

__all__ = ["FeatureJob", "PortableTrunk", "fill_features"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PortableTrunk:
    """A network of which the trunk alone is used; where it is sent to, it is loaded from its weights.

    Attributes:
        weights: The file of the network in use.
        trunk_sha256: Of its trunk's tensors, in the numbers in which it computes.
        spec: With the organs and adapters that the network was given since; they say which channels are read.
        dtype: In which the trunk computes.
        device: Where it computes.
        loaded: The network itself; it stays where it is.
    """

    weights: Path
    trunk_sha256: str
    spec: NetworkSpec
    dtype: torch.dtype
    device: str
    loaded: Network | None = None

    @classmethod
    def of(cls, network: Network, weights: Path, device: str) -> "PortableTrunk":
        """Describe a network on its device, in its numbers."""
        return cls(
            weights=weights.absolute(),
            trunk_sha256=tensors_sha256(network.trunk_tensors()),
            spec=network.spec,
            dtype=network.dtype,
            device=device,
            loaded=network,
        )

    def network(self) -> Network:
        """Give the network.

        Raises:
            CheckpointError: The file of its weights has changed since.
        """
        return self.loaded or _loaded(self)

    def __reduce__(self) -> tuple[object, ...]:
        """Send all but the network."""
        sent = {name: getattr(self, name) for name in self.__slots__ if name != "loaded"}
        return partial(PortableTrunk, **sent), ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureJob:
    """Makes what is not there of one case's features, and has it on disk when it returns.

    Attributes:
        trunk: Makes the features.
        config: Sampling and copies.
        overlap: Of windows, as in prediction.
        cache_dir: Of the project; it has the prepared cases.
    """

    trunk: PortableTrunk
    config: ContinualConfig
    overlap: float
    cache_dir: Path

    def __call__(self, item: tuple[LabelledCase, Sequence[SampleRequest]]) -> None:
        """Do one case."""
        labelled, wanted = item
        load = partial(prepared, labelled, self.trunk.spec.spacing_mm, self.cache_dir)
        make_missing(self.trunk.network, load, wanted, self.config, overlap=self.overlap)


def fill_features(
    runner: Runner,
    job: FeatureJob,
    cases: Mapping[str, LabelledCase],
    wanted: Mapping[str, Sequence[SampleRequest]],
    *,
    step: str,
    progress: Progress | None = None,
) -> None:
    """Make features where the runner works; `FeatureCache.samples` raises the error of a case that failed.

    A GPU of this machine has one network at a time, in this process.

    Args:
        runner: Where the work runs.
        job: What is done with each case.
        cases: By name.
        wanted: Of each case, once there is room.
        step: Name of the work, for `progress`.
        progress: Called with each case.
    """
    is_on_gpu = torch.device(job.trunk.device).type != "cpu"
    if is_on_gpu and isinstance(runner, ProcessRunner):
        runner = InProcessRunner()
    runner.run(
        [(cases[case_id], own) for case_id, own in wanted.items()],
        job,
        key=lambda item: item[0].case.case_id,
        ledger=MemoryLedger[None](),
        step=step,
        progress=progress,
    )


@lru_cache(maxsize=1)
def _loaded(trunk: PortableTrunk) -> Network:
    network = load_network(trunk.weights)
    # Heads and adapters make no features, so that they are not needed beside what the spec says of them.
    network.spec = trunk.spec
    network.set_compute_dtype(trunk.dtype)
    if tensors_sha256(network.trunk_tensors()) != trunk.trunk_sha256:
        reason = "it has changed since the features of these cases were begun; run the same command again"
        raise CheckpointError(trunk.weights, reason)
    return network.to(trunk.device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload, no-any-return]
