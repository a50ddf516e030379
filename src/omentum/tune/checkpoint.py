"""How does training go on after it was killed? From a checkpoint that holds all that changes.

In:  the network, its optimizer, the running mean of its weights, the step.
Out: one file, written whole or not at all, read with `weights_only`; a run that goes on from it ends in
     the same weights, for patches depend on the seed and the step alone.
"""

import pickle
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from omentum.volumes.atomic import writing

__all__ = ["TrainingState", "load_checkpoint", "save_checkpoint"]


@dataclass(slots=True, kw_only=True)
class TrainingState:
    """All that changes from step to step."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: dict[str, Tensor]
    """Running mean of the model's tensors."""
    step: int = 0
    """Steps done."""


def save_checkpoint(path: Path, state: TrainingState, key: str) -> None:
    """Write the state; `key` names the run (data and settings) that it belongs to."""
    content = {
        "key": key,
        "step": state.step,
        "model": state.model.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "average": state.average,
    }
    with writing(path) as part:
        torch.save(content, part)


def load_checkpoint(path: Path, state: TrainingState, key: str) -> bool:
    """Bring a state to where a checkpoint of the same run stands.

    Returns:
        Whether there was one; one of another run, or a damaged one, is left alone.
    """
    if not path.is_file():
        return False
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError):
        return False
    if not isinstance(content, dict) or content.get("key") != key:
        return False
    state.model.load_state_dict(content["model"])
    state.optimizer.load_state_dict(content["optimizer"])
    device = next(state.model.parameters()).device
    state.average = {name: value.to(device) for name, value in content["average"].items()}
    state.step = content["step"]
    return True
