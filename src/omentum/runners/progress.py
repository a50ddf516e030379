"""Define what receives how far a step is."""

from typing import Protocol

__all__ = ["Progress"]


class Progress(Protocol):
    """Receives how far a step is; a progress bar, a log, or a test."""

    def __call__(self, step: str, n_done: int, n_total: int | None, note: str = "", /) -> None:
        """Take note.

        Args:
            step: Name of the step that is under way, such as `predict`.
            n_done: Items, training steps or bytes that are done.
            n_total: How many there are; `None` if unknown, 0 for a message that is about no step.
            note: What was done last, such as the name of a case.
        """
        ...
