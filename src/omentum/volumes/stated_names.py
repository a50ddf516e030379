"""Find what a label map says itself of its values: in its header, or in a table beside it.

In:  a NIfTI, NRRD or MetaImage file; no voxel is read.
Out: the organs that its values stand for, with the place where that is said.
"""

import codecs
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from omentum.errors import ConfigError, ImageError, LabelValueError, UnknownOrganError
from omentum.volumes.itk_io import is_itk, read_itk_fields
from omentum.volumes.label_schemes import (
    DATASET_JSON,
    LabelScheme,
    NamedValues,
    dataset_scheme,
    scheme_of_names,
)
from omentum.volumes.label_tables import Rows, bids_rows, colour_rows, json_rows, snap_rows, xml_rows
from omentum.volumes.labels import organ
from omentum.volumes.nifti_headers import is_nifti, open_nifti
from omentum.volumes.organ_words import is_generic_name
from omentum.volumes.segment_fields import has_segments

__all__ = [
    "StatedNames",
    "check_agree",
    "has_names",
    "header_names",
    "names_segments",
    "sidecars",
    "stated_names",
]

_Parser = Callable[[str], Rows | None]
_ANY_TEXT: tuple[_Parser, ...] = (snap_rows, colour_rows)
_BESIDE: Mapping[str, tuple[_Parser, ...]] = {
    ".label": _ANY_TEXT,
    ".label.txt": _ANY_TEXT,
    ".ctbl": _ANY_TEXT,
    ".txt": _ANY_TEXT,
    ".tsv": (bids_rows,),
    ".json": (json_rows,),
    ".xml": (xml_rows,),
}
"""Endings of tables, after the label map's own name, `labels` or `dseg`."""
_OTHER_USES = (".txt", ".json", ".xml")
"""Endings of files beside an image that are mostly no tables of values; those that are name an organ."""
_OF_FOLDER = ("labels", "dseg")
"""Names of tables that are about all label maps of a folder."""
_BIDS_LEVELS = 3
"""A table of BIDS may lie this many folders above."""
_ENDINGS = (".nii.gz", ".seg.nrrd", ".nii", ".hdr", ".nrrd", ".nhdr", ".mha", ".mhd")
_MOST_BYTES = 1 << 22
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LABELS = range(1, 256)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedNames:
    """What values stand for, as one place says.

    Attributes:
        where: The place, for people: `its header`, or the name of a file.
        scheme: The organs of the values; names of no organ are in `unknown`.
    """

    where: str
    scheme: LabelScheme


def names_segments(path: Path) -> bool:
    """Tell whether the header of a file names segments, as `.seg.nrrd` does."""
    return is_itk(path) and has_segments(read_itk_fields(path))


def has_names(path: Path) -> bool:
    """Tell whether names say what values are; also of a file of which only reading can say what is wrong."""
    try:
        return names_segments(path) or stated_names(path) is not None
    except ImageError:
        return True


def stated_names(path: Path, *, is_mask: bool = False) -> StatedNames | None:
    """Find the names of a label map's values; `None` where neither its header nor a table beside it has any.

    Tables with names that programs give (`Label 1`) say nothing.

    Args:
        path: The label map.
        is_mask: Whether it is the mask of one organ, of which tables of its folder do not speak.

    Raises:
        LabelValueError: Two places, or two rows of one, say different organs of a value.
        ImageError: Its header cannot be read.
    """
    found = [one for one in (header_names(path), *_beside(path, is_mask=is_mask)) if one is not None]
    for other in found[1:]:
        check_agree(path, found[0], other)
    return found[0] if found else None


def header_names(path: Path) -> StatedNames | None:
    """Find the names in the header of a NIfTI file: Connectome Workbench's labels, or a table in JSON."""
    if not is_nifti(path):
        return None
    for extension in open_nifti(path).header.extensions:
        text = extension.content.decode("utf-8", "replace").strip("\0 \r\n\t")
        stated = _stated(path, "its header", xml_rows(text) or json_rows(text))
        if stated is not None:
            return stated
    return None


def sidecars(path: Path, *, is_mask: bool = False) -> list[Path]:
    """List the files beside a label map that may be tables of its values; none is opened."""
    return [one for one, _ in _candidates(path, is_mask=is_mask) if one.is_file()]


def _candidates(path: Path, *, is_mask: bool) -> Iterator[tuple[Path, tuple[_Parser, ...]]]:
    """Give the places of tables, that of the file before those of its folder."""
    stem = _stem(path)
    stems = [stem, f"{stem}_labels", *(() if is_mask else [one for one in _OF_FOLDER if one != stem])]
    for one in stems:
        yield from ((path.with_name(one + ending), parsers) for ending, parsers in _BESIDE.items())
    if is_mask:
        return
    yield from (
        (folder / "dseg.tsv", (bids_rows,)) for folder in path.absolute().parents[1 : _BIDS_LEVELS + 1]
    )
    yield path.with_name(DATASET_JSON), ()
    if path.parent.name.casefold().startswith("labels"):
        yield Path(os.path.normpath(path.parent.parent / DATASET_JSON)), ()


def _beside(path: Path, *, is_mask: bool) -> Iterator[StatedNames | None]:
    for table, parsers in _candidates(path, is_mask=is_mask):
        if not table.is_file() or table.stat().st_size > _MOST_BYTES:
            continue
        if table.name == DATASET_JSON:
            yield _of_dataset(table)
            continue
        raw = table.read_bytes()
        text = raw.decode("utf-16" if raw.startswith(_UTF_16) else "utf-8-sig", "replace")
        rows = next((found for parse in parsers if (found := parse(text)) is not None), None)
        may_be_else = table.suffix in _OTHER_USES and table.stem not in _OF_FOLDER
        yield _stated(path, table.name, rows, must_name_an_organ=may_be_else)


def _of_dataset(table: Path) -> StatedNames | None:
    try:
        return StatedNames(where=DATASET_JSON, scheme=dataset_scheme(table))
    except ConfigError:  # a list of cases without a table, or without one of our organs
        return None


def _stated(
    path: Path, where: str, rows: Rows | None, *, must_name_an_organ: bool = False
) -> StatedNames | None:
    """Take rows for names; `None` where they say nothing."""
    named = [(value, name) for value, name in rows or () if value in _LABELS]
    if all(is_generic_name(name) for _, name in named):
        return None
    labels: dict[str, tuple[int, ...]] = {}
    for value, name in named:
        labels[name] = (*labels.get(name, ()), value)
    scheme = _ours(where, labels) or scheme_of_names(where, labels)
    if must_name_an_organ and not scheme.organs:
        return None
    for value in {value for value, _ in named}:
        if len(scheme.meaning_of(value)) > 1:
            both = " and ".join(sorted(scheme.meaning_of(value)))
            cure = "give each value one name"
            raise LabelValueError(path, f"{where} says that its value {value} is {both}", cure)
    return StatedNames(where=where, scheme=scheme)


def _ours(where: str, labels: NamedValues) -> LabelScheme | None:
    """Take names that are all our own, with our own indices, to the letter: there, a femur is its head."""
    try:
        if all(
            organ(name).name == name and values == (organ(name).index,) for name, values in labels.items()
        ):
            return LabelScheme(name=where, values=labels)
    except UnknownOrganError:
        pass
    return None


def check_agree(path: Path, one: StatedNames, other: StatedNames) -> None:
    """Refuse two readings of a file that have different organs for one value.

    Raises:
        LabelValueError: They do; both are named.
    """
    for value in sorted(one.scheme.organ_values & other.scheme.organ_values):
        first, second = one.scheme.meaning_of(value), other.scheme.meaning_of(value)
        if not first & second:
            seen = (
                f"its value {value} is {' and '.join(sorted(first))} by {one.where}, "
                f"and {' and '.join(sorted(second))} by {other.where}"
            )
            raise LabelValueError(path, seen, "correct or remove the one that is wrong")


def _stem(path: Path) -> str:
    name = path.name.lower()
    ending = next((one for one in _ENDINGS if name.endswith(one)), path.suffix)
    return path.name[: len(path.name) - len(ending)]
