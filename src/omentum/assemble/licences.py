"""Say which data set a case is of, and under which licence.

In:  what a case was recognised as when it was added; and `data-sets.toml` of a project, which its owner
     writes and which counts more: a pattern of sources or case ids, then name and licence.
Out: name and licence of each case, for its lineage, the data-set card and exports.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from omentum.errors import ConfigError
from omentum.records import Case

__all__ = [
    "DATA_SETS_NAME",
    "NOT_STATED",
    "UNNAMED",
    "DataSet",
    "data_set_of",
    "read_data_sets",
    "recognised",
]

DATA_SETS_NAME = "data-sets.toml"
NOT_STATED = "not stated"
UNNAMED = "unnamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A data set that cases came from.

    Attributes:
        name: As its publishers call it; in the published layout the first part of a case's folder.
        licence: Under which it may be used.
        pattern: Which cases are of it: `*` and `?` stand for any letters of a source's path or a case's id.
    """

    name: str = UNNAMED
    licence: str = NOT_STATED
    pattern: str = "*"


def read_data_sets(root: Path) -> tuple[DataSet, ...]:
    """Read `data-sets.toml`; a project without it has no data sets.

    The first entry whose pattern fits a case counts::

        ["*/04_LiTS/*"]
        name = "04_LiTS"
        licence = "CC BY-NC-SA 4.0"

    Raises:
        ConfigError: The file cannot be read, or an entry has anything else than a name and a licence.
    """
    path = root / DATA_SETS_NAME
    if not path.is_file():
        return ()
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
        return tuple(DataSet(pattern=pattern, **fields) for pattern, fields in entries.items())
    except (TypeError, ValueError) as error:
        rule = f'it must hold entries such as ["*/04_LiTS/*"] with name = "..." and licence = "..." ({error})'
        raise ConfigError(DATA_SETS_NAME, str(path), rule) from None


def recognised(case: Case) -> DataSet:
    """Give the data set that a case was recognised as when it was added; unnamed where it was not."""
    return DataSet(name=case.data_set or UNNAMED, licence=case.licence or NOT_STATED)


def data_set_of(case: Case, known: Sequence[DataSet]) -> DataSet:
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
        >>> data_set_of(case, [DataSet(name="04_LiTS", pattern="*/04_LiTS/*")]).name
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
