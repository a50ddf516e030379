"""Register, by name, the folders of networks that ran in other programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from omentum.networks.user_folder import home
from omentum.volumes.atomic import write_json

__all__ = ["LeftFiles", "forget_files", "keep_files", "known_files"]

_FILE = "files.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftFiles:
    """Where a network that ran elsewhere left what it predicted.

    Attributes:
        folder: Absolute.
        ids: What values and file names mean; as of `omentum.volumes.label_schemes.label_scheme`.
        organs: Those that the network knows; all that `ids` names where there are none.
    """

    folder: Path
    ids: str
    organs: tuple[str, ...]


def known_files() -> dict[str, LeftFiles]:
    """List them by name."""
    return {path.parent.name: _read(path) for path in sorted((home() / "models").glob(f"*/{_FILE}"))}


def keep_files(name: str, folder: Path, ids: str, organs: Sequence[str]) -> None:
    """Keep one under a free name."""
    kept = LeftFiles(folder=folder.absolute(), ids=ids, organs=tuple(organs))
    write_json(_path(name), {**asdict(kept), "folder": str(kept.folder)})


def forget_files(name: str) -> None:
    """Forget one; what it left stays where it is."""
    _path(name).unlink()
    _path(name).parent.rmdir()


def _path(name: str) -> Path:
    return home() / "models" / name / _FILE


def _read(path: Path) -> LeftFiles:
    told = json.loads(path.read_text(encoding="utf-8"))
    return LeftFiles(folder=Path(told["folder"]), ids=told["ids"], organs=tuple(told["organs"]))
