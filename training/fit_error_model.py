"""How are the weights of the error model fitted? Adam on weighted cross entropy, in NumPy.

In:  rows of signals with their organs, whether each voxel is in an error region, and its weight.
Out: an `ErrorModel`.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

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
    sides = (len(FEATURES) + len(MODEL_ORGANS), *HIDDEN, 1)
    layers = [
        [
            rng.normal(0, np.sqrt(2 / a), (a, b)).astype(np.float32),
            np.zeros(b, dtype=np.float32),
        ]
        for a, b in pairwise(sides)
    ]
    moments = [[(np.zeros_like(one), np.zeros_like(one)) for one in pair] for pair in layers]
    names = np.vstack(
        [np.eye(len(MODEL_ORGANS), dtype=np.float32), np.zeros((1, len(MODEL_ORGANS)), np.float32)]
    )
    for step in range(steps):
        drawn = rng.integers(0, len(rows), BATCH)
        named = np.where(rng.random(BATCH) < NAMELESS, len(MODEL_ORGANS), organs[drawn])
        values = np.hstack([(rows[drawn] - middle) / scale, names[named]])
        slopes = _slopes(layers, values, wrong[drawn], weights[drawn])
        rate = RATE * (1 - step / steps)
        for pair, moment, slope in zip(layers, moments, slopes, strict=True):
            for k in range(2):
                first, second = moment[k]
                first *= 0.9
                first += 0.1 * slope[k]
                second *= 0.999
                second += 0.001 * np.square(slope[k])
                unbiased = first / (1 - 0.9 ** (step + 1))
                pair[k] -= rate * unbiased / (np.sqrt(second / (1 - 0.999 ** (step + 1))) + 1e-8)
    return ErrorModel(middle, scale, tuple((w, b) for w, b in layers))


def _slopes(layers, values, wrong, weights):  # type: ignore[no-untyped-def]
    """Work out the gradient of the mean weighted cross entropy, layer by layer."""
    kept = [values]
    for w, b in layers[:-1]:
        kept.append(np.maximum(kept[-1] @ w + b, 0))
    w, b = layers[-1]
    log_odds = (kept[-1] @ w + b)[:, 0]
    back = ((1 / (1 + np.exp(-log_odds)) - wrong) * weights / weights.sum())[:, None].astype(np.float32)
    slopes = []
    for (w, _), before in zip(reversed(layers), reversed(kept), strict=True):
        slopes.append((before.T @ back, back.sum(axis=0)))
        back = (back @ w.T) * (before > 0)
    return slopes[::-1]
