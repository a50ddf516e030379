"""Trade computation for memory in training: parts of a network are computed again for the gradient."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

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
    backbone = getattr(network, "backbone", nn.Module()) if is_wanted else nn.Module()
    parts = [part for part in backbone.children() if not _has_statistics(part)]
    for part in parts:
        part.forward = partial(checkpoint, part.forward, use_reentrant=False)
    try:
        yield
    finally:
        for part in parts:
            del part.forward


def _has_statistics(part: nn.Module) -> bool:
    return any(isinstance(inner, nn.BatchNorm3d) for inner in part.modules())
