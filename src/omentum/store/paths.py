"""Keep paths relative to the project's root, so that a project can be moved."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Paths"]


@dataclass(frozen=True, slots=True)
class Paths:
    """Paths below one root.

    Example:
        >>> paths = Paths(Path("/data/atlas"))
        >>> paths.stored(Path("/data/atlas/cases/a/ct.nii.gz"))
        'cases/a/ct.nii.gz'
        >>> Paths(Path("/moved")).given("cases/a/ct.nii.gz").as_posix()
        '/moved/cases/a/ct.nii.gz'
    """

    root: Path

    def stored(self, path: Path) -> str:
        """Give the text to keep: relative to the root, or absolute for a path outside it."""
        absolute = path.absolute()
        return (
            _below(self.root.absolute(), absolute)
            # A link as the last part is ours (a linked CT); links before it are only another way here.
            or _below(self.root.resolve(), path.parent.resolve() / path.name)
            or absolute.as_posix()
        )

    def given(self, text: str) -> Path:
        """Give the path that was kept, from where the root is now."""
        return self.root / text


def _below(root: Path, path: Path) -> str | None:
    if ".." in path.parts or not path.is_relative_to(root):
        return None
    return path.relative_to(root).as_posix()
