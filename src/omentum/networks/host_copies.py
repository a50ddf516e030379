"""Copy results to the machine's memory while a GPU computes the next ones."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["HostCopies"]

Place = TypeVar("Place")
_Array = npt.NDArray[Any]


class HostCopies:
    """Copies the tensors of one device; those of a GPU on a CUDA stream of its own, into page-locked memory.

    Args:
        device: Where the tensors are.
        n_ahead: How many copies are under way when one is waited for; 1 for a GPU, so that it never waits for
            a copy, and 0 for a processor, where nothing is copied.

    Example:
        >>> copies = HostCopies(torch.device("cpu"))
        >>> [(place, int(array.sum())) for place, array in copies.in_order([("a", torch.ones(3))])]
        [('a', 3)]
    """

    def __init__(self, device: torch.device, *, n_ahead: int | None = None) -> None:
        self._stream = _stream(device) if device.type == "cuda" else None
        self._n_ahead = (0 if self._stream is None else 1) if n_ahead is None else n_ahead

    def in_order(self, made: Iterable[tuple[Place, Tensor]]) -> Iterator[tuple[Place, _Array]]:
        """Yield each tensor as an array in the machine's memory, in order.

        Args:
            made: Tensors that are not changed later.
        """
        begun: deque[tuple[Place, Callable[[], _Array]]] = deque()
        for place, tensor in made:
            begun.append((place, self._begin(tensor)))
            if len(begun) > self._n_ahead:
                earlier, finish = begun.popleft()
                yield earlier, finish()
        for place, finish in begun:
            yield place, finish()

    def _begin(self, tensor: Tensor) -> Callable[[], _Array]:
        """Begin a copy; what is returned waits for its end."""
        if self._stream is None:
            return lambda: tensor.cpu().numpy()
        host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        self._stream.wait_stream(torch.cuda.current_stream(tensor.device))
        with torch.cuda.stream(self._stream):
            host.copy_(tensor, non_blocking=True)
            copied = self._stream.record_event()
        tensor.record_stream(self._stream)  # its memory is given to no other tensor before it is copied

        def finish() -> _Array:
            copied.synchronize()
            return host.numpy()

        return finish


def _stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
