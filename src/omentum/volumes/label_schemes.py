"""Map label values and file names of other programs and data sets to organs.

Schemes: our subsets, `totalsegmentator`, nnU-Net's `dataset.json`, one organ (a mask), a data set's table.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from omentum.errors import ConfigError, UnknownOrganError
from omentum.volumes.labels import ORGANS, SUBSETS, organ, organs_named, subset_ids

__all__ = [
    "DATASET_JSON",
    "PAIRS",
    "TOTALSEGMENTATOR",
    "LabelScheme",
    "label_scheme",
    "organ_in_words",
    "organ_or_pair_in_words",
    "pair_in_words",
]

TOTALSEGMENTATOR = "totalsegmentator"
"""Ids 1 to 117 of TotalSegmentator's task `total`, version 2, and its file names."""
DATASET_JSON = "dataset.json"
"""Names and values in the `dataset.json` that nnU-Net puts beside its predictions."""
PAIRS: dict[str, tuple[str, str]] = {
    row.name.removesuffix("_right"): (row.name, row.partner)
    for row in ORGANS
    if row.partner is not None and row.name.endswith("_right")
}
"""Right and left of each pair, by their common name: `kidney`, `lung`, `adrenal_gland`, `femur`."""

_STRUCTURES: dict[str, dict[str, int]] = {
    "spleen": {"spleen": 1},
    "kidney_right": {"kidney_right": 2},
    "kidney_left": {"kidney_left": 3},
    "gall_bladder": {"gallbladder": 4},
    "esophagus": {"esophagus": 15},
    "liver": {"liver": 5},
    "stomach": {"stomach": 6},
    "aorta": {"aorta": 52},
    "postcava": {"inferior_vena_cava": 63},
    "portal_vein_and_splenic_vein": {"portal_vein_and_splenic_vein": 64},
    "pancreas": {"pancreas": 7},
    "adrenal_gland_right": {"adrenal_gland_right": 8},
    "adrenal_gland_left": {"adrenal_gland_left": 9},
    "duodenum": {"duodenum": 19},
    "lung_right": {
        "lung_upper_lobe_right": 12,
        "lung_middle_lobe_right": 13,
        "lung_lower_lobe_right": 14,
    },
    "lung_left": {"lung_upper_lobe_left": 10, "lung_lower_lobe_left": 11},
    "colon": {"colon": 20},
    "intestine": {"small_bowel": 18},
    "bladder": {"urinary_bladder": 21},
    "prostate": {"prostate": 22},
    "kidney_cyst": {"kidney_cyst_left": 23, "kidney_cyst_right": 24},
}
"""TotalSegmentator's structures whose union is an organ. Its femurs are whole bones, ours are heads."""
_N_STRUCTURES = 117

_ALIASES = {
    "gall_bladder": ["gall"],
    "esophagus": ["oesophagus"],
    "aorta": ["arota", "a aorta"],  # in the label lists of AMOS22; as TG-263 names it
    "postcava": ["ivc", "v venacava i"],
    "celiac_trunk": ["celiac artery", "celiac truck", "a celiac"],
    "kidney_right": ["rk", "rkid", "rkidney"],
    "kidney_left": ["lk", "lkid", "lkidney"],
    "adrenal_gland_right": ["rag", "right adrenal", "glnd adrenal r"],
    "adrenal_gland_left": ["lag", "left adrenal", "glnd adrenal l"],
    "colon": ["large bowel", "large intestine"],
    "femur_right": ["head of femur right", "femur head r"],
    "femur_left": ["head of femur left", "femur head l"],
}
_WORDS = {"l": "left", "r": "right", "tumour": "tumor"}
_WHOLE_BONES = ("femur_left", "femur_right")
"""Most data sets give these names to whole bones, so the names do not mean the heads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelScheme:
    """Which organs the values of label maps, and the names of one-organ files, stand for.

    Attributes:
        name: Of the scheme.
        values: By organ, the values whose union it is; one value may belong to several organs.
        joined: By the common name of a pair, the values that hold both of its sides.
        others: Values that stand for none of our organs.
        files: By organ, the names of the files, without ending, whose union it is.

    Raises:
        UnknownOrganError: `values` or `files` names no organ, or `joined` no pair.
    """

    name: str
    values: Mapping[str, tuple[int, ...]]
    joined: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    others: frozenset[int] = frozenset()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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
        """All values that a label map may hold."""
        return frozenset({0}).union(self.others, *self.values.values(), *self.joined.values())


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
        return _of_dataset(folder / DATASET_JSON)
    if name == TOTALSEGMENTATOR:
        values = {organ_name: tuple(parts.values()) for organ_name, parts in _STRUCTURES.items()}
        files = {organ_name: tuple(parts) for organ_name, parts in _STRUCTURES.items()}
        others = frozenset(range(1, _N_STRUCTURES + 1)).difference(*values.values())
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


def organ_in_words(text: str) -> str | None:
    """Find the organ that a text names, in any order of its words; `None` if it names none.

    Example:
        >>> organ_in_words("Kidney, left"), organ_in_words("Urinary Bladder"), organ_in_words("Femur R")
        ('kidney_left', 'bladder', None)
    """
    return _by_words().get(_words(text))


def organ_or_pair_in_words(text: str) -> str | None:
    """Find the organ, or else the pair, that a text names."""
    return organ_in_words(text) or pair_in_words(text)


def pair_in_words(text: str) -> str | None:
    """Find the pair that a text names without a side; `None` if it names none.

    Example:
        >>> pair_in_words("Kidneys"), pair_in_words("adrenal_gland"), pair_in_words("kidney_left")
        ('kidney', 'adrenal_gland', None)
    """
    plain = text.casefold().replace("_", " ").strip().removesuffix("s").replace(" ", "_")
    return plain if plain in PAIRS else None


def _of_dataset(path: Path) -> LabelScheme:
    labels = _dataset_labels(path)
    found: dict[str, tuple[str, ...]] = {}
    for label in labels:
        match = organ_in_words(label)
        if match is not None:
            found[match] = (*found.get(match, ()), label)
    for organ_name, parts in _STRUCTURES.items():
        if organ_name not in found and parts.keys() <= labels.keys():
            found[organ_name] = tuple(parts)
    joined = {pair: values for label, values in labels.items() if (pair := pair_in_words(label)) is not None}
    if not found and not joined:
        raise ConfigError("ids", str(path), f"its labels ({', '.join(labels)}) name none of our organs")
    files = {row.name: found[row.name] for row in organs_named(found)}
    values = {name: tuple(value for label in own for value in labels[label]) for name, own in files.items()}
    others = frozenset().union(*labels.values()).difference(*values.values(), *joined.values())
    return LabelScheme(name=DATASET_JSON, values=values, joined=joined, others=others, files=files)


def _dataset_labels(path: Path) -> dict[str, tuple[int, ...]]:
    """Read nnU-Net's table: `{"liver": 1}`, `{"liver": [1, 2]}` (a region) or, once, `{"1": "liver"}`."""
    try:
        entries: Any = json.loads(path.read_text(encoding="utf-8"))["labels"]
        labels = dict(_label(key, value) for key, value in entries.items())
    except FileNotFoundError:
        raise ConfigError(
            "ids", DATASET_JSON, f"there is no {path}; copy nnU-Net's into the folder"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        rule = f"its `labels` must give names and whole numbers from 0 to 255 ({error!r})"
        raise ConfigError("ids", str(path), rule) from None
    return {
        label: values for label, values in labels.items() if values != (0,) and _words(label) != {"ignore"}
    }


def _label(key: str, value: Any) -> tuple[str, tuple[int, ...]]:
    if isinstance(value, str):
        key, value = value, int(key)
    values = tuple(value) if isinstance(value, list) else (value,)
    for one in values:
        if not isinstance(one, int) or not 0 <= one <= 255:
            raise ValueError(f"{key} is {value}")
    return key, values


@cache
def _by_words() -> dict[frozenset[str], str]:
    """Give the organ that each set of words names, in any order of the words."""
    names = {row.name: [row.name, row.display_name, *_ALIASES.get(row.name, ())] for row in ORGANS}
    for organ_name, parts in _STRUCTURES.items():
        if len(parts) == 1:
            names[organ_name] += parts
    found = {_words(name): organ(key).name for key, all_names in names.items() for name in all_names}
    for name in _WHOLE_BONES:
        del found[_words(name)]
    return found


def _words(name: str) -> frozenset[str]:
    words = re.findall(r"[a-z]+", name.casefold())
    return frozenset(_WORDS.get(word, word) for word in words)
