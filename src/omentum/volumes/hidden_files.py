"""Recognise files that operating systems leave beside others."""

from pathlib import Path

__all__ = ["is_hidden"]

_LEFT_BY_SYSTEMS = frozenset(
    [
        *("__macosx", "desktop.ini", "ehthumbs.db", "lost+found", "thumbs.db"),
        *("$recycle.bin", "#recycle", "@eadir", "system volume information"),
    ]
)


def is_hidden(path: Path, below: Path | None = None) -> bool:
    """Tell by its name whether a file or folder is passed over by importers: `._ct.nii.gz`, `Thumbs.db`.

    Args:
        path: The file or folder.
        below: A folder that it lies in; the names of all folders between count, too.

    Example:
        >>> is_hidden(Path("/a/.b/ct.nii")), is_hidden(Path("/a/.b/ct.nii"), below=Path("/a"))
        (False, True)
    """
    names = (path.name,) if below is None else path.relative_to(below).parts
    return any(name.startswith(".") or name.casefold() in _LEFT_BY_SYSTEMS for name in names)
