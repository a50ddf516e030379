"""Which files of a public data set are CTs, and which are their labels?

In:  the paths below a folder, and the data set's description.
Out: one `Source` a CT, with its label; and the paths that are used so.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from omentum.exchange.importers.dataset_descriptions import DataSet, Layout
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import Source, case_id_of, safe_name, stem_of
from omentum.records import Failure
from omentum.volumes.read import is_volume

__all__ = ["label_of", "named_in", "sources_laid_out"]

_CHANNEL = "_0000"
_NO_FIT = Path()


def sources_laid_out(
    root: Path, paths: Sequence[Path], data_set: DataSet
) -> tuple[list[Source], list[Failure], set[Path]]:
    """Find the CTs of a data set. Of several layouts that a path fits, the first that finds a label counts.

    Args:
        root: Folder that the paths lie below.
        paths: Volumes, and folders with a DICOM series.
        data_set: What it is a copy of.

    Returns:
        The CTs; those that the data set's description leaves out; and paths that are CTs or their labels.
    """
    by_path = {_without_ending(root, path): path for path in paths}
    labels = {
        by_path[key]: label for key in by_path if (label := _fit(data_set, root, key, by_path)) != _NO_FIT
    }
    used = {path for path in labels.values() if path is not None}
    sources, left_out = [], []
    for path, label in labels.items():
        if path in used:  # a pattern as wide as `{case}` fits labels too
            continue
        why = data_set.why_left_out(stem_of(path))
        if why is None:
            sources.append(_source(path, label, data_set))
        else:
            left_out.append(Failure(key=str(path), reason=why))
    return sources, left_out, used | labels.keys()


def named_in(data_set: DataSet, path: Path) -> str:
    """Name a case of a data set: after the data set, and after its file or folder.

    Example:
        >>> from omentum.exchange.importers.dataset_descriptions import data_set_named
        >>> named_in(data_set_named("kits"), Path("KiTS19/data/case_00000/imaging.nii.gz"))
        '05_KiTS_case_00000'
    """
    return safe_name(f"{data_set.name}_{case_id_of(path).removesuffix(_CHANNEL)}")


def label_of(data_set: DataSet, path: Path) -> OriginalLabel:
    """Say what a label of a data set means."""
    return OriginalLabel(path=path, ids=data_set.scheme, only_present=data_set.only_present)


def _fit(data_set: DataSet, root: Path, key: str, by_path: Mapping[str, Path]) -> Path | None:
    """Give the label of a path, `None` where it has none, `_NO_FIT` where it is no CT by any layout."""
    fits = [
        (one, found) for one in data_set.layouts if (found := one.match(f"{root.name}/{key}")) is not None
    ]
    found_labels = (_label(layout, found, root, by_path) for layout, found in fits)
    return next((label for label in found_labels if label is not None), None if fits else _NO_FIT)


def _label(layout: Layout, found: tuple[str, str], root: Path, by_path: Mapping[str, Path]) -> Path | None:
    if layout.label is None:
        return None
    above, case = found
    path = f"{above}{layout.label.replace('{case}', case)}".removeprefix(f"{root.name}/")
    folder = root / path
    return by_path.get(path) or (folder if folder.is_dir() else None)


def _source(path: Path, label: Path | None, data_set: DataSet) -> Source:
    return Source(
        path=path,
        case_id=named_in(data_set, path),
        label=None if label is None else label_of(data_set, label),
        data_set=data_set.name,
        licence=data_set.licence,
        patient=data_set.patient_of(stem_of(path)),
    )


def _without_ending(root: Path, path: Path) -> str:
    relative = path.relative_to(root)
    return (relative.parent / stem_of(path)).as_posix() if is_volume(path) else relative.as_posix()
