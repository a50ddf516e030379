"""Check that tensors fit a network, and name all that do not."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from torch import Tensor

from omentum.errors import CheckpointError

__all__ = ["check_fit"]

_SHOWN = 5


def check_fit(path: Path, wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are not, one for one, those of a network.

    Args:
        path: The file that they are from.
        wanted: Only shapes and types count, so they may be on the meta device.
        given: On the CPU.

    Raises:
        CheckpointError: Names, shapes or types differ, or a number is not finite; the first five are named.
    """
    wrong = [f"{name} is missing" for name in wanted if name not in given]
    wrong += [f"{name} is not part of the network" for name in given if name not in wanted]
    common = [(name, given[name], value) for name, value in wanted.items() if name in given]
    wrong += [f"{name} {fault}" for name, one, value in common for fault in _faults(one, value)]
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        reason = f"{len(wrong)} tensors do not fit: {'; '.join(wrong[:_SHOWN])}{more}"
        raise CheckpointError(path, f"{reason}; give the file that belongs to this network")


def _faults(given: Tensor, wanted: Tensor) -> Iterator[str]:
    if given.shape != wanted.shape:
        yield f"has shape {tuple(given.shape)}, not {tuple(wanted.shape)}"
    elif wanted.is_floating_point() and not given.is_floating_point():
        yield f"is {given.dtype} without scales that fit"
    elif given.is_floating_point() and not wanted.is_floating_point():
        yield f"is {given.dtype}, not whole numbers"
    elif not bool(given.isfinite().all()):
        yield "is not finite"
