"""Run training on the CPU, on one GPU, or on several that share each step's patches."""

import logging
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from omentum.errors import ConfigError, TuneError
from omentum.networks.network import Network, NetworkSpec, build
from omentum.networks.precision import has_bfloat16
from omentum.tune.full_training import FullRun, Outcome, Watch, run_key
from omentum.tune.training import run_steps
from omentum.volumes.atomic import writing

if TYPE_CHECKING:
    from lightning_fabric import Fabric

__all__ = ["check_devices", "precision_for", "run_on"]

_NARROW = 2
"""On CPUs, what bfloat16 convolutions over maps no more than two voxels wide give as gradient is
uninitialised memory (torch 2.13)."""
_WAIT = timedelta(hours=3)
"""Devices wait for each other as long as the first one may look at held-out patients."""
for _name in ("distributed", "rank_zero"):
    # They tell of every process that it has come up, in the middle of the progress bars.
    logging.getLogger(f"lightning_fabric.utilities.{_name}").setLevel(logging.WARNING)


def check_devices(device: str, n_devices: int) -> None:
    """Refuse to run on devices that are not there.

    Raises:
        ConfigError: There are fewer, or one of several was named.
    """
    kind, index = torch.device(device).type, torch.device(device).index
    if n_devices > 1 and index is not None:
        raise ConfigError("devices", n_devices, f"{device} is one; name the kind alone, such as {kind}")
    n_there = {"cuda": torch.cuda.device_count(), "cpu": os.cpu_count() or 1}.get(kind, 1)
    if n_devices > max(1, n_there):
        raise ConfigError("devices", n_devices, f"this machine has {n_there} of kind {kind}")


def precision_for(network: Network, patch_voxels: tuple[int, int, int], device: str) -> str:
    """Choose the numbers to train in: bfloat16 where the processor multiplies in it, and rightly.

    Returns:
        Fabric's name for them. Weights, sums and what heads give to the loss are float32 either way.
    """
    is_wide = torch.device(device).type != "cpu" or patch_voxels[0] > _NARROW * network.stride
    return "bf16-mixed" if is_wide and has_bfloat16(device) else "32-true"


def run_on(device: str, run: FullRun, watch: Watch | None = None) -> Outcome:
    """Train, in place.

    Args:
        device: `cpu`, `cuda`, `cuda:1`, ...
        run: What it is given; its settings say how many devices of that kind. Several of `cpu` are as many
            processes, which share the cores.
        watch: Told after each step, in this process.

    Raises:
        ConfigError: There are no such devices.
        TuneError: There is nothing to learn from, or the loss is not finite.
    """
    n_devices = run.config.devices
    check_devices(device, n_devices)
    key = run_key(run)
    if n_devices == 1:
        fabric = _fabric(device, 1, precision_for(run.network, run.config.patch_voxels, device))
        return run_steps(run, fabric, key, watch)
    return _together(device, run, key, watch)


def _fabric(device: str, n_devices: int, precision: Any) -> "Fabric":
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments.lightning import LightningEnvironment
    from lightning_fabric.strategies.ddp import DDPStrategy
    from lightning_fabric.strategies.single_device import SingleDeviceStrategy

    kind = torch.device(device).type
    if n_devices == 1:
        index = torch.device(device).index or 0
        one = SingleDeviceStrategy(device=torch.device("cpu") if kind == "cpu" else torch.device(kind, index))
        devices: Any = 1 if kind == "cpu" else [index]
        # Else Fabric looks for a cluster, and inside a job of Slurm takes this process for one of several.
        alone = LightningEnvironment()
        return Fabric(accelerator=kind, devices=devices, strategy=one, precision=precision, plugins=alone)
    together = DDPStrategy(
        start_method="spawn",
        cluster_environment=LightningEnvironment(),
        process_group_backend="nccl" if kind == "cuda" else "gloo",
        timeout=_WAIT,
    )
    return Fabric(accelerator=kind, devices=n_devices, strategy=together, precision=precision)


def _together(device: str, run: FullRun, key: str, watch: Watch | None) -> Outcome:
    """Start a process for each device, hand on what the first one tells, and take its weights."""
    network = run.network.cpu()
    precision = precision_for(network, run.config.patch_voxels, device)
    handed = _Handed(replace(run, network=None), network.spec, network.state_dict(), key)  # type: ignore[arg-type]
    result_path = run.checkpoint_path.with_suffix(".result")
    with _heard(watch) as queue, _environment_kept():
        fabric: Any = _fabric(device, run.config.devices, precision)
        said = fabric.launch(_work, handed, result_path, queue)
    if isinstance(said, str):
        raise TuneError(said)
    network.load_state_dict(torch.load(result_path, map_location="cpu", weights_only=True))
    result_path.unlink()
    network.to(device).eval()
    return Outcome(**said)


class _Handed:
    """What a process is handed: no tensor in it is shared with another process in the end."""

    def __init__(self, run: FullRun, spec: NetworkSpec, tensors: dict[str, torch.Tensor], key: str) -> None:
        self.run, self.key = run, key
        self._spec, self._tensors = spec, {name: value.numpy() for name, value in tensors.items()}

    def whole(self) -> FullRun:
        """Give the run with a network of this process's own."""
        network = build(self._spec)
        network.load_state_dict({name: torch.tensor(value) for name, value in self._tensors.items()})
        return replace(self.run, network=network)


def _work(fabric: "Fabric", handed: _Handed, result_path: Path, queue: Any) -> dict[str, Any] | str:
    """Train in one of several processes; where training cannot go on, all of them say why."""
    # The weights of 1 x 1 x 1 convolutions are contiguous in two ways; which one is taken does not matter.
    warnings.filterwarnings("ignore", message="Grad strides do not match bucket view strides")
    if fabric.device.type == "cpu":
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // fabric.world_size))
    run = handed.whole()
    try:
        outcome = run_steps(run, fabric, handed.key, queue.put)
    except TuneError as error:
        return str(error)
    finally:
        # Threads of a group that is still open end a process with SIGABRT now and then.
        torch.distributed.destroy_process_group()
    if fabric.is_global_zero:
        with writing(result_path) as part:
            torch.save(run.network.cpu().state_dict(), part)
    return asdict(outcome)  # Fabric takes no frozen record


@contextmanager
def _heard(watch: Watch | None) -> Iterator[Any]:
    """Give a queue to other processes; what they put into it is told to `watch`, in a thread of this one.

    Where `watch` fails, it is told nothing more, and its error is raised in the end.
    """
    queue = torch.multiprocessing.get_context("spawn").SimpleQueue()
    failed: list[BaseException] = []

    def listen() -> None:
        while (report := queue.get()) is not None:
            try:
                if watch is not None and not failed:
                    watch(report)
            except BaseException as error:
                failed.append(error)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        yield queue
    finally:
        queue.put(None)
        listener.join()
    if failed:
        raise failed[0]


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Take back what Fabric tells its processes by the environment, such as the port they meet at."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
