"""Find the data set of each case and its licence.

`data-sets.toml`, written by the project's owner, beats what was recognised when the case was added.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from omentum.config import ConfigModel, read_toml
from omentum.errors import ConfigError
from omentum.records import Case

__all__ = [
    "DATA_SETS_NAME",
    "NOT_STATED",
    "UNNAMED",
    "SourceDataSet",
    "data_set_of",
    "read_data_sets",
    "recognised",
]

DATA_SETS_NAME = "data-sets.toml"
NOT_STATED = "not stated"
UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDataSet:
    """A data set that cases came from."""

    name: str = UNNAMED
    """As its publishers call it; in the published layout the first part of a case's folder."""
    licence: str = NOT_STATED
    pattern: str = "*"
    """Which cases are of it: `*` and `?` stand for any letters of a source's path or a case's id."""


class _Entry(ConfigModel, frozen=True, title=DATA_SETS_NAME):
    name: str = UNNAMED
    licence: str = NOT_STATED


def read_data_sets(root: Path) -> tuple[SourceDataSet, ...]:
    """Read `data-sets.toml`; a project without it has no data sets.

    The first entry whose pattern fits a case counts::

        ["*/04_LiTS/*"]
        name = "04_LiTS"
        licence = "CC BY-NC-SA 4.0"

    Raises:
        ConfigError: The file is no TOML, or an entry has anything else than a name and a licence.
        ProjectError: The file cannot be read.
    """
    path = root / DATA_SETS_NAME
    entries = read_toml(path) if path.is_file() else {}
    for pattern, entry in entries.items():
        if not isinstance(entry, dict):
            rule = 'it must be an entry such as ["*/04_LiTS/*"] with name = "..." and licence = "..."'
            raise ConfigError(f"{pattern} in {DATA_SETS_NAME}", entry, rule)
    return tuple(
        SourceDataSet(pattern=pattern, **dict(_Entry(**entry))) for pattern, entry in entries.items()
    )


def recognised(case: Case) -> SourceDataSet:
    """Give the data set that a case was recognised as when it was added; unnamed where it was not."""
    return SourceDataSet(name=case.data_set or UNNAMED, licence=case.licence or NOT_STATED)


def data_set_of(case: Case, known: Sequence[SourceDataSet]) -> SourceDataSet:
    """Find the data set of a case.

    What it was recognised as when it was added counts where no entry fits, and for the name or the licence
    that the entry does not state; but it has no licence for a data set of another name.

    Args:
        case: The case.
        known: Entries of `data-sets.toml`; the first that fits counts.

    Example:
        >>> import numpy as np
        >>> from omentum.volumes.geometry import Geometry
        >>> case = Case(case_id="liver_0", patient_id="p", ct_path=Path("ct.nii.gz"),
        ...             geometry=Geometry((2, 2, 2), np.eye(4)), source="/data/04_LiTS/img/liver_0.nii.gz")
        >>> data_set_of(case, [SourceDataSet(name="04_LiTS", pattern="*/04_LiTS/*")]).name
        '04_LiTS'
    """
    otherwise = recognised(case)
    fits = (
        one
        for one in known
        if fnmatchcase(case.source, one.pattern) or fnmatchcase(case.case_id, one.pattern)
    )
    stated = next(fits, otherwise)
    name = otherwise.name if stated.name == UNNAMED else stated.name
    is_same = name == otherwise.name and stated.licence == NOT_STATED
    return replace(stated, name=name, licence=otherwise.licence if is_same else stated.licence)
