"""Find, move and remove the files of a case, in the whole project except its releases."""

import json
import re
import shutil
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from omentum.project.journal import change_lines
from omentum.project.paths import ProjectFolder
from omentum.records import Release
from omentum.store.mentions import Mentions
from omentum.volumes.atomic import move_folder, write_json, write_text

__all__ = ["erase_files", "move_files", "releases_with"]

_TEXTS = frozenset({".csv", ".log", ".md", ".toml", ".tsv", ".txt", ".yaml", ".yml"})
_PAGES = frozenset({".htm", ".html"})
_PREPARED_KEY = re.compile(r"-[0-9a-f]{16}\.npz")
_HEADER_LENGTH = struct.Struct("<Q")
_MOST_HEADER_BYTES = 1 << 20


def move_files(folder: ProjectFolder, case_id: str, new: str) -> None:
    """Give the files of a case its new name; what was moved before stays.

    Features in the cache, whose hashes hold the name, are removed; so they are made anew when needed.
    """
    before, now = folder.case_dir(case_id), folder.case_dir(new)
    if before.is_dir() and not now.exists():
        with suppress(FileNotFoundError):  # another program completes the same change
            move_folder(before, now)
    for path in _prepared(folder, [case_id]):
        path.replace(path.with_name(new + path.name.removeprefix(case_id)))
    for path in _features(folder, [case_id]):
        path.unlink(missing_ok=True)
    for path in _journals(folder):
        change_lines(path, partial(_renamed_line, case_id=case_id, new=new))
    mentions = Mentions((case_id,), new)
    for path in (*now.rglob("*.json"), *_below(_told_in(folder))):
        if path.suffix == ".json":
            _change_json(path, mentions)


def erase_files(folder: ProjectFolder, mentions: Mentions) -> list[Path]:
    """Remove the files of a case, its lines in journals, and its names from reports, by all of its names.

    Args:
        folder: The project.
        mentions: Of its names.

    Returns:
        Reports that were removed, as they showed the case: pages hold pictures too.
    """
    for name in mentions.names:
        _remove_folder(folder.case_dir(name))
    for path in (*_prepared(folder, mentions.names), *_features(folder, mentions.names)):
        path.unlink(missing_ok=True)
    for path in _journals(folder):
        change_lines(path, partial(_line_without, mentions=mentions))
    return [path for path in _below(_told_in(folder)) if _erase_from(path, mentions)]


def releases_with(
    folder: ProjectFolder, releases: Iterable[Release], names: Sequence[str]
) -> tuple[str, ...]:
    """Name the releases that hold a case under any of its names, sorted; also unfinished ones."""
    places = {release.version: release.folder for release in releases}
    if folder.releases_dir.is_dir():
        places = {path.name: path for path in folder.releases_dir.iterdir() if path.is_dir()} | places
    return tuple(
        sorted(version for version, at in places.items() if any((at / one).exists() for one in names))
    )


def _remove_folder(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)  # another program may be removing it too
    if path.exists():
        shutil.rmtree(path)  # says what cannot be removed


def _told_in(folder: ProjectFolder) -> list[Path]:
    """Give the folders whose reports may name cases of all kinds."""
    return [folder.root / "rounds", folder.root / "networks", folder.cache_dir]


def _below(folders: Iterable[Path]) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())


def _journals(folder: ProjectFolder) -> list[Path]:
    return sorted(folder.shards_dir.glob("*.jsonl"))


def _renamed_line(line: bytes, *, case_id: str, new: str) -> bytes:
    """Give a line of a journal with the new name, if it is about the case."""
    record = _record(line)
    if record.get("case") != case_id:
        return line
    record["case"] = new
    if isinstance(record.get("prediction"), dict):
        record["prediction"]["case_id"] = new
    return json.dumps(record, ensure_ascii=False).encode()


def _line_without(line: bytes, *, mentions: Mentions) -> bytes | None:
    """Give a line of a journal without the names of an erased case; `None` if it is about it or damaged."""
    text = line.decode(errors="replace")
    if not any(name in text or json.dumps(name)[1:-1] in text for name in mentions.names):
        return line
    record = _record(line)
    if not record or record.get("case") in mentions.names:
        return None
    return json.dumps(mentions.replaced(record), ensure_ascii=False).encode()


def _record(line: bytes) -> dict[str, Any]:
    """Read a line of a journal; empty if it is damaged."""
    try:
        record = json.loads(line)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _prepared(folder: ProjectFolder, names: Iterable[str]) -> list[Path]:
    """Find what training prepared of cases."""
    found = [(name, path) for name in names for path in folder.cache_dir.glob(f"{name}-*.npz")]
    return [path for name, path in found if _PREPARED_KEY.fullmatch(path.name.removeprefix(name))]


def _features(folder: ProjectFolder, names: Sequence[str]) -> Iterator[Path]:
    """Find features of cases; their files say in the header whose they are."""
    for path in (folder.cache_dir / "features").glob("*.safetensors"):
        if _case_of_features(path) in names:
            yield path


def _case_of_features(path: Path) -> str | None:
    with path.open("rb") as stream:
        length = stream.read(_HEADER_LENGTH.size)
        if len(length) < _HEADER_LENGTH.size:
            return None
        header = stream.read(min(*_HEADER_LENGTH.unpack(length), _MOST_HEADER_BYTES))
    try:
        case_id = json.loads(header)["__metadata__"]["case_id"]
    except (ValueError, KeyError, TypeError):
        return None
    return case_id if isinstance(case_id, str) else None


def _erase_from(path: Path, mentions: Mentions) -> bool:
    """Take names out of one report, or remove it; tell whether it was removed."""
    if mentions.are_in(path.name):
        path.unlink(missing_ok=True)
        return True
    if path.suffix == ".json":
        _change_json(path, mentions)
    elif path.suffix in _TEXTS or path.suffix in _PAGES:
        text = path.read_text(encoding="utf-8", errors="replace")
        if not mentions.are_in(text):
            return False
        if path.suffix in _PAGES:
            path.unlink(missing_ok=True)
        else:
            write_text(path, mentions.replaced(text))
        return path.suffix in _PAGES
    return False


def _change_json(path: Path, mentions: Mentions) -> None:
    text = path.read_text(encoding="utf-8")
    if not any(name in text or json.dumps(name)[1:-1] in text for name in mentions.names):
        return
    content = json.loads(text)
    changed = mentions.replaced(content)
    if changed != content:
        write_json(path, changed)
