"""Import the case folders of an AbdomenAtlas tree: CT, original label, predictions and revisions.

In:  `<case>/ct.nii.gz` and the files beside it: `backbones/`, `average/`, `<organ>_revised.nii.gz`.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from omentum.errors import ConfigError, UnknownOrganError
from omentum.exchange.importers.dataset_descriptions import DatasetDescription, known_data_sets
from omentum.exchange.importers.dicom_beside import series_beside
from omentum.exchange.importers.source import (
    GENERIC_NAMES,
    FoundSources,
    RevisionFile,
    Source,
    case_id_of,
    files_below,
    left_out,
    stem_of,
)
from omentum.names import checked_name
from omentum.records import Failure
from omentum.volumes.hidden_files import is_hidden
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import is_label_table
from omentum.volumes.nifti import is_nifti
from omentum.volumes.read import is_volume

__all__ = ["TREE_FOLDER", "find_case_folder", "with_tree_files"]

TREE_FOLDER = "backbones"
"""A case's folder that holds it belongs to an AbdomenAtlas tree."""
_AVERAGE = "average"
_REVISED = "_revised"
_KINDS = ("segmentations", "soft_pred", "entropy")
_ORIGINAL = "original_label.nii.gz"


def find_case_folder(folder: Path, _: DatasetDescription | None = None) -> FoundSources | None:
    """Import a folder that has a volume with a generic name, such as `ct.nii.gz`; `None` if it has none."""
    volumes = (
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and is_volume(path) and not is_hidden(path)
    )
    generic = [path for path in volumes if stem_of(path).casefold() in GENERIC_NAMES]
    if not generic:
        return None
    sources = [Source(path=path, case_id=case_id_of(path)) for path in generic]
    rest = set(files_below(folder)) - set(generic)
    reasons: list[Failure] = []
    if len(sources) == 1:
        source = _of_named_data_set(sources[0])
        if source.label is not None:
            rest.remove(source.label.path)
        source, reasons, rest = with_tree_files(source, rest)
        sources = [source]
    others, not_taken, rest = series_beside(generic, rest)
    sources += others
    reasons += not_taken
    reasons += left_out(rest, f"it lies with {generic[0].name}, the one CT of its folder")
    return FoundSources(sources=tuple(sources), left_out=tuple(reasons))


def _of_named_data_set(source: Source) -> Source:
    """Add the data set whose name the case's folder begins with, and its label."""
    folder = source.path.parent
    fits = [one for one in known_data_sets() if folder.name.startswith(f"{one.name}_")]
    data_set = max(fits, key=lambda one: len(one.name), default=None)
    if data_set is None:
        return source
    source = replace(source, data_set=data_set.name, licence=data_set.licence)
    path = folder / _ORIGINAL
    if not path.is_file():
        return source
    label = data_set.label_of(path)
    if is_label_table(folder / "labels.json"):  # a release's own label has our indices
        label = replace(label, ids="omentum", organs=data_set.scheme.organs)
    return replace(source, label=label)


def with_tree_files(source: Source, files: Iterable[Path]) -> tuple[Source, list[Failure], set[Path]]:
    """Add predictions and revisions to a CT.

    Args:
        source: The CT.
        files: All files below its folder but the CT and its original label.

    Returns:
        The CT; the files of a tree that are not taken, with the reason; and the files of no tree.
    """
    folder = source.path.parent
    named = {path: _organ_of(path) for path in sorted(files) if not is_hidden(path, folder)}
    revised: dict[str, list[Path]] = {}
    for path, (name, is_revised) in named.items():
        if is_revised and name is not None:
            revised.setdefault(name, []).append(path)
    single = {name: paths[0] for name, paths in revised.items() if len(paths) == 1}
    predicted = [path for path in named if _is_predicted(path.relative_to(folder).parts, *named[path])]
    networks = {path.relative_to(folder).parts[1] for path in predicted}
    source = replace(
        source,
        network_folders=tuple(folder / TREE_FOLDER / one for one in sorted(networks)),
        revisions=tuple(_revision(folder, name, single[name]) for name in sorted(single)),
    )
    other = named.keys() - {*predicted, *single.values()}
    reasons = {path: _why_not(folder, path, *named[path]) for path in sorted(other)}
    failures = [Failure(key=str(path), reason=why) for path, why in reasons.items() if why is not None]
    return (
        source,
        failures,
        {path for path, why in reasons.items() if why is None} | (set(files) - named.keys()),
    )


def _organ_of(path: Path) -> tuple[str | None, bool]:
    """Return the organ in a file's name, in any spelling, and whether the file is a revision."""
    stem = path.name.partition(".nii")[0]
    is_revised = is_nifti(path) and stem.endswith(_REVISED)
    try:
        name = organ(stem.removesuffix(_REVISED)).name if is_nifti(path) else None
    except UnknownOrganError:
        name = None
    return name, is_revised


def _is_predicted(parts: tuple[str, ...], name: str | None, is_revised: bool) -> bool:
    """Return whether a file is a network's prediction of an organ."""
    in_place = len(parts) == 4 and parts[0] == TREE_FOLDER and parts[2] in _KINDS
    return in_place and name is not None and not is_revised and _refused(parts[1]) is None


def _refused(network: str) -> str | None:
    """Say why a network cannot have a name; `None` if it can."""
    if network == _AVERAGE:
        return f"`{_AVERAGE}` is what several networks say together; give the folder another name"
    try:
        checked_name("network", network)
    except ConfigError as error:
        return str(error)
    return None


def _why_not(folder: Path, path: Path, name: str | None, is_revised: bool) -> str | None:
    """Say why a file of a tree is not taken; `None` if it belongs to no tree."""
    parts = path.relative_to(folder).parts
    if is_revised and name is None:
        return "it is a revision named after no organ; call it <organ>_revised.nii.gz"
    if is_revised:
        return f"there are two revisions of {name} in {folder.name}; keep one of them"
    if parts[0] == _AVERAGE:
        how = f"take it with `omentum models add {folder.parent} --as {_AVERAGE}`"
        return f"it is the networks' average, which `omentum predict --average` makes anew; or {how}"
    return _why_not_predicted(parts) if parts[0] == TREE_FOLDER and len(parts) > 2 else None


def _why_not_predicted(parts: tuple[str, ...]) -> str:
    if parts[2].startswith("pseudo_label"):
        return f"it is painted from the masks in {parts[1]}/segmentations/, and those are taken"
    if len(parts) != 4 or parts[2] not in _KINDS:
        return (
            f"masks of {parts[1]} lie in its segmentations/, soft_pred/ and entropy/, and this is elsewhere"
        )
    return _refused(parts[1]) or "it is named after no organ"


def _revision(folder: Path, name: str, path: Path) -> RevisionFile:
    parts = path.relative_to(folder).parts
    network = _AVERAGE if parts[0] == _AVERAGE else parts[1] if parts[0] == TREE_FOLDER else None
    shown = path.with_name(path.name.replace(f"{_REVISED}.nii", ".nii", 1))
    if network is None or not shown.is_file():
        return RevisionFile(organ=name, path=path)
    return RevisionFile(organ=name, path=path, shown=shown, network=network)
