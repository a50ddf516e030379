"""Split work into reading, computing and writing, which a runner may overlap."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Steps"]

Item = TypeVar("Item")
Given = TypeVar("Given")
Made = TypeVar("Made")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps(Generic[Item, Given, Made, Result]):
    """Work on an item, step by step; an error in any of them is the item's.

    Example:
        >>> steps = Steps(read=len, compute=lambda _, n: n + 1, write=lambda item, n: f"{item}{n}")
        >>> steps("ab")
        'ab3'
    """

    read: Callable[[Item], Given]
    """Gives what to compute on; changes nothing."""
    compute: Callable[[Item, Given], Made]
    """Changes nothing either."""
    write: Callable[[Item, Made], Result]
    """Has all the item's files in place when it returns."""
    may_be_apart: bool = True
    """Whether steps may be done on different machines, which are sent what is read and made; `False` where
    that is too much to send, or cannot be pickled."""

    def __call__(self, item: Item) -> Result:
        """Do one step after another."""
        return self.write(item, self.compute(item, self.read(item)))
