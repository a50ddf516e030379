"""Save and resume training: one file holds all that changes.

A run that goes on from it ends in the same weights, for patches and the rate depend on seed and step alone.
"""

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from omentum.networks.network import Network
from omentum.tune.early_stop import StopState
from omentum.volumes.atomic import writing

__all__ = ["TrainingState", "is_of_another_run", "load_checkpoint", "save_checkpoint"]


@dataclass(slots=True, kw_only=True)
class TrainingState:
    """All that changes from step to step."""

    network: Network
    optimizer: torch.optim.Optimizer
    average: dict[str, Tensor]
    """Running mean of the network's tensors."""
    step: int = 0
    """Steps done."""
    stop_state: StopState = field(default_factory=StopState)


def save_checkpoint(path: Path, state: TrainingState, key: str) -> None:
    """Write the state; `key` names the run (data and settings) that it belongs to."""
    content = {
        "key": key,
        "step": state.step,
        "model": state.network.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "average": state.average,
        "looks": vars(state.stop_state),
    }
    with writing(path) as part:
        torch.save(content, part)


def load_checkpoint(path: Path, state: TrainingState, key: str) -> bool:
    """Bring a state to where a checkpoint of the same run stands.

    Returns:
        Whether there was one; one of another run, or a damaged one, is left alone.
    """
    content = _content(path)
    if content is None or content.get("key") != key:
        return False
    state.network.load_state_dict(content["model"])
    state.optimizer.load_state_dict(content["optimizer"])
    device = next(state.network.parameters()).device
    state.average = {name: value.to(device) for name, value in content["average"].items()}
    state.step = content["step"]
    kept = content["looks"]
    weights = {name: value.to(device) for name, value in kept["weights"].items()}
    state.stop_state = StopState(**{**kept, "weights": weights})
    return True


def is_of_another_run(path: Path, key: str) -> bool:
    """Tell whether a checkpoint is there that cannot be taken up: of other data or settings, or damaged."""
    if not path.is_file():
        return False
    content = _content(path)
    return content is None or content.get("key") != key


def _content(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError):
        return None
    return content if isinstance(content, dict) else None
