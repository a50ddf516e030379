"""Choose in which precision weights are kept, and in which a trunk computes.

PyTorch is imported when it is needed: settings name these types too.
"""

from typing import TYPE_CHECKING, Literal

from omentum.errors import ConfigError

if TYPE_CHECKING:
    import torch

    from omentum.networks.network import Network

__all__ = ["COMPUTE_DTYPES", "WeightDtype", "compute_dtype", "fastest_dtype", "has_bfloat16"]

WeightDtype = Literal["float32", "float16", "int8"]
"""How weights are kept, in 4, 2 or 1 bytes each; networks compute in float32 whichever it is."""
COMPUTE_DTYPES = ("auto", "float32", "bfloat16", "float16")


def compute_dtype(network: "Network", wish: str, device: str) -> "torch.dtype":
    """Choose the type that a network's trunk computes in.

    Args:
        network: Some compute in float32 only.
        wish: One of `COMPUTE_DTYPES`; `auto` is the fastest if the network predicts in half precision.
        device: `cpu`, `cuda`, ...

    Raises:
        ConfigError: There is no such type, or it is too slow on a processor.
    """
    import torch

    if wish not in COMPUTE_DTYPES:
        raise ConfigError("numbers", wish, f"known are {', '.join(COMPUTE_DTYPES)}")
    if wish == "float16" and torch.device(device).type == "cpu":
        raise ConfigError("numbers", wish, "processors are slow with it; take bfloat16 or float32")
    if wish == "auto":
        return fastest_dtype(network, device) if network.predicts_in_half else torch.float32
    chosen: torch.dtype = getattr(torch, wish)
    return chosen


def fastest_dtype(network: "Network", device: str) -> "torch.dtype":
    """Give bfloat16 where the device computes in it, float16 on older GPUs, else float32."""
    import torch

    if not network.takes_half:
        return torch.float32
    if has_bfloat16(device):
        return torch.bfloat16
    return torch.float16 if torch.device(device).type == "cuda" else torch.float32


def has_bfloat16(device: str) -> bool:
    """Return whether a device multiplies in bfloat16."""
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        with torch.cuda.device(device):
            return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return kind == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
