"""How do thousands of small files come in fast? Several at a time, in processes of their own.

In:  items in the order in which they will be asked for, and the work on one.
Out: each item's result when it is asked for; meanwhile processes do the next ones. Large items are worked on
     one by one, here, when they are asked for, so that memory stays flat.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from types import TracebackType
from typing import Generic, Self, TypeVar

from omentum.runners.processes import n_processors, worker_processes

__all__ = ["Ahead"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_LEAST_ITEMS = 64
"""Fewer are done sooner than processes have started."""
_MOST_WORKERS = 8
_N_AHEAD = 64


class Ahead(Generic[Item, Result]):
    """Works ahead on small items, until the end of a `with` block.

    Args:
        items: All of them, in order; these, the work and results can be pickled.
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
        self._work = work
        self._todo = [(item, is_small(item)) for item in reversed(items)]
        self._begun: list[tuple[Item, Callable[[], Result]]] = []
        self._pool: ProcessPoolExecutor | None = None
        if sum(small for _, small in self._todo) >= _LEAST_ITEMS:
            self._pool = worker_processes(min(n_processors(), _MOST_WORKERS))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Begin nothing more; what is under way ends, so that nothing outlives the block."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def take(self, item: Item) -> Result:
        """Give an item's result; those before it that nobody asked for are forgotten."""
        while True:
            self._begin()
            begun, finish = self._begun.pop(0)
            if begun is item:
                return finish()

    def _begin(self) -> None:
        while self._todo and len(self._begun) < _N_AHEAD:
            item, is_small = self._todo.pop()
            if is_small and self._pool is not None:
                self._begun.append((item, self._pool.submit(self._work, item).result))
            else:
                self._begun.append((item, partial(self._work, item)))
