"""How do thousands of small files come in, when each must be flushed to disk before it counts? Together.

In:  items in the order in which they will be asked for, and the work on one.
Out: each item's result when it is asked for; meanwhile threads, mostly waiting for the disk, do the next
     few. Large items are worked on one by one, when they are asked for, so that memory stays flat.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Generic, Self, TypeVar

__all__ = ["Ahead"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_N_THREADS = 8
_N_AHEAD = 32


class Ahead(Generic[Item, Result]):
    """Works ahead on small items, until the end of a `with` block.

    Args:
        items: All of them, in order.
        work: Does one; what it raises is raised when its result is asked for.
        is_small: Tells whether an item is worked on ahead.

    Example:
        >>> with Ahead(["a", "bb", "ccc"], len, is_small=lambda text: True) as ahead:
        ...     [ahead.take("a"), ahead.take("ccc")]
        [1, 3]
    """

    def __init__(
        self, items: Sequence[Item], work: Callable[[Item], Result], *, is_small: Callable[[Item], bool]
    ) -> None:
        self._work, self._is_small = work, is_small
        self._todo = iter(items)
        self._begun: list[tuple[Item, Callable[[], Result]]] = []
        self._threads = ThreadPoolExecutor(_N_THREADS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Begin nothing more; what is under way ends, so that nothing outlives the block."""
        self._threads.shutdown(cancel_futures=True)

    def take(self, item: Item) -> Result:
        """Give an item's result; those before it that nobody asked for are forgotten."""
        while True:
            self._begin()
            begun, finish = self._begun.pop(0)
            if begun is item:
                return finish()

    def _begin(self) -> None:
        while len(self._begun) < _N_AHEAD:
            item = next(self._todo, None)
            if item is None:
                return
            if self._is_small(item):
                self._begun.append((item, self._threads.submit(self._work, item).result))
            else:
                self._begun.append((item, partial(self._work, item)))
