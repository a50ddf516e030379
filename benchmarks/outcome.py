"""Hash what the runs of a project left, to compare an undisturbed run with a disturbed one.

In:  the folder of a project.
Out: a hash of every file of voxels, weights or probabilities; files that no record knows.
"""

import hashlib
import json
import zipfile
from pathlib import Path

__all__ = ["file_hashes", "half_written"]

_HASHED = {".gz", ".safetensors", ".zip"}
_PART = ".omentum-part"


def file_hashes(project: Path) -> dict[str, str]:
    """Hash the content of every file but for times in it; by its path in the project."""
    return {
        path.relative_to(project).as_posix(): _content_sha256(path)
        for path in sorted(project.rglob("*"))
        if path.suffix in _HASHED and _is_counted(path.relative_to(project)) and path.is_file()
    }


def half_written(project: Path) -> list[Path]:
    """Find temporary files that a writer left."""
    return sorted(project.rglob(f"{_PART}*"))


def _is_counted(path: Path) -> bool:
    return "cache" not in path.parts and not path.name.startswith(_PART)


def _content_sha256(path: Path) -> str:
    if path.suffix != ".zip":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    with zipfile.ZipFile(path) as archive:  # the archive itself holds the time
        members = {name: archive.read(name).hex() for name in archive.namelist()}
    return hashlib.sha256(json.dumps(members, sort_keys=True).encode()).hexdigest()
