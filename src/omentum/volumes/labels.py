"""Define the organs in one label table: the 32 of AbdomenAtlas, and those of `more_organs/`."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from omentum.errors import UnknownOrganError

__all__ = ["ORGANS", "PAIRS", "SUBSETS", "Organ", "organ", "organs_named", "subset_ids"]

_PUBLISHED_SPELLINGS = {"celiac_trunk": "celiac_truck"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Organ:
    """One class of the label table.

    Attributes:
        index: Value in every label map that we write, from 1 without a gap; 1 to 32 are AbdomenAtlas's.
        name: Name in files, commands, JSON and code.
        display_name: Name for people.
        snomed: SNOMED CT code and meaning, the type of its segments in DICOM.
        kind: `organ`, `tumour` or `cyst`.
        colour: Red, green, blue, 0 to 255.
        major_below_dice: Two masks that agree less than this differ by a major revision. Ours, for each
            organ some way below what two readers reach: docs/audit.md.
        partner: The same organ on the other side, if it comes in pairs.
        hosts: Organs that a tumour or cyst lies in.
        volume_ml: Least and greatest plausible volume of a whole organ in an adult, wide on purpose.
        max_components: Most connected pieces of a tumour or cyst; `None` where there is no rule.
        min_voxels_exclusive: A piece of it must have more 1.5 mm voxels than this; as published.
        max_pieces: Most connected pieces of a whole organ; `None` where any number is right.
        min_piece_ml: Least volume of a piece that counts; a smaller one is a speck.
        max_hole_ml: Greatest volume of a hole that is an error; `None` if there is no rule.
        host_margin_mm: How far from its hosts a tumour or cyst may begin; `None` where anywhere.
        target: Whether the published attention scores it.
        overlap: Whether the published attention looks for overlaps with it.
    """

    index: int
    name: str
    display_name: str
    snomed: tuple[str, str]
    kind: str
    colour: tuple[int, int, int]
    major_below_dice: float
    partner: str | None = None
    hosts: tuple[str, ...] = ()
    volume_ml: tuple[float, float] | None = None
    max_components: int | None = None
    min_voxels_exclusive: int | None = None
    max_pieces: int | None = None
    min_piece_ml: float = 0.1
    max_hole_ml: float | None = None
    host_margin_mm: float | None = None
    target: bool = False
    overlap: bool = False

    @property
    def published_name(self) -> str:
        """Name in the files of the published layout; we read it as well, and write it nowhere else."""
        return _PUBLISHED_SPELLINGS.get(self.name, self.name)


_FOLDER = resources.files("omentum.volumes")
_TABLE: dict[str, Any] = json.loads(_FOLDER.joinpath("labels_32.json").read_text("utf-8"))


def _more_rows() -> list[dict[str, Any]]:
    """Read the rows of `more_organs/`, one organ a JSON file, by rising index."""
    folder = _FOLDER.joinpath("more_organs")
    files = [file for file in folder.iterdir() if file.name.endswith(".json")] if folder.is_dir() else []
    return sorted((json.loads(file.read_text("utf-8")) for file in files), key=lambda row: row["index"])


def _row(fields: dict[str, Any]) -> Organ:
    tuples = {key: tuple(value) for key, value in fields.items() if isinstance(value, list)}
    return Organ(**{**fields, **tuples})


ORGANS: tuple[Organ, ...] = tuple(_row(fields) for fields in [*_TABLE["organs"], *_more_rows()])
"""All classes, by rising index."""

PAIRS: dict[str, tuple[str, str]] = {
    row.name.removesuffix("_right"): (row.name, row.partner)
    for row in ORGANS
    if row.partner is not None and row.name.endswith("_right")
}
"""Right and left of each pair, by their common name: `kidney`, `lung`, `adrenal_gland`, `femur`."""

SUBSETS: dict[str, tuple[str, ...]] = {
    "omentum": tuple(row.name for row in ORGANS),
    **{name: tuple(organs) for name, organs in _TABLE["subsets"].items()},
}
"""Named subsets; the ids that a subset's own releases use are positions in it, from 1."""


@cache
def _by_key() -> dict[str | int, Organ]:
    rows: dict[str | int, Organ] = {row.name: row for row in ORGANS}
    rows |= {row.index: row for row in ORGANS}
    rows |= {row.published_name: row for row in ORGANS}
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
