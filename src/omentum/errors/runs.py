"""A setting, a name or a run cannot be used."""

from collections.abc import Iterable

from omentum.errors.base import OmentumError

__all__ = [
    "ConfigError",
    "DiskFullError",
    "JobError",
    "ReleaseError",
    "TuneError",
    "UnknownNetworkError",
    "UnknownOrganError",
]


class ConfigError(OmentumError, ValueError):
    """A setting has a value the run cannot use."""

    def __init__(self, name: str, value: object, rule: str) -> None:
        """Name the setting, the value seen and the rule it breaks."""
        super().__init__(f"{name} is {value!r}, but {rule}")


class UnknownOrganError(OmentumError, LookupError):
    """No organ is known by that name or index."""

    def __init__(self, organ: object, known: Iterable[str]) -> None:
        """Say what was asked and what there is."""
        super().__init__(f"no organ is called {organ!r}; known are {', '.join(known)}")


class UnknownNetworkError(OmentumError, LookupError):
    """No network is known under that name."""

    def __init__(self, name: str, known: Iterable[str], *, published: Iterable[str] = ()) -> None:
        """Say what was asked, what there is, and how to pull a published one or to add one."""
        known, published = ", ".join(known), tuple(published)
        if name in published:
            super().__init__(
                f"the network {name!r} is not here yet; known are {known}; "
                f"get it with `omentum models pull {name}`"
            )
            return
        to_pull = f"; to pull are {', '.join(published)}" if published else ""
        super().__init__(
            f"no network is called {name!r}; known are {known}{to_pull}; "
            f"add one with `omentum models add FILE --as {name}`"
        )


class JobError(OmentumError, RuntimeError):
    """A job ended the process that worked on it, or took more time or memory than a job may."""


class ReleaseError(OmentumError, RuntimeError):
    """A release exists already, or cannot be made."""


class TuneError(OmentumError, RuntimeError):
    """There is nothing to tune on, or training cannot go on."""


class DiskFullError(OmentumError, OSError):
    """There is no space left to write to."""

    def __init__(self, key: str, reason: str) -> None:
        """Say at which item the space ended and how to go on."""
        super().__init__(f"{reason} at {key}; free some space and run the same command again to go on")
