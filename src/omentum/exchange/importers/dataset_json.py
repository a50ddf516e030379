"""Import the CTs and labels that a `dataset.json` lists.

In:  nnU-Net's raw folder (`imagesTr`, `labelsTr`, one channel), or a list of MONAI or the Medical
     Segmentation Decathlon (`training`: pairs of `image` and `label`).
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from omentum.errors import ConfigError
from omentum.exchange.importers.dataset_descriptions import DatasetDescription
from omentum.exchange.importers.labels import NAMED, OriginalLabel
from omentum.exchange.importers.source import (
    FoundSources,
    Source,
    case_id_of,
    files_below,
    left_out,
    stem_of,
)
from omentum.records import Failure
from omentum.volumes.hidden_files import is_hidden
from omentum.volumes.label_schemes import LabelScheme, dataset_scheme
from omentum.volumes.read import is_volume
from omentum.volumes.stated_names import has_names

__all__ = ["find_list", "read_list"]

_CHANNEL = "_0000"
_LISTS = ("training", "validation", "test", "testing")


def find_list(folder: Path, _: DatasetDescription | None = None) -> FoundSources | None:
    """Import the CTs of the first list in a folder; `None` if it has no list."""
    for path in sorted(path for path in folder.glob("*.json") if not is_hidden(path)):
        try:
            found = read_list(path)
        except ConfigError as error:
            return FoundSources(left_out=tuple(left_out(files_below(folder), str(error))))
        if found is not None and found.sources:
            named = {str(one.path) for one in found.sources} | {one.key for one in found.left_out}
            named |= {str(one.label.path) for one in found.sources if one.label is not None}
            rest = set(files_below(folder)) - {Path(os.path.normpath(one)) for one in named}
            why = f"{path.name} does not list it"
            return replace(found, left_out=(*found.left_out, *left_out(rest, why)))
    return None


def read_list(path: Path) -> FoundSources | None:
    """Read a list; `None` if a JSON file is none.

    Raises:
        ConfigError: Its volumes have several channels, and a CT has one.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> (folder / "a.nii.gz").touch()
        >>> told = {"training": [{"image": "./a.nii.gz"}]}
        >>> _ = (folder / "dataset.json").write_text(json.dumps(told))
        >>> [one.case_id for one in read_list(folder / "dataset.json").sources]
        ['a']
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(told, dict):
        return None
    _check_channels(path, told)
    pairs = dict(_listed(path.parent, told)) or dict(_raw(path.parent))
    if not pairs:
        return None
    scheme, why = _scheme(path, told)
    sources: list[Source] = []
    reasons: list[Failure] = []
    for ct, label in pairs.items():
        missing = [one for one in (ct, label) if one is not None and not one.is_file()]
        reasons += left_out(missing[:1], f"{path.name} lists it, and it is not there")
        own = None
        if label is not None and not missing:
            own = _label(label, scheme)
            reasons += left_out(
                [label] if own is None else [], f"{why}; say with --label what its values mean"
            )
        if ct not in missing:
            sources.append(Source(path=Path(os.path.normpath(ct)), case_id=_case_id(ct, label), label=own))
    return FoundSources(sources=tuple(sources), left_out=tuple(reasons))


def _case_id(ct: Path, label: Path | None) -> str:
    """Name a case; an ending that its label has too is no number of a channel."""
    name = case_id_of(ct)
    is_whole = label is not None and stem_of(label) == stem_of(ct)
    return name if is_whole else name.removesuffix(_CHANNEL)


def _check_channels(path: Path, told: Mapping[str, Any]) -> None:
    channels = told.get("channel_names", told.get("modality", {}))
    if isinstance(channels, dict) and len(channels) > 1:
        names = ", ".join(map(str, channels.values()))
        raise ConfigError(
            "dataset.json", str(path), f"a CT has one channel, and it names {len(channels)} ({names})"
        )


def _listed(folder: Path, told: Mapping[str, Any]) -> Iterator[tuple[Path, Path | None]]:
    for name in _LISTS:
        entries = told.get(name)
        for entry in entries if isinstance(entries, list) else ():
            image, label = (
                (entry.get("image"), entry.get("label")) if isinstance(entry, dict) else (entry, None)
            )
            if isinstance(image, str):
                yield _there(folder / image), folder / label if isinstance(label, str) else None


def _there(path: Path) -> Path:
    """Find a file that nnU-Net lists without the number of its channel."""
    if path.is_file():
        return path
    ending = path.name.removeprefix(stem_of(path))
    numbered = path.with_name(f"{stem_of(path)}{_CHANNEL}{ending}")
    return numbered if numbered.is_file() else path


def _raw(folder: Path) -> Iterator[tuple[Path, Path | None]]:
    """Pair `imagesTr/NAME_0000` with `labelsTr/NAME`, and so of `Ts` and `Va`."""
    for part in ("Tr", "Va", "Ts"):
        labels = {stem_of(path): path for path in _volumes(folder / f"labels{part}")}
        for path in _volumes(folder / f"images{part}"):
            if stem_of(path).endswith(_CHANNEL):
                yield path, labels.get(stem_of(path).removesuffix(_CHANNEL))


def _volumes(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if is_volume(path) and not is_hidden(path))


def _label(path: Path, scheme: LabelScheme | None) -> OriginalLabel | None:
    """Describe a label by the list, else by the names in it."""
    if scheme is not None:
        return OriginalLabel(path=path, ids=scheme)
    return OriginalLabel(path=path, ids=NAMED) if has_names(path) else None


def _scheme(path: Path, told: Mapping[str, Any]) -> tuple[LabelScheme | None, str]:
    """Give what the list says of label values, or why it says nothing."""
    if "labels" not in told:
        return None, f"{path.name} has no `labels`"
    try:
        return dataset_scheme(path), ""
    except ConfigError as error:
        return None, str(error)
