"""Which CTs and labels does a `dataset.json` list?

In:  nnU-Net's raw folder (`imagesTr`, `labelsTr`, one channel), or a list as MONAI and the Medical
     Segmentation Decathlon write it (`training`: pairs of `image` and `label`).
Out: pairs of paths, and what the label values mean, where the file says.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omentum.errors import ConfigError
from omentum.exchange.importers.source import stem_of
from omentum.volumes.label_schemes import DATASET_JSON, LabelScheme, label_scheme
from omentum.volumes.read import is_volume

__all__ = ["CaseList", "read_list"]

_CHANNEL = "_0000"
_LISTS = ("training", "validation", "test", "testing")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseList:
    """What a list names.

    Attributes:
        pairs: A CT, and its label if it has one; files that are named but are not there, too.
        scheme: What the label values mean; `None` if the file does not say, or names none of our organs.
    """

    pairs: tuple[tuple[Path, Path | None], ...]
    scheme: LabelScheme | None


def read_list(path: Path) -> CaseList | None:
    """Read a list; `None` where a JSON file is none.

    Raises:
        ConfigError: It is one of volumes with several channels, which no CT has.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> told = {"training": [{"image": "./a.nii.gz", "label": "./b.nii.gz"}]}
        >>> _ = (folder / "dataset.json").write_text(json.dumps(told))
        >>> [(ct.name, label.name) for ct, label in read_list(folder / "dataset.json").pairs]
        [('a.nii.gz', 'b.nii.gz')]
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(told, dict):
        return None
    channels = told.get("channel_names", told.get("modality", {}))
    if isinstance(channels, dict) and len(channels) > 1:
        rule = (
            f"a CT has one channel, and it names {len(channels)} ({', '.join(map(str, channels.values()))})"
        )
        raise ConfigError("dataset.json", str(path), rule)
    pairs = dict(_listed(path.parent, told)) or dict(_raw(path.parent))
    if not pairs:
        return None
    return CaseList(pairs=tuple(pairs.items()), scheme=_scheme(path, told))


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
    return sorted(path for path in folder.iterdir() if is_volume(path) and not path.name.startswith("."))


def _scheme(path: Path, told: Mapping[str, Any]) -> LabelScheme | None:
    if path.name != DATASET_JSON or "labels" not in told:
        return None
    try:
        return label_scheme(DATASET_JSON, path.parent)
    except ConfigError:
        return None
