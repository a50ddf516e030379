"""Register, by name, the folders of networks that ran in other programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from omentum.networks.user_folder import home
from omentum.volumes.atomic import write_json

__all__ = ["MaskFolder", "forget_mask_folder", "keep_mask_folder", "known_mask_folders"]

_FILE = "files.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskFolder:
    """A folder of masks that a network in another program predicted.

    Attributes:
        folder: Absolute.
        ids: What values and file names mean; as of `omentum.volumes.label_schemes.label_scheme`.
        organs: Those that the network knows; all that `ids` names if empty.
    """

    folder: Path
    ids: str
    organs: tuple[str, ...]


def known_mask_folders() -> dict[str, MaskFolder]:
    """List them by name."""
    return {path.parent.name: _read(path) for path in sorted((home() / "models").glob(f"*/{_FILE}"))}


def keep_mask_folder(name: str, folder: Path, ids: str, organs: Sequence[str]) -> None:
    """Keep one under a free name."""
    kept = MaskFolder(folder=folder.absolute(), ids=ids, organs=tuple(organs))
    write_json(_path(name), {**asdict(kept), "folder": str(kept.folder)})


def forget_mask_folder(name: str) -> None:
    """Forget one; its files stay."""
    _path(name).unlink()
    _path(name).parent.rmdir()


def _path(name: str) -> Path:
    return home() / "models" / name / _FILE


def _read(path: Path) -> MaskFolder:
    told = json.loads(path.read_text(encoding="utf-8"))
    return MaskFolder(folder=Path(told["folder"]), ids=told["ids"], organs=tuple(told["organs"]))
