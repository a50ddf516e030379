"""Turn the features of a voxel into the log-odds of an error, in 256 levels, by a small network in NumPy.

The shipped weights were fitted on synthetic patients by `training/error_prior.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.score.voxel_features import FEATURES
from omentum.volumes.labels import SUBSETS

__all__ = ["LEVELS", "MODEL_ORGANS", "ErrorModel", "design", "level_of", "shipped_model"]

LEVELS = 256
_LOWEST, _HIGHEST = -9.0, 5.0
"""Log-odds at the ends of the levels."""
MODEL_ORGANS = SUBSETS["abdomenatlas-1.0"]
"""Organs that have a column of their own; any other is judged by its features alone."""
_AT_ONCE = 1 << 15

Reals = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class ErrorModel:
    """Two hidden layers with rectifiers.

    Attributes:
        middle: Mean of each feature where the weights were fitted.
        scale: Its standard deviation there.
        layers: Weights `(in, out)` and biases `(out,)`, first to last.
    """

    middle: Reals
    scale: Reals
    layers: tuple[tuple[Reals, Reals], ...]

    def levels(self, rows: Reals, organ_name: str) -> Bytes:
        """Give a level to each row `(voxel, feature)`, in blocks, so that memory stays small."""
        result = np.empty(len(rows), dtype=np.uint8)
        for start in range(0, len(rows), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            values = design(rows[part], organ_name, self.middle, self.scale)
            for weights, bias in self.layers[:-1]:
                values = np.maximum(values @ weights + bias, 0)
            weights, bias = self.layers[-1]
            result[part] = level_of((values @ weights + bias)[:, 0])
        return result

    def save(self, path: Path) -> None:
        """Write the weights as one `.npz`."""
        arrays: dict[str, Any] = {"middle": self.middle, "scale": self.scale}
        for k, (weights, bias) in enumerate(self.layers):
            arrays |= {f"w{k}": weights, f"b{k}": bias}
        np.savez_compressed(path, **arrays)

    @classmethod
    def read(cls, path: Path) -> "ErrorModel":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            n_layers = sum(name.startswith("w") for name in stored.files)
            layers = tuple((stored[f"w{k}"], stored[f"b{k}"]) for k in range(n_layers))
            return cls(stored["middle"], stored["scale"], layers)


def design(rows: Reals, organ_name: str, middle: Reals, scale: Reals) -> Reals:
    """Scale features, and add a column for each organ of the model: `(voxel, feature + organ)`."""
    values = np.zeros((len(rows), len(FEATURES) + len(MODEL_ORGANS)), dtype=np.float32)
    np.subtract(rows, middle, out=values[:, : len(FEATURES)])
    values[:, : len(FEATURES)] /= scale
    if organ_name in MODEL_ORGANS:
        values[:, len(FEATURES) + MODEL_ORGANS.index(organ_name)] = 1.0
    return values


def level_of(log_odds: npt.NDArray[np.floating] | Sequence[float]) -> Bytes:
    """Give the level of some log-odds.

    Example:
        >>> level_of(np.array([-20.0, -9.0, 5.0])).tolist()
        [0, 0, 255]
    """
    share = (np.asarray(log_odds) - _LOWEST) / (_HIGHEST - _LOWEST)
    return np.asarray(np.rint(np.clip(share, 0.0, 1.0) * (LEVELS - 1)).astype(np.uint8))


@cache
def shipped_model() -> ErrorModel:
    """Read the weights that come with the package."""
    with resources.as_file(resources.files("omentum.score").joinpath("shipped/error-model.npz")) as path:
        return ErrorModel.read(path)
