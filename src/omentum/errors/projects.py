"""A project is not in the state that a command needs."""

from pathlib import Path

from omentum.errors.base import OmentumError

__all__ = [
    "BackupError",
    "CaseClashError",
    "ErasedCaseError",
    "OutdatedRunError",
    "ProjectError",
    "SharedFileError",
    "TakenError",
    "UnknownCaseError",
]


class ProjectError(OmentumError, RuntimeError):
    """A project is missing, exists already, or is not in the state that a command needs."""


class BackupError(ProjectError):
    """A backup of the database cannot be written, or is not as it was written."""

    def __init__(self, path: Path | str, reason: str, cure: str) -> None:
        """Say which file, what is wrong with it, and what to do."""
        super().__init__(f"backup {path}: {reason}; {cure}")


class CaseClashError(ProjectError):
    """Two cases would have one `case_id`."""

    def __init__(self, case_id: str, new: Path | str, old: Path | str) -> None:
        """Name both and say how to give another."""
        super().__init__(
            f"{new}: there is a case {case_id!r} already, from {old}; "
            "give this one another name with `omentum add PATH --id NAME`"
        )


class ErasedCaseError(ProjectError):
    """A CT was erased from the project."""

    def __init__(self, path: Path | str, why: str) -> None:
        """Say when and why, and how to take it all the same."""
        super().__init__(f"{path}: this CT {why}; if it may come in again, give --readmit to `omentum add`")


class OutdatedRunError(ProjectError):
    """Another program has begun to predict a project with other settings or weights."""

    def __init__(self, network: str) -> None:
        """Say of which network, and what to do."""
        super().__init__(
            f"another program has begun to predict with {network} by other settings or weights, and this one "
            "ends; let that one predict every case, or run this command again to take the settings of now"
        )


class SharedFileError(ProjectError):
    """Two machines would work on one SQLite file, whose locks hold on one machine only."""


class TakenError(ProjectError):
    """A person of that name is there already."""


class UnknownCaseError(ProjectError, LookupError):
    """The project has no case of that name."""

    def __init__(self, case_id: str) -> None:
        """Say which was asked and where the list is."""
        super().__init__(f"no case is called {case_id!r}; `omentum cases list` shows them")
