"""List the cases of a data set, one a line, as the published scripts do, and read such lists.

Lines are sorted paths relative to the folder of all data sets; a label follows its CT after a tab.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from omentum.errors import ConfigError
from omentum.exchange.importers.dataset_descriptions import DatasetDescription, known_data_sets
from omentum.exchange.importers.labels import NAMED, OriginalLabel
from omentum.exchange.importers.source import FoundSources, Source, stem_of
from omentum.names import safe_name
from omentum.records import Failure
from omentum.volumes.atomic import write_text
from omentum.volumes.hidden_files import is_hidden
from omentum.volumes.read import is_volume
from omentum.volumes.stated_names import has_names

__all__ = ["datalist", "read_datalist", "write_datalist"]

_CHANNEL = "_0000"
_OPTION = "--datalist"


def datalist(
    data_root: Path, data_set: str, folder: str = "img", label_folder: str | None = None
) -> list[str]:
    r"""List the cases of a data set; hidden files, and what is no volume, are left out.

    Args:
        data_root: Folder of all data sets; paths are relative to it.
        data_set: Name of a folder in it, such as `04_LiTS` or `10_Decathlon/Task03_Liver`.
        folder: Name of the folder in that with the CTs.
        label_folder: Name of the one with the labels. A label has the name of its CT or, where no label has
            it, the same number at its end (`img0001`, `label0001`).

    Raises:
        ConfigError: A folder is not there or holds no volume; or several labels or CTs have one number.

    Example:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> for name in ("img/img10.nii.gz", "img/img9.nii.gz", "label/label9.nii.gz"):
        ...     (root / "01" / name).parent.mkdir(parents=True, exist_ok=True)
        ...     (root / "01" / name).touch()
        >>> datalist(root, "01", "img", "label")
        ['01/img/img10.nii.gz', '01/img/img9.nii.gz\t01/label/label9.nii.gz']
    """
    cts = _volumes(data_root, f"{data_set}/{folder}")
    if label_folder is None:
        return [path.as_posix() for path in cts]
    labels = _paired(cts, _volumes(data_root, f"{data_set}/{label_folder}"))
    lines = []
    for path in cts:
        label = labels.get(path)
        lines.append(path.as_posix() if label is None else f"{path.as_posix()}\t{label.as_posix()}")
    return lines


def write_datalist(path: Path, lines: Iterable[str]) -> None:
    """Write a list, one case a line."""
    write_text(path, "".join(f"{line}\n" for line in lines))


def read_datalist(path: Path, data_root: Path, *, ids: str | None = None) -> FoundSources:
    """Find the CTs and labels that a list names.

    Args:
        path: The list.
        data_root: Folder that its paths start from.
        ids: What values of labels mean, as of `OriginalLabel`; where not said, the data set whose folder they
            are in, or names in the label.

    Returns:
        The CTs, named after their data set; those that are not there; and labels whose values are unknown.

    Raises:
        ConfigError: It is not there, names no case, or a path leads out of `data_root`; two have one name.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(_OPTION, str(path), f"it cannot be read ({error})") from None
    sources: dict[str, Source] = {}
    missing: list[Failure] = []
    unknown: list[Failure] = []
    for line in filter(str.strip, lines):
        ct, _, label = line.strip().partition("\t")
        for name in filter(None, (ct, label)):
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise ConfigError(_OPTION, name, "paths in it start from --data-root, and stay below it")
        source, why = _source(data_root, ct, label, ids)
        unknown += [] if why is None else [Failure(key=str(data_root / label), reason=why)]
        if not source.path.exists():
            missing.append(Failure(key=ct, reason=f"{path.name} lists it, and it is not in {data_root}"))
        elif sources.setdefault(source.case_id, source).path != source.path:
            rule = f"{ct} and {sources[source.case_id].path} would both be case {source.case_id!r}"
            raise ConfigError(_OPTION, str(path), rule)
    if not sources and not missing:
        raise ConfigError(_OPTION, str(path), "it names no case; make one with `omentum datalist`")
    return FoundSources(sources=tuple(sources.values()), unusable=tuple(missing), left_out=tuple(unknown))


def _source(data_root: Path, ct: str, label: str, ids: str | None) -> tuple[Source, str | None]:
    """Make the source of a line; give the reason if its label is not taken."""
    path, label_path = ((data_root / one).absolute() for one in (ct, label))
    data_set = _data_set_of(PurePosixPath(ct))
    if data_set is not None:
        source = data_set.source_of(path, label_path if label and ids is None else None)
    else:
        stem = stem_of(path).removesuffix(_CHANNEL)
        source = Source(path=path, case_id=safe_name(f"{PurePosixPath(ct).parts[0]}_{stem}"))
    if label and ids is None and source.label is None and label_path.is_file() and has_names(label_path):
        source = replace(source, label=OriginalLabel(path=label_path, ids=NAMED))
    if label and ids is not None:
        source = replace(source, label=OriginalLabel(path=label_path, ids=ids))
    why = "no data set is known by its folders' names; say with --label-ids what its values mean"
    return source, why if label and source.label is None else None


def _data_set_of(path: PurePosixPath) -> DatasetDescription | None:
    """Find the data set that a folder of a path is named as; the innermost counts."""
    for part in reversed(path.parts[:-1]):
        for one in known_data_sets():
            if part.casefold() in one.folder_names:
                return one
    return None


def _volumes(data_root: Path, folder: str) -> list[PurePosixPath]:
    where = data_root / folder
    if not where.is_dir():
        raise ConfigError("--folder", folder, f"there is no folder {where}")
    names = sorted(one.name for one in where.iterdir() if is_volume(one) and not is_hidden(one))
    if not names:
        raise ConfigError("--folder", folder, f"there is no volume in {where}")
    return [PurePosixPath(folder) / name for name in names]


def _paired(cts: list[PurePosixPath], labels: list[PurePosixPath]) -> dict[PurePosixPath, PurePosixPath]:
    """Pair by name, else by case number; what is left has no partner."""
    by_name = {_stem(path): path for path in labels}
    pairs = {path: by_name[_stem(path)] for path in cts if _stem(path) in by_name}
    left = [path for path in labels if path not in set(pairs.values())]
    by_number = _numbered(left)
    for number, path in _numbered([path for path in cts if path not in pairs]).items():
        if number in by_number:
            pairs[path] = by_number[number]
    return pairs


def _numbered(paths: list[PurePosixPath]) -> dict[int, PurePosixPath]:
    found: dict[int, PurePosixPath] = {}
    for path in paths:
        numbers = re.findall(r"\d+", _stem(path))
        if numbers and found.setdefault(int(numbers[-1]), path) != path:
            first = found[int(numbers[-1])]
            rule = f"{first.name} and {path.name} have the same number, so that labels cannot be told apart"
            raise ConfigError("--folder", str(path.parent), f"{rule}; name labels as their CTs")
    return found


def _stem(path: PurePosixPath) -> str:
    return stem_of(Path(path.name)).removesuffix(_CHANNEL)
