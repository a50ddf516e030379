"""A task or a revision cannot be taken, or somebody is not let in."""

from collections.abc import Mapping
from typing import Any

from omentum.errors.base import OmentumError

__all__ = [
    "AccessError",
    "BusyError",
    "ClaimedError",
    "EditsError",
    "HiddenError",
    "MissingError",
    "ReviewError",
    "StaleBaseError",
    "TooLargeError",
]


class ReviewError(OmentumError, ValueError):
    """A task or a revision cannot be taken as it is."""


class ClaimedError(ReviewError):
    """Another reader has the task, or it is no longer open."""


class EditsError(ReviewError):
    """Edits are damaged, or do not fit the CT."""


class TooLargeError(EditsError):
    """Edits hold more than is taken."""


class HiddenError(ReviewError):
    """The task does not show this to its reader."""


class MissingError(ReviewError, LookupError):
    """There is no such mask, draft or save."""


class StaleBaseError(ReviewError):
    """The mask that edits began with is no longer the one that is there."""

    def __init__(self, stale: Mapping[str, Any], draft: str | None) -> None:
        """Name the organs, and the draft in which the edits are kept.

        Args:
            stale: What is there by now, by organ.
            draft: Its name; `None` where nothing was drawn.
        """
        kept = "" if draft is None else f"; what you drew is kept as draft {draft}"
        super().__init__(
            f"another mask of {', '.join(stale)} is there by now{kept}; load the task again and go on from "
            "there, or save both and let a person decide"
        )
        self.stale, self.draft = dict(stale), draft


class AccessError(OmentumError, PermissionError):
    """A browser or a program is not let in."""


class BusyError(OmentumError, RuntimeError):
    """The server has as much to do as it takes."""
