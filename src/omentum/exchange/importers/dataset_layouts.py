"""Import a public data set in one of the layouts of its description."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from omentum.errors import ConfigError
from omentum.exchange.importers.abdomenatlas_tree import TREE_FOLDER, with_tree_files
from omentum.exchange.importers.dataset_descriptions import (
    DatasetDescription,
    DatasetLayout,
    known_data_sets,
)
from omentum.exchange.importers.source import (
    GENERIC_NAMES,
    FoundSources,
    Source,
    files_below,
    left_out,
    stem_of,
    telling_name,
)
from omentum.records import Failure
from omentum.volumes.dicom_files import is_dicom
from omentum.volumes.hidden_files import is_hidden
from omentum.volumes.read import is_volume

__all__ = ["find_data_set"]

_NO_FIT = Path()


def find_data_set(root: Path, data_set: DatasetDescription | None = None) -> FoundSources | None:
    """Import a copy of a data set; `None` if no CT in the folder fits a layout.

    Of several layouts that a path fits, the first that finds a label counts.

    Args:
        root: The folder.
        data_set: What it is a copy of; by default, the data set that the folder is named as.

    Raises:
        ConfigError: No path fits the layouts of `data_set`, or no CT its pattern of patients.
    """
    described = data_set or _named_as(root)
    if described is None or not described.layouts:
        return None
    files = files_below(root)
    shown = [path for path in files if not is_hidden(path, root)]
    series = {path.parent for path in shown if not is_volume(path) and is_dicom(path)}
    volumes = [path for path in shown if is_volume(path)]
    by_path = {_without_ending(root, path): path for path in [*volumes, *sorted(series)]}
    fits = {path: _fit(described, root, key, by_path) for key, path in by_path.items()}
    labels = {path: label for path, label in fits.items() if label != _NO_FIT}
    used = {path for path in labels.values() if path is not None}
    cts = {path: label for path, label in labels.items() if path not in used}  # `{case}` fits labels too
    unwanted = {path: why for path in cts if (why := described.why_left_out(stem_of(path))) is not None}
    sources = [described.source_of(path, label) for path, label in cts.items() if path not in unwanted]
    if data_set is not None:
        _check_patients(data_set, sources)
    if sources:
        used |= labels.keys()
        rest = {path for path in files if path not in used and used.isdisjoint(path.parents)}
        sources, reasons, rest = _with_trees(sources, rest)
        reasons += [Failure(key=str(path), reason=why) for path, why in unwanted.items()]
        reasons += left_out(rest, f"the layout of {described.name} has no place for it")
        return FoundSources(sources=tuple(sources), left_out=tuple(reasons))
    if data_set is not None:
        layouts = ", ".join(layout.ct for layout in data_set.layouts)
        raise ConfigError("--dataset", data_set.name, f"nothing in {root} fits its layouts: {layouts}")
    return None


def _check_patients(data_set: DatasetDescription, sources: Sequence[Source]) -> None:
    """Refuse a pattern of patients that fits no CT: each would count as a patient of its own."""
    if data_set.patients is None or not sources or any(one.patient is not None for one in sources):
        return
    rule = (
        f"`from` fits the name of none of the {len(sources)} CTs, such as {telling_name(sources[0].path)!r}; "
        "correct it, or leave `patients` out, and each CT is a patient of its own"
    )
    raise ConfigError(f"patients of {data_set.name}", data_set.patients[0], rule)


def _named_as(folder: Path) -> DatasetDescription | None:
    name = folder.name.casefold()
    return next((one for one in known_data_sets() if name in one.folder_names), None)


def _with_trees(sources: list[Source], rest: set[Path]) -> tuple[list[Source], list[Failure], set[Path]]:
    """Add predictions and revisions to CTs that lie in AbdomenAtlas case folders."""
    found: list[Source] = []
    reasons: list[Failure] = []
    for source in sources:
        folder = source.path.parent
        if stem_of(source.path).casefold() in GENERIC_NAMES and (folder / TREE_FOLDER).is_dir():
            beside = rest.intersection(files_below(folder))
            source, failures, unused = with_tree_files(source, beside)  # noqa: PLW2901
            rest = rest - beside | unused
            reasons += failures
        found.append(source)
    return found, reasons, rest


def _fit(data_set: DatasetDescription, root: Path, key: str, by_path: Mapping[str, Path]) -> Path | None:
    """Give the label of a path; `None` if it has none, `_NO_FIT` if the path fits no layout."""
    fits = [(one, at) for one in data_set.layouts if (at := one.match(f"{root.name}/{key}")) is not None]
    found_labels = (_label(layout, at, root, by_path) for layout, at in fits)
    return next((label for label in found_labels if label is not None), None if fits else _NO_FIT)


def _label(
    layout: DatasetLayout, at: tuple[str, str], root: Path, by_path: Mapping[str, Path]
) -> Path | None:
    if layout.label is None:
        return None
    above, case = at
    path = f"{above}{layout.label.replace('{case}', case)}".removeprefix(f"{root.name}/")
    folder = root / path
    return by_path.get(path) or (folder if folder.is_dir() else None)


def _without_ending(root: Path, path: Path) -> str:
    relative = path.relative_to(root)
    return (relative.parent / stem_of(path)).as_posix() if is_volume(path) else relative.as_posix()
