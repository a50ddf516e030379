"""Save and load weights; nothing that a file carries is executed."""

import hashlib
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

import omentum.networks.starter
import omentum.networks.universal_swinunetr
import omentum.networks.universal_unet  # noqa: F401  (each registers its architecture)
from omentum.errors import CheckpointError, OmentumError
from omentum.networks.memory_pages import use_large_pages
from omentum.networks.network import ARCHITECTURES, Network, NetworkSpec, build
from omentum.networks.precision import WeightDtype
from omentum.networks.published_files import published_network
from omentum.networks.quantization import dequantized, quantized
from omentum.networks.tensor_fit import check_fit
from omentum.networks.torch_files import read_torch_file
from omentum.volumes.atomic import writing

__all__ = ["load_network", "save_network", "tensors_sha256"]

_SPEC_KEY = "omentum"


def save_network(path: Path, network: Network, *, numbers: WeightDtype = "float32") -> str:
    """Write a network's tensors and spec, whole or not at all.

    Args:
        path: A `.safetensors`.
        network: To keep.
        numbers: In which to keep weights, see `quantized`; they are float32 again once loaded.

    Returns:
        SHA-256 of the tensors that `load_network` will give, as `tensors_sha256` does.
    """
    tensors = quantized(network, numbers)
    with writing(path) as part:
        part.touch()
        mode = stat.S_IMODE(part.stat().st_mode)
        save_file(tensors, part, metadata={_SPEC_KEY: network.spec.to_json()})
        part.chmod(mode)  # `save_file` makes files that only their owner can read
    return tensors_sha256(dequantized(tensors, network))


def load_network(path: Path, *, organs: Sequence[str] = ()) -> Network:
    """Read a network in evaluation mode, on the CPU.

    Args:
        path: A `.safetensors` file that `save_network` wrote; or a file of a published network, as PyTorch
            saved it (`.pth`) or as safetensors.
        organs: Of a published file: its classes in its order, or the name of one subset. Without, 32, 25 and
            9 classes are those of the label table, of AbdomenAtlas 1.1 and 1.0.

    Raises:
        CheckpointError: It is missing, contains code, has an unknown architecture, or its tensors do not fit.
        ConfigError: An organ is named twice.
        UnknownOrganError: An organ is not known.
    """
    if not path.is_file():
        raise CheckpointError(path, "there is no such file; check the path")
    use_large_pages()
    text, kept = _read(path)
    if text is None:
        published = published_network(path, kept, organs)
        if published is None:
            reason = "it is a PyTorch checkpoint or safetensors of no architecture known here"
            known = f"its header names none; known are {', '.join(sorted(ARCHITECTURES))}"
            raise CheckpointError(path, f"{reason}, and {known}; save it as safetensors with its spec")
        return published
    if organs:
        raise CheckpointError(path, "its header names its organs already; give none")
    network = _built(path, text)
    tensors = dequantized(kept, network)
    check_fit(path, network.state_dict(), tensors)
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
    """Read tensors, and the spec where a header tells it."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            return metadata.get(_SPEC_KEY), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError):
        return None, read_torch_file(path)


def _built(path: Path, text: str) -> Network:
    try:
        return build(NetworkSpec.from_json(text))
    except (ValueError, KeyError, TypeError, OmentumError) as error:
        raise CheckpointError(path, f"its header names no network that can be built: {error}") from None
