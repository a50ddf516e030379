"""Record what became of every file of a folder that came back from readers."""

from dataclasses import dataclass, field
from pathlib import Path

from omentum.records import Failure, Revision
from omentum.review.handed_in import HandInResult

__all__ = ["ImportReport", "KnownFile", "TakenMask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenMask:
    """A mask that was handed in now."""

    file: str
    """Below the folder that was imported."""
    result: HandInResult
    notes: tuple[str, ...] = ()
    """What was done to place it on the CT's grid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A file from which there is nothing to take."""

    file: str
    why: str
    revision: Revision | None = None
    """What was handed in by it before, if anything was."""


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """What became of every file of a folder."""

    folder: Path
    taken: list[TakenMask] = field(default_factory=list)
    known: list[KnownFile] = field(default_factory=list)
    set_aside: list[Failure] = field(default_factory=list)
    """Files that were not taken, or not all of them."""

    def name(self, path: Path) -> str:
        """Give the name of a file below the folder."""
        return path.relative_to(self.folder).as_posix()

    def keep_known(self, path: Path, why: str, revision: Revision | None = None) -> None:
        """Note a file from which there is nothing to take."""
        self.known.append(KnownFile(file=self.name(path), why=why, revision=revision))

    def leave(self, path: Path, reason: str) -> None:
        """Set a file aside."""
        self.set_aside.append(Failure(key=self.name(path), reason=reason))

    @property
    def revisions(self) -> list[Revision]:
        """What the folder's files stand for, taken now or before, by case and organ."""
        before = [one.revision for one in self.known if one.revision is not None]
        every = {one.number: one for one in [*(one.result.revision for one in self.taken), *before]}
        return sorted(every.values(), key=lambda one: one.key)

    @property
    def conflicts(self) -> list[Revision]:
        """What was taken now and contradicts what another reader drew."""
        revisions = [one.result.revision for one in self.taken]
        return [one for one in revisions if one.conflicts_with is not None]
