"""Every error this package raises on purpose: what a user can put right.

OmentumError
├── ConfigError                a setting has a value the run cannot use
├── ImageError                 a file or folder is not a CT or a mask that can be used
│   ├── UnreadableImageError       truncated, not gzip, not an image
│   ├── UnreachableFileError       the disk or the network share does not give it now
│   ├── ImageShapeError            not three axes, or a side out of range
│   ├── AffineError                no usable affine, or a spacing out of range
│   ├── NonFiniteVoxelsError       NaN or infinite voxels
│   ├── NotHounsfieldError         values that cannot be Hounsfield units (HU)
│   ├── DicomSeriesError           no single, complete, upright series
│   ├── GridMismatchError          a mask does not lie on the CT's grid
│   └── LabelValueError            a mask holds values that are no labels
├── UnknownOrganError          no organ of that name or index
├── UnknownNetworkError        no network is known under that name
├── CheckpointError            weights do not fit, or carry code
├── DownloadError              a file could not be brought from its address
├── ProjectError               a project is missing, exists already, or is in the wrong state
│   ├── BackupError                a backup cannot be written, or is not as it was written
│   ├── CaseClashError             two cases would have one `case_id`
│   ├── ErasedCaseError            a CT was erased from the project
│   ├── SharedFileError            two machines would work on one SQLite file
│   ├── TakenError                 a person of that name is there already
│   └── UnknownCaseError           no case of that name
├── ReviewError                a task or a revision cannot be taken
│   ├── ClaimedError               another reader has the task
│   ├── EditsError                 edits are damaged, or do not fit the CT
│   │   └── TooLargeError              edits hold more than is taken
│   ├── HiddenError                the task does not show this to its reader
│   ├── MissingError               no such mask, draft or save
│   └── StaleBaseError             the mask that edits began with is no longer the one there
├── AccessError                a browser or a program is not let in
├── BusyError                  the server has as much to do as it takes
├── JobError                   a job ended its process, or took more than a job may
├── ReleaseError               a release exists already or cannot be made
├── TuneError                  there is nothing to tune on, or the loss is not finite
└── DiskFullError              there is no space left to write to

Each message gives the value seen, the rule, and the cure.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

__all__ = [
    "AccessError",
    "AffineError",
    "BackupError",
    "BusyError",
    "CaseClashError",
    "CheckpointError",
    "ClaimedError",
    "ConfigError",
    "DicomSeriesError",
    "DiskFullError",
    "DownloadError",
    "EditsError",
    "ErasedCaseError",
    "GridMismatchError",
    "HiddenError",
    "ImageError",
    "ImageShapeError",
    "JobError",
    "LabelValueError",
    "MissingError",
    "NonFiniteVoxelsError",
    "NotHounsfieldError",
    "OmentumError",
    "ProjectError",
    "ReleaseError",
    "ReviewError",
    "StaleBaseError",
    "TakenError",
    "TooLargeError",
    "TuneError",
    "UnknownCaseError",
    "UnknownNetworkError",
    "UnknownOrganError",
    "UnreachableFileError",
    "UnreadableImageError",
]


class OmentumError(Exception):
    """Base of them all: what a user can put right. Anything else is our bug."""

    may_pass: ClassVar[bool] = False
    """Whether the same call may work a little later, as nothing is wrong with what it was given."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes by kind and message, as each kind is made from arguments of its own."""
        return _as_it_was, (type(self), self.args, self.__dict__)


def _as_it_was(kind: type[OmentumError], args: tuple[Any, ...], attributes: dict[str, Any]) -> OmentumError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(attributes)
    return error


class ConfigError(OmentumError, ValueError):
    """A setting has a value the run cannot use."""

    def __init__(self, name: str, value: object, rule: str) -> None:
        """Name the setting, the value seen and the rule it breaks."""
        super().__init__(f"{name} is {value!r}, but {rule}")


class ImageError(OmentumError, ValueError):
    """A file or folder is not a CT or a mask that can be used."""

    def __init__(self, path: Path | str, seen: str, cure: str) -> None:
        """Say which file, what was seen in it and against which rule, and what to do."""
        super().__init__(f"{path}: {seen}; {cure}")


class UnreadableImageError(ImageError):
    """The file is truncated, not what its ending says, or no image at all."""


class UnreachableFileError(ImageError, OSError):
    """The disk, or the network share, does not give the file now; it may give it later."""

    may_pass = True


class ImageShapeError(ImageError):
    """The image does not have three axes, or a side is out of range."""


class AffineError(ImageError):
    """The image has no usable affine, or a spacing out of range."""


class NonFiniteVoxelsError(ImageError):
    """The image holds NaN or infinite voxels."""


class NotHounsfieldError(ImageError):
    """The image's values cannot be Hounsfield units (HU)."""

    def __init__(self, path: Path | str, seen: str, offset_hu: float | None) -> None:
        """Say what was seen, and name the offset where it is beyond doubt."""
        cure = "give --accept-values to take them as they are, or add what makes HU of them with --hu-offset"
        if offset_hu is not None:
            cure = f"give --hu-offset {offset_hu:g}, or --accept-values to take them as they are"
        super().__init__(path, f"its values cannot be Hounsfield units: {seen}", cure)


class DicomSeriesError(ImageError):
    """The folder does not hold one complete, upright CT series."""


class GridMismatchError(ImageError):
    """A mask does not lie on the CT's grid."""


class LabelValueError(ImageError):
    """A mask holds values that are no labels."""


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


class CheckpointError(OmentumError, ValueError):
    """Weights do not fit the network, or the file carries code."""

    def __init__(self, path: Path | str, reason: str) -> None:
        """Say which file and why it is refused."""
        super().__init__(f"{path}: {reason}")


class DownloadError(OmentumError, OSError):
    """A file could not be brought from its address."""

    def __init__(self, what: str, reason: str) -> None:
        """Say which address or network, and what came of it."""
        super().__init__(f"{what} {reason}")


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


class UnknownCaseError(ProjectError, LookupError):
    """The project has no case of that name."""

    def __init__(self, case_id: str) -> None:
        """Say which was asked and where the list is."""
        super().__init__(f"no case is called {case_id!r}; `omentum cases list` shows them")


class SharedFileError(ProjectError):
    """Two machines would work on one SQLite file, whose locks hold on one machine only."""


class TakenError(ProjectError):
    """A person of that name is there already."""


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
