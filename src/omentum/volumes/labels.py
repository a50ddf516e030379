"""Which organs are there? The one label table.

In:  an organ's name or index, or the name of a subset.
Out: `Organ` rows with all that is the same for an organ everywhere: index, names, colour,
     left/right partner, the hosts of a tumour, plausible size.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from omentum.errors import UnknownOrganError

__all__ = ["ORGANS", "SUBSETS", "Organ", "organ", "organs_named", "subset_ids"]

_OTHER_SPELLINGS = {"celiac_truck": "celiac_trunk"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Organ:
    """One class of the label table.

    Attributes:
        index: Value in every label map that we write, 1 to 32.
        name: Name in files, commands, JSON and code.
        display_name: Name for people.
        kind: `organ`, `tumour` or `cyst`.
        colour: Red, green, blue, 0 to 255.
        partner: The same organ on the other side, if it comes in pairs.
        hosts: Organs that a tumour or cyst lies in.
        volume_ml: Least and greatest plausible volume of a whole organ in an adult, wide on purpose.
        max_components: Most connected pieces that are kept; `None` where there is no rule.
        min_voxels_exclusive: A piece must have more 1.5 mm voxels than this.
        target: Whether the published attention scores it.
        overlap: Whether the published attention looks for overlaps with it.
    """

    index: int
    name: str
    display_name: str
    kind: str
    colour: tuple[int, int, int]
    partner: str | None = None
    hosts: tuple[str, ...] = ()
    volume_ml: tuple[float, float] | None = None
    max_components: int | None = None
    min_voxels_exclusive: int | None = None
    target: bool = False
    overlap: bool = False


def _table() -> dict[str, Any]:
    text = resources.files("omentum.volumes").joinpath("labels_32.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _row(fields: dict[str, Any]) -> Organ:
    tuples = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
    return Organ(**{**fields, **tuples})


ORGANS: tuple[Organ, ...] = tuple(_row(fields) for fields in _table()["organs"])
"""All 32 classes, by rising index."""

SUBSETS: dict[str, tuple[str, ...]] = {
    "omentum": tuple(row.name for row in ORGANS),
    **{name: tuple(organs) for name, organs in _table()["subsets"].items()},
}
"""Named subsets; the ids that a subset's own releases use are positions in it, from 1."""


@cache
def _by_key() -> dict[str | int, Organ]:
    rows: dict[str | int, Organ] = {row.name: row for row in ORGANS}
    rows |= {row.index: row for row in ORGANS}
    rows |= {other: rows[name] for other, name in _OTHER_SPELLINGS.items()}
    return rows


def organ(key: str | int) -> Organ:
    """Find an organ by name or index.

    Raises:
        UnknownOrganError: There is none.

    Example:
        >>> organ("liver").index, organ(3).name, organ("celiac_truck").name
        (6, 'kidney_left', 'celiac_trunk')
    """
    try:
        return _by_key()[key]
    except KeyError:
        raise UnknownOrganError(key, SUBSETS["omentum"]) from None


def organs_named(names: Iterable[str]) -> tuple[Organ, ...]:
    """Find organs by name or by a subset's name, each once, by rising index.

    Raises:
        UnknownOrganError: A name is neither.

    Example:
        >>> [row.name for row in organs_named(["pancreas", "liver", "liver"])]
        ['liver', 'pancreas']
        >>> len(organs_named(["abdomenatlas-1.0"]))
        9
    """
    found = {organ(member) for name in names for member in SUBSETS.get(name, (name,))}
    return tuple(sorted(found, key=lambda row: row.index))


def subset_ids(subset: str) -> dict[int, str]:
    """Give the ids that a subset's own label maps use.

    Raises:
        UnknownOrganError: There is no subset of that name.

    Example:
        >>> subset_ids("abdomenatlas-1.0")[5]
        'liver'
    """
    if subset not in SUBSETS:
        raise UnknownOrganError(subset, SUBSETS)
    return dict(enumerate(SUBSETS[subset], start=1))
