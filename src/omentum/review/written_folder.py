"""Keep what a case's folder says while it is written, so that nothing that a reader saved is written over."""

from dataclasses import dataclass, field
from pathlib import Path

from omentum.review.task_file import TaskFile
from omentum.volumes.file_hash import file_sha256

__all__ = ["WrittenFolder"]


@dataclass(slots=True, kw_only=True)
class WrittenFolder:
    """A folder that is being written: what it says so far."""

    folder: Path
    before: TaskFile
    """What it said of an earlier export; of no file where there was none."""
    hashes: dict[str, str] = field(default_factory=dict)

    def is_ours(self, name: str) -> bool:
        """Tell whether a file is there, just as it was exported."""
        kept, path = self.before.files.get(name), self.folder / name
        return kept is not None and path.is_file() and file_sha256(path) == kept

    def is_changed(self, name: str) -> bool:
        """Tell whether somebody saved over a file that was exported."""
        return name in self.before.files and (self.folder / name).is_file() and not self.is_ours(name)

    def keep(self, name: str) -> None:
        """Note a file as it was exported before."""
        self.hashes[name] = self.before.files[name]

    def note(self, name: str) -> None:
        """Note a file that was just written."""
        self.hashes[name] = file_sha256(self.folder / name)
