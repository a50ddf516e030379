"""What did networks and readers make of a CT before it came here? All that an AbdomenAtlas tree has of it.

In:  the folder of a case, `<case>/ct.nii.gz`, and the files in it. No voxel is read.
Out: `MadeBefore`: the networks in `backbones/` and every `<organ>_revised.nii.gz`; and why any other file is
     not taken.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from omentum.errors import ConfigError, UnknownOrganError
from omentum.names import checked_name
from omentum.volumes.labels import organ
from omentum.volumes.nifti import is_nifti

__all__ = ["TREE_FOLDER", "DrawnMask", "LeftNetwork", "MadeBefore", "made_before"]

TREE_FOLDER = "backbones"
"""Where it is, the folder of a case is one of such a tree."""
_AVERAGE = "average"
_REVISED = "_revised"
_KINDS = ("segmentations", "soft_pred", "entropy")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftNetwork:
    """What one network left of one CT.

    Attributes:
        name: Of its folder in `backbones/`.
        folder: Holds `segmentations/`, perhaps `soft_pred/` and `entropy/`, with one file an organ.
    """

    name: str
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnMask:
    """A mask that a reader drew.

    Attributes:
        organ: Of which organ.
        path: `<organ>_revised.nii.gz`.
        shown: What the reader began with, which lies beside it; `None` where it is not there.
        network: Whose that was: a name in `backbones/`, or `average`; `None` likewise.
    """

    organ: str
    path: Path
    shown: Path | None = None
    network: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeBefore:
    """All that was made of one CT.

    Attributes:
        networks: By name.
        revisions: By organ, one each.
        files: Those that are taken, sorted.
    """

    networks: tuple[LeftNetwork, ...]
    revisions: tuple[DrawnMask, ...]
    files: tuple[Path, ...]


def made_before(folder: Path, files: Iterable[Path]) -> tuple[MadeBefore, dict[Path, str]]:
    """Sort the files of a case.

    Args:
        folder: Of the case.
        files: All below it but the CT and its original label.

    Returns:
        What is taken; and of every other file that belongs to a tree, why it is not.
    """
    named = {path: _organ_of(path) for path in sorted(files)}
    drawn: dict[str, list[Path]] = {}
    for path, (name, is_revised) in named.items():
        if is_revised and name is not None:
            drawn.setdefault(name, []).append(path)
    alone = {name: paths[0] for name, paths in drawn.items() if len(paths) == 1}
    left = [path for path in named if _is_left(path.relative_to(folder).parts, *named[path])]
    networks = {path.relative_to(folder).parts[1] for path in left}
    taken = {*left, *alone.values()}
    made = MadeBefore(
        networks=tuple(LeftNetwork(name=one, folder=folder / TREE_FOLDER / one) for one in sorted(networks)),
        revisions=tuple(_drawn(folder, name, alone[name]) for name in sorted(alone)),
        files=tuple(sorted(taken)),
    )
    reasons = {path: _why_not(folder, path, *named[path]) for path in named if path not in taken}
    return made, {path: why for path, why in reasons.items() if why is not None}


def _organ_of(path: Path) -> tuple[str | None, bool]:
    """Give the organ that a file is named after, by any spelling that we read; tell whether it is revised."""
    stem = path.name.partition(".nii")[0]
    is_revised = is_nifti(path) and stem.endswith(_REVISED)
    try:
        name = organ(stem.removesuffix(_REVISED)).name if is_nifti(path) else None
    except UnknownOrganError:
        name = None
    return name, is_revised


def _is_left(parts: tuple[str, ...], name: str | None, is_revised: bool) -> bool:
    """Tell whether a file is what a network left of an organ."""
    in_place = len(parts) == 4 and parts[0] == TREE_FOLDER and parts[2] in _KINDS
    return in_place and name is not None and not is_revised and _refused(parts[1]) is None


def _refused(network: str) -> str | None:
    """Say why a network cannot be called so; `None` where it can."""
    if network == _AVERAGE:
        return f"`{_AVERAGE}` is what several networks say together; give the folder another name"
    try:
        checked_name("network", network)
    except ConfigError as error:
        return str(error)
    return None


def _why_not(folder: Path, path: Path, name: str | None, is_revised: bool) -> str | None:
    """Say why a file of a tree is not taken; `None` where it is of no tree."""
    parts = path.relative_to(folder).parts
    if is_revised and name is None:
        return "it is a revision named after no organ; call it <organ>_revised.nii.gz"
    if is_revised:
        return f"there are two revisions of {name} in {folder.name}; keep one of them"
    if parts[0] == _AVERAGE:
        how = f"take it with `omentum models add {folder.parent} --as {_AVERAGE}`"
        return f"it is the networks' average, which `omentum predict --average` makes anew; or {how}"
    return _why_not_left(parts) if parts[0] == TREE_FOLDER and len(parts) > 2 else None


def _why_not_left(parts: tuple[str, ...]) -> str:
    if parts[2].startswith("pseudo_label"):
        return f"it is painted from the masks in {parts[1]}/segmentations/, and those are taken"
    if len(parts) != 4 or parts[2] not in _KINDS:
        return (
            f"masks of {parts[1]} lie in its segmentations/, soft_pred/ and entropy/, and this is elsewhere"
        )
    return _refused(parts[1]) or "it is named after no organ"


def _drawn(folder: Path, name: str, path: Path) -> DrawnMask:
    parts = path.relative_to(folder).parts
    network = _AVERAGE if parts[0] == _AVERAGE else parts[1] if parts[0] == TREE_FOLDER else None
    shown = path.with_name(path.name.replace(f"{_REVISED}.nii", ".nii", 1))
    if network is None or not shown.is_file():
        return DrawnMask(organ=name, path=path)
    return DrawnMask(organ=name, path=path, shown=shown, network=network)
