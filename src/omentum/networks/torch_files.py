"""Read PyTorch checkpoints without running code from them."""

import pickle
import pickletools
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from omentum.errors import CheckpointError

__all__ = ["read_torch_file"]

_WRAPPERS = ("net", "state_dict", "model_state_dict")
"""Keys of the state dict in training checkpoints."""
_IMPORTS = {"GLOBAL", "INST", "STACK_GLOBAL"}
"""Opcodes with which a pickle imports code."""
_SCALAR = np.float64().__reduce__()[0]
_NUMPY_SCALARS: list[Any] = [
    *((_SCALAR, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    *(np.dtype, *{type(np.dtype(kind)) for kind in "?bhilqBHILQefd"}),
]
"""Types of losses and epochs in checkpoints; they run no code."""
_DTYPES = {
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
}


def read_torch_file(path: Path) -> dict[str, Tensor]:
    """Read a checkpoint of `torch.save`; tensors of zipped files are memory-mapped.

    Args:
        path: State dict, or a dict that has one under `net`, `state_dict` or `model_state_dict`.

    Returns:
        Its tensors on the CPU; none where it holds no state dict of plain tensors.

    Raises:
        CheckpointError: It is damaged, no such file, or carries code.
    """
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_NUMPY_SCALARS):
            warnings.simplefilter("ignore")  # on protocols that it does not know, of which we tell ourselves
            return _state_dict(_loaded(path))
    except Exception as error:  # there is nothing that the bytes of any file could not make it raise
        if isinstance(error, pickle.UnpicklingError) and _imports(path, str(error)):
            reason = "it carries code besides tensors, and is refused; save the state dict alone"
        else:
            reason = "it is damaged, or neither safetensors nor a PyTorch checkpoint; copy it again"
        raise CheckpointError(path, reason) from None


def _loaded(path: Path) -> object:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # PyTorch itself does not compare checksums
        if damaged:
            raise zipfile.BadZipFile(damaged)
        if path.suffix != ".safetensors":  # by which name PyTorch would take it for one
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    with path.open("rb") as stream:
        return torch.load(stream, map_location="cpu", weights_only=True)


def _state_dict(content: object) -> dict[str, Tensor]:
    if not isinstance(content, Mapping):
        return {}
    tensors = next((content[key] for key in _WRAPPERS if isinstance(content.get(key), Mapping)), content)
    plain = all(isinstance(name, str) and _is_plain(value) for name, value in tensors.items())
    return dict(tensors) if plain else {}


def _is_plain(value: object) -> bool:
    return (
        isinstance(value, Tensor)
        and value.layout is torch.strided
        and value.device.type == "cpu"
        and value.dtype in _DTYPES
    )


def _imports(path: Path, refusal: str) -> bool:
    """Tell whether a file is a pickle that imports code; its opcodes are read and not run."""
    with path.open("rb") as stream:
        zipped = stream.read(2) == b"PK"
        stream.seek(0)
        try:
            names = set() if zipped else {opcode.name for opcode, _, _ in pickletools.genops(stream)}
        except (ValueError, OverflowError, MemoryError):  # no pickle, whatever its first letters say
            return False
    return "GLOBAL" in refusal or bool(names & _IMPORTS)
