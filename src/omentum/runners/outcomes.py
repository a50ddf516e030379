"""Carry what a function gave, or its error, from one process to another."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, ParamSpec, TypeVar

from omentum.errors import OmentumError
from omentum.runners.measure import timed

__all__ = ["CallOutcome", "outcome_of"]

Given = ParamSpec("Given")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class CallOutcome(Generic[Result]):
    """What a function gave, or the error that it raised."""

    value: Result | None
    error: BaseException | None
    seconds: float
    """How long the function took; 0 if it raised an error."""

    def get(self) -> Result:
        """Give the value or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]  # `None` only where that is the result


def outcome_of(
    function: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs
) -> CallOutcome[Result]:
    """Call a function and keep what becomes of it; an error that is our bug keeps its lines as a note.

    Example:
        >>> outcome_of(len, "abc").get()
        3
    """
    try:
        made = timed(function, *args, **kwargs)
    except BaseException as error:
        if not isinstance(error, (OmentumError, OSError, MemoryError)):
            error.add_note("In its own process:\n" + "".join(traceback.format_tb(error.__traceback__)))
        return CallOutcome(None, error, 0.0)
    return CallOutcome(made.value, None, made.seconds)
