"""Choose how much of a volume a device holds at once, and less where its memory is too small."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

__all__ = ["WHOLE", "DeviceLoad", "default_load", "is_out_of_memory", "lighter_loads"]

_N_WINDOWS = {"cuda": 4}
"""Windows that fill a GPU; a processor is as fast with one."""
_TOO_LITTLE = ("out of memory", "can't allocate memory", "STATUS_ALLOC_FAILED")
"""What PyTorch, CUDA's libraries and the allocator of a processor say in errors of another type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLoad:
    """How much of a volume is on the device at once.

    Results differ by rounding only. Those in pieces of a network that could see the whole CT differ also by
    what its windows do not see beyond their borders, as those of a large CT do.

    Attributes:
        n_windows: Most windows that go through the network together.
        in_pieces: Keep the volume, and what is computed of it, in the machine's memory, and on the device
            only what is computed on; also see in windows what the network could see as a whole.
    """

    n_windows: int = 1
    in_pieces: bool = False

    @property
    def described(self) -> str:
        """What it is, for people, after "predicted with"."""
        windows = "1 window" if self.n_windows == 1 else f"{self.n_windows} windows"
        return f"{windows} at once{', the rest of the CT in main memory' if self.in_pieces else ''}"


WHOLE = DeviceLoad()
"""The volume on the device; one window after another."""


def default_load(device: str) -> DeviceLoad:
    """Choose the load for a device, `cpu`, `cuda`, ..."""
    return DeviceLoad(n_windows=_N_WINDOWS.get(torch.device(device).type, 1))


def lighter_loads(load: DeviceLoad) -> Iterator[DeviceLoad]:
    """Yield the load and then lighter and lighter ones: fewer windows at once, then in pieces.

    Example:
        >>> [(one.n_windows, one.in_pieces) for one in lighter_loads(DeviceLoad(n_windows=4))]
        [(4, False), (2, False), (1, False), (1, True)]
    """
    while load.n_windows > 1:
        yield load
        load = replace(load, n_windows=load.n_windows // 2)
    yield load
    if not load.in_pieces:
        yield replace(load, in_pieces=True)


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether PyTorch says that a device, or the machine, has too little memory."""
    return isinstance(error, torch.OutOfMemoryError) or any(text in str(error) for text in _TOO_LITTLE)
