"""Map label values and file names of other programs and data sets to organs.

Schemes: our subsets, `totalsegmentator`, a `dataset.json`, one organ (a mask), names of values.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omentum.errors import ConfigError, UnknownOrganError
from omentum.volumes.labels import PAIRS, SUBSETS, organ, organs_named, subset_ids
from omentum.volumes.organ_words import organ_in_words, pair_in_words, words_of
from omentum.volumes.totalsegmentator import N_STRUCTURES, STRUCTURES

__all__ = [
    "DATASET_JSON",
    "TOTALSEGMENTATOR",
    "LabelScheme",
    "NamedValues",
    "dataset_scheme",
    "label_scheme",
    "scheme_of_names",
]

TOTALSEGMENTATOR = "totalsegmentator"
"""Ids 1 to 117 of TotalSegmentator's task `total`, version 2, and its file names."""
DATASET_JSON = "dataset.json"
"""Names and values in the `dataset.json` of nnU-Net and of the Medical Segmentation Decathlon."""
NamedValues = Mapping[str, tuple[int, ...]]
"""By name, the values that have it; in a file of regions, one value has several names."""
_IGNORE_WORDS = frozenset({"ignore", "ignored", "uncertain", "void"})
"""Names of regions that were not annotated; nnU-Net's is `ignore`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScheme:
    """Which organs the values of label maps, and the names of one-organ files, stand for.

    Attributes:
        name: Of the scheme.
        values: By organ, the values whose union it is; one value may belong to several organs.
        joined: By the common name of a pair, the values that hold both of its sides.
        others: Values that stand for none of our organs.
        files: By organ, the names of the files, without ending, whose union it is.
        ignore: Values of regions in which it is unknown what is there.
        unknown: By value, a name of it that is that of no organ, for people.

    Raises:
        UnknownOrganError: `values` or `files` names no organ, or `joined` no pair.
    """

    name: str
    values: Mapping[str, tuple[int, ...]]
    joined: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    others: frozenset[int] = frozenset()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignore: frozenset[int] = frozenset()
    unknown: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse names of no organ and no pair."""
        for name in (*self.values, *self.files):
            organ(name)
        for name in self.joined:
            if name not in PAIRS:
                raise UnknownOrganError(name, PAIRS)

    @property
    def organs(self) -> tuple[str, ...]:
        """All organs in it, both sides of joined pairs too, by rising index."""
        both = [name for pair in self.joined for name in PAIRS[pair]]
        return tuple(row.name for row in organs_named([*self.values, *both, *self.files]))

    @property
    def known_values(self) -> frozenset[int]:
        """All values that a label map may hold, but for `ignore`, which only labels of CTs have."""
        return frozenset({0}) | self.others | self.organ_values

    @property
    def organ_values(self) -> frozenset[int]:
        """All values that stand for an organ or a pair."""
        return frozenset().union(*self.values.values(), *self.joined.values())

    def meaning_of(self, value: int) -> frozenset[str]:
        """Give the organs and pairs that a value stands for; empty if it stands for none."""
        named = (*self.values.items(), *self.joined.items())
        return frozenset(name for name, values in named if value in values)


def label_scheme(name: str, folder: Path = Path()) -> LabelScheme:
    """Find a scheme by name.

    Args:
        name: `omentum`, `abdomenatlas-1.0`, `abdomenatlas-1.1`, `totalsegmentator`, `dataset.json`, or an
            organ, whose mask has the value 1.
        folder: Holds `dataset.json`, if that is asked for.

    Raises:
        ConfigError: No scheme has that name; or `dataset.json` is not there, is not nnU-Net's label table,
            or names none of our organs.

    Example:
        >>> label_scheme("abdomenatlas-1.0").values["liver"], label_scheme("liver").values
        ((5,), {'liver': (1,)})
        >>> label_scheme("totalsegmentator").files["lung_left"]
        ('lung_upper_lobe_left', 'lung_lower_lobe_left')
    """
    if name == DATASET_JSON:
        return dataset_scheme(folder / DATASET_JSON)
    if name == TOTALSEGMENTATOR:
        values = {organ_name: tuple(parts.values()) for organ_name, parts in STRUCTURES.items()}
        files = {organ_name: tuple(parts) for organ_name, parts in STRUCTURES.items()}
        others = frozenset(range(1, N_STRUCTURES + 1)).difference(*values.values())
        return LabelScheme(name=name, values=values, others=others, files=files)
    if name in SUBSETS:
        values = {organ_name: (value,) for value, organ_name in subset_ids(name).items()}
        return LabelScheme(name=name, values=values, files={one: (one,) for one in values})
    try:
        row = organ(name)
    except UnknownOrganError:
        rule = f"it is one of {', '.join([*SUBSETS, TOTALSEGMENTATOR, DATASET_JSON])}, or an organ"
        raise ConfigError("ids", name, rule) from None
    return LabelScheme(name=row.name, values={row.name: (1,)}, files={row.name: (row.name,)})


def dataset_scheme(path: Path) -> LabelScheme:
    """Read the `labels` of a `dataset.json`.

    nnU-Net writes names with values, `{"liver": 1}`, or regions, `{"liver": [1, 2]}`; its first version and
    the Decathlon write values with names, `{"1": "liver"}`.

    Raises:
        ConfigError: It is not there, has no such table, or names none of our organs.
    """
    scheme = scheme_of_names(DATASET_JSON, _dataset_labels(path))
    if not scheme.organs:
        names = ", ".join(sorted(set(scheme.unknown.values())))
        raise ConfigError("ids", str(path), f"its labels ({names}) name none of our organs")
    return scheme


def scheme_of_names(name: str, labels: NamedValues) -> LabelScheme:
    """Find the organs that names stand for, in any spelling; other names are unknown.

    Parts of TotalSegmentator's, such as lobes, are joined where all parts of an organ are named.

    Args:
        name: Of the scheme.
        labels: Values by name. Values of 0 are background.

    Example:
        >>> found = scheme_of_names("x", {"Right kidney": (7,), "lungs": (2,), "bone": (3,), "ignore": (4,)})
        >>> found.values, found.joined, found.unknown, found.ignore
        ({'kidney_right': (7,)}, {'lung': (2,)}, {3: 'bone'}, frozenset({4}))
    """
    used = {label: own for label, values in labels.items() if (own := tuple(v for v in values if v))}
    ignored = {label for label in used if words_of(label) <= _IGNORE_WORDS and words_of(label)}
    found: dict[str, tuple[str, ...]] = {}
    for label in used:
        match = organ_in_words(label)
        if match is not None:
            found[match] = (*found.get(match, ()), label)
    for organ_name, parts in STRUCTURES.items():
        if organ_name not in found and parts.keys() <= used.keys():
            found[organ_name] = tuple(parts)
    pairs = {label: pair for label in used if (pair := pair_in_words(label)) is not None}
    files = {row.name: found[row.name] for row in organs_named(found)}
    values = {name: _joined(used[label] for label in own) for name, own in files.items()}
    joined = {
        pair: _joined(used[label] for label, own in pairs.items() if own == pair)
        for pair in dict.fromkeys(pairs.values())
    }
    ignore = frozenset(_joined(used[label] for label in ignored))
    others = frozenset(_joined(used.values())).difference(ignore, *values.values(), *joined.values())
    taken = {*pairs, *ignored, *(label for own in files.values() for label in own)}
    unknown = {value: label for label, own in used.items() if label not in taken for value in own}
    return LabelScheme(
        name=name,
        values=values,
        joined=joined,
        others=others,
        files=files,
        ignore=ignore,
        unknown=unknown,
    )


def _joined(parts: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(value for part in parts for value in part))


def _dataset_labels(path: Path) -> NamedValues:
    try:
        told = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_Pairs)
        rows = [_label(key, value) for key, value in told["labels"].rows]
    except FileNotFoundError:
        raise ConfigError(
            "ids", DATASET_JSON, f"there is no {path}; copy nnU-Net's into the folder"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        rule = f"its `labels` must give names and whole numbers from 0 to 255 ({error!r})"
        raise ConfigError("ids", str(path), rule) from None
    labels: dict[str, tuple[int, ...]] = {}
    for label, values in rows:
        labels[label] = _joined([labels.get(label, ()), values])
    return labels


class _Pairs(dict[str, Any]):
    """An object of JSON that keeps each of several equal keys."""

    def __init__(self, rows: list[tuple[str, Any]]) -> None:
        super().__init__(rows)
        self.rows = rows


def _label(key: str, value: Any) -> tuple[str, tuple[int, ...]]:
    if isinstance(value, str):
        key, value = value, int(key)
    values = tuple(value) if isinstance(value, list) else (value,)
    for one in values:
        if not isinstance(one, int) or isinstance(one, bool) or not 0 <= one <= 255:
            raise ValueError(f"{key} is {value}")
    return key, values
