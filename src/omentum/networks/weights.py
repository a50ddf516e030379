"""How are weights kept, and told from files that are not?

In:  a network; or a file that somebody gives us.
Out: safetensors with the network's spec in the header; or a network whose every tensor fits; or a
     `CheckpointError` that lists what does not. Nothing that a file carries is ever executed.
"""

import hashlib
import pickle
import pickletools
import stat
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

import omentum.networks.starter  # noqa: F401  (registers its architecture)
from omentum.errors import CheckpointError, OmentumError
from omentum.networks.compact import compacted, expanded
from omentum.networks.network import ARCHITECTURES, Network, NetworkSpec, build
from omentum.networks.numbers import Numbers
from omentum.volumes.atomic import writing

__all__ = ["load_network", "save_network", "tensors_sha256"]

_SPEC_KEY = "omentum"
_SHOWN = 5
_IMPORTS = {"GLOBAL", "INST", "STACK_GLOBAL"}
"""What a pickle says before it runs anything that is not its own."""


def save_network(path: Path, network: Network, *, numbers: Numbers = "float32") -> str:
    """Write a network's tensors and spec, whole or not at all.

    Args:
        path: A `.safetensors`.
        network: To keep.
        numbers: In which to keep weights, see `compacted`; they are float32 again once loaded.

    Returns:
        SHA-256 of the tensors that `load_network` will give, as `tensors_sha256` does.
    """
    tensors = compacted(network, numbers)
    with writing(path) as part:
        part.touch()
        mode = stat.S_IMODE(part.stat().st_mode)
        save_file(tensors, part, metadata={_SPEC_KEY: network.spec.to_json()})
        part.chmod(mode)  # it makes files that nobody else could read
    return tensors_sha256(expanded(tensors, network))


def load_network(path: Path) -> Network:
    """Read a network in evaluation mode, on the CPU.

    Args:
        path: A `.safetensors` file that `save_network` wrote.

    Raises:
        CheckpointError: It is not there, not safetensors (a pickle may carry code), says nothing of its
            network, or its tensors do not fit; every one that does not is named.
    """
    if not path.is_file():
        raise CheckpointError(path, "there is no such file; check the path")
    text, kept = _read(path)
    network = _built(path, text)
    tensors = expanded(kept, network)
    _check_fit(path, network.state_dict(), tensors)
    network.load_state_dict(tensors)
    return network.eval()


def tensors_sha256(tensors: Mapping[str, Tensor]) -> str:
    """Hash names, types, shapes and values, whatever their order in a file.

    Example:
        >>> one = tensors_sha256({"a": torch.zeros(2), "b": torch.ones(1)})
        >>> one == tensors_sha256({"b": torch.ones(1), "a": torch.zeros(2)})
        True
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}|{value.dtype}|{tuple(value.shape)}|".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b"")
    return digest.hexdigest()


def _read(path: Path) -> tuple[str | None, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            return metadata.get(_SPEC_KEY), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(path, f"{_not_safetensors(path)} ({error})") from None


def _not_safetensors(path: Path) -> str:
    """Say what it is instead; `weights_only` refuses whatever would run code."""
    try:
        # From a stream, or it would go by the file's name and take `.safetensors` at its word.
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on protocols that it does not know, of which we tell ourselves
            torch.load(stream, map_location="cpu", weights_only=True)
    except Exception as error:  # there is nothing that the bytes of any file could not make it raise
        if isinstance(error, pickle.UnpicklingError) and _imports(path, str(error)):
            return "it carries code besides tensors, and is refused; save the state dict alone"
        return "it is damaged, or neither safetensors nor a PyTorch checkpoint; copy it again from its source"
    return "it is a PyTorch checkpoint of no architecture known here; save it as safetensors with its spec"


def _imports(path: Path, refusal: str) -> bool:
    """Tell whether it is a pickle that imports something; to read its opcodes runs none of them."""
    with path.open("rb") as stream:
        zipped = stream.read(2) == b"PK"
        stream.seek(0)
        try:
            names = set() if zipped else {opcode.name for opcode, _, _ in pickletools.genops(stream)}
        except (ValueError, OverflowError, MemoryError):  # no pickle, whatever its first letters say
            return False
    return "GLOBAL" in refusal or bool(names & _IMPORTS)


def _built(path: Path, text: str | None) -> Network:
    if text is None:
        known = ", ".join(sorted(ARCHITECTURES))
        raise CheckpointError(path, f"its header does not say which network it is; known are {known}")
    try:
        return build(NetworkSpec.from_json(text))
    except (ValueError, KeyError, TypeError, OmentumError) as error:
        raise CheckpointError(path, f"its header names no network that can be built: {error}") from None


def _check_fit(path: Path, wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    wrong = [f"{name} is missing" for name in wanted if name not in given]
    wrong += [f"{name} is not part of the network" for name in given if name not in wanted]
    wrong += [
        f"{name} has shape {tuple(given[name].shape)}, not {tuple(value.shape)}"
        for name, value in wanted.items()
        if name in given and given[name].shape != value.shape
    ]
    wrong += [
        f"{name} is {given[name].dtype} without scales that fit"
        for name, value in wanted.items()
        if name in given and value.is_floating_point() and not given[name].is_floating_point()
    ]
    wrong += [f"{name} is not finite" for name, value in given.items() if not bool(value.isfinite().all())]
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        reason = f"{len(wrong)} tensors do not fit: {'; '.join(wrong[:_SHOWN])}{more}"
        raise CheckpointError(path, f"{reason}; give the file that belongs to this network")
