"""In which numbers does a network compute? In half as long ones where the machine is faster with them.

In:  a wish, a network and a device.
Out: a type that the network allows and, where nobody insists, one that the device is made for. What is exact
     in prediction may be rough where features are made to learn from.
"""

import torch

from omentum.errors import ConfigError
from omentum.networks.network import Network

__all__ = ["COMPUTE_IN", "fastest_for", "numbers_for"]

COMPUTE_IN = ("auto", "float32", "bfloat16", "float16")


def numbers_for(network: Network, wish: str, device: str) -> torch.dtype:
    """Choose the numbers of a network's trunk.

    Args:
        network: Some compute in float32 only.
        wish: One of `COMPUTE_IN`. With `auto` what is fastest, if the network predicts in that by itself.
        device: `cpu`, `cuda`, ...

    Raises:
        ConfigError: There are no such numbers, or none that a processor should compute in.
    """
    if wish not in COMPUTE_IN:
        raise ConfigError("numbers", wish, f"known are {', '.join(COMPUTE_IN)}")
    if wish == "float16" and torch.device(device).type == "cpu":
        raise ConfigError("numbers", wish, "processors are slow with it; take bfloat16 or float32")
    if wish != "auto":
        chosen: torch.dtype = getattr(torch, wish)
        return chosen
    return fastest_for(network, device) if network.predicts_in_half else torch.float32


def fastest_for(network: Network, device: str) -> torch.dtype:
    """Give bfloat16 where the processor multiplies in it, float16 on older GPUs, else float32.

    Args:
        network: Some compute in float32 only.
        device: `cpu`, `cuda`, ...
    """
    if not network.takes_half:
        return torch.float32
    if torch.device(device).type == "cuda":
        with torch.cuda.device(device):
            is_new = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if is_new else torch.float16
    if torch.device(device).type == "cpu":
        has_half = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return torch.bfloat16 if has_half else torch.float32
    return torch.float32
