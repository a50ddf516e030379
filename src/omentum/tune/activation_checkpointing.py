"""Trade computation for memory in training: parts of a network are computed again for the gradient."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint

__all__ = ["recomputed"]


@contextmanager
def recomputed(network: nn.Module, is_wanted: bool) -> Iterator[None]:
    """Let the parts of the trunk forget what they computed, as long as this lasts.

    Args:
        network: In place. Parts that normalise by stored statistics would take a step into account twice;
            those are left as they are.
        is_wanted: Whether to do so at all.
    """
    parts = [part for part in _parts(network) if not _has_statistics(part)] if is_wanted else []
    for part in parts:
        part.forward = partial(_again, part.forward)
    try:
        yield
    finally:
        for part in parts:
            del part.forward


def _again(forward: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    return checkpoint(forward, *arguments, use_reentrant=False, **named)


def _parts(network: nn.Module) -> list[nn.Module]:
    return list(getattr(network, "backbone", nn.Module()).children())


def _has_statistics(part: nn.Module) -> bool:
    return any(isinstance(inner, nn.BatchNorm3d) for inner in part.modules())
