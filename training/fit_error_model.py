"""Fit the weights of the error model: Adam on weighted cross entropy.

In:  rows of signals with their organs, whether each voxel is in an error region, and its weight.
Out: an `ErrorModel`.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from omentum.score.error_model import MODEL_ORGANS, ErrorModel
from omentum.score.voxel_features import FEATURES

__all__ = ["fit_model"]

HIDDEN = (128, 128)
STEPS, BATCH, RATE = 6000, 4096, 4e-3
NAMELESS = 0.2
"""Share of rows whose organ is withheld, so that organs without a column of their own can be judged."""


def fit_model(
    rows: npt.NDArray[np.float32],
    organs: npt.NDArray[np.int64],
    wrong: npt.NDArray[np.bool_],
    weights: npt.NDArray[np.float32],
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> ErrorModel:
    """Fit the model.

    Args:
        rows: Signals `(voxel, signal)`.
        organs: Place of each voxel's organ in `MODEL_ORGANS`.
        wrong: Whether each voxel is in an error region.
        weights: How much each counts.
        steps: Steps of the optimiser.
        seed: Of everything drawn.
    """
    rng = np.random.default_rng(seed)
    middle, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    layers = [_layer(rng, a, b) for a, b in pairwise((len(FEATURES) + len(MODEL_ORGANS), *HIDDEN, 1))]
    network = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    names = np.eye(len(MODEL_ORGANS) + 1, len(MODEL_ORGANS), dtype=np.float32)
    for step in range(steps):
        drawn = rng.integers(0, len(rows), BATCH)
        named = np.where(rng.random(BATCH) < NAMELESS, len(MODEL_ORGANS), organs[drawn])
        values = torch.from_numpy(np.hstack([(rows[drawn] - middle) / scale, names[named]]))
        target, counts = (torch.from_numpy(one[drawn].astype(np.float32)) for one in (wrong, weights))
        loss = binary_cross_entropy_with_logits(
            network(values)[:, 0], target, counts / counts.sum(), reduction="sum"
        )
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / steps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    fitted = [(one.weight.detach().numpy().T.copy(), one.bias.detach().numpy()) for one in layers]
    return ErrorModel(middle, scale, tuple(fitted))


def _layer(rng: np.random.Generator, n_in: int, n_out: int) -> nn.Linear:
    layer = nn.Linear(n_in, n_out)
    drawn = rng.normal(0, np.sqrt(2 / n_in), (n_in, n_out)).astype(np.float32)
    layer.weight.data = torch.from_numpy(drawn.T.copy())
    nn.init.zeros_(layer.bias)
    return layer
