"""Quantize weights to float16, or to int8 with one scale for each output channel."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from omentum.networks.precision import WeightDtype

__all__ = ["dequantized", "quantized"]

_SCALES = ".int8_scales"
"""Follows a tensor's name in that of its scales."""
_LARGEST = 127
_LEAST_SCALE = torch.finfo(torch.float32).tiny
"""Of a channel whose weights are all 0."""


def quantized(network: nn.Module, numbers: WeightDtype) -> dict[str, Tensor]:
    """Quantize a network's tensors, on the CPU.

    Args:
        network: On any device.
        numbers: `float16` rounds all floating-point tensors. `int8` rounds the weights of convolutions and
            linear maps to multiples of their output channel's scale: its largest weight / 127, in the 8 bits
            of bfloat16. Biases and statistics stay as they are.

    Returns:
        Beside each int8 tensor its scales: float32, of length 1 along all axes but the output channels.
        Weight = integer x scale is exact in float32, so quantizing again changes nothing.
    """
    tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    if numbers == "float16":
        return {key: value.half() if value.is_floating_point() else value for key, value in tensors.items()}
    if numbers == "int8":
        for key, axis in _channel_axes(network).items():
            tensors[key], tensors[key + _SCALES] = _rounded(tensors[key], axis)
    return tensors


def dequantized(tensors: Mapping[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Give a network's tensors as float32; an int8 tensor without valid scales stays as it is."""
    whole = {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}
    for key, axis in _channel_axes(network).items():
        value, scales = whole.get(key), whole.get(key + _SCALES)
        if value is None or scales is None or value.dtype != torch.int8:
            continue
        fitting = [side if one == axis else 1 for one, side in enumerate(value.shape)]
        if list(scales.shape) == fitting and not bool((scales <= 0).any()):
            whole[key] = value * whole.pop(key + _SCALES)
    return whole


def _channel_axes(network: nn.Module) -> dict[str, int]:
    """Give the output-channel axis of each weight of a convolution or linear map."""
    kinds = (nn.Linear, nn.Conv3d, nn.ConvTranspose3d)
    return {
        f"{name}.weight": 1 if isinstance(part, nn.ConvTranspose3d) else 0
        for name, part in network.named_modules()
        if isinstance(part, kinds)
    }


def _rounded(value: Tensor, channel_axis: int) -> tuple[Tensor, Tensor]:
    others = [axis for axis in range(value.ndim) if axis != channel_axis]
    scales = value.abs().amax(dim=others, keepdim=True) / _LARGEST
    # With 8 bits of scale and 7 of whole number, the product needs no rounding in float32.
    scales = scales.clamp_min(_LEAST_SCALE).bfloat16().float()
    return (value / scales).round().clamp(-_LARGEST, _LARGEST).to(torch.int8), scales
