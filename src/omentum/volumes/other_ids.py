"""What do the values and file names of masks mean that were made elsewhere?

In:  the name of a numbering: one of our subsets, `totalsegmentator`, or nnU-Net's own `dataset.json`.
Out: which values and which files are which of our organs, and which values mean something else.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from omentum.errors import ConfigError
from omentum.volumes.labels import ORGANS, SUBSETS, organ, organs_named, subset_ids

__all__ = ["DATASET_JSON", "TOTALSEGMENTATOR", "OtherIds", "dataset_labels", "organ_in_words", "other_ids"]

TOTALSEGMENTATOR = "totalsegmentator"
"""Ids 1 to 117 of TotalSegmentator's task `total`, version 2, and its file names."""
DATASET_JSON = "dataset.json"
"""Names and values in the `dataset.json` that nnU-Net puts beside what it predicts."""

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
    "aorta": ["arota"],  # in the label lists of AMOS22
    "postcava": ["ivc"],
    "celiac_trunk": ["celiac artery", "celiac truck"],
    "kidney_right": ["rk", "rkid", "rkidney"],
    "kidney_left": ["lk", "lkid", "lkidney"],
    "adrenal_gland_right": ["rag", "right adrenal"],
    "adrenal_gland_left": ["lag", "left adrenal"],
    "colon": ["large bowel", "large intestine"],
    "femur_right": ["head of femur right"],
    "femur_left": ["head of femur left"],
}
_WORDS = {"l": "left", "r": "right", "tumour": "tumor"}
_WHOLE_BONES = ("femur_left", "femur_right")
"""Names that most data sets give to whole bones, so that they alone say nothing of heads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherIds:
    """What the values of label maps, and the names of files that hold one organ, mean.

    Attributes:
        name: What the numbering is called.
        values: By organ, the values whose union it is; one value may belong to several organs.
        others: Values that mean what is none of our organs.
        files: By organ, the names of the files, without ending, whose union it is.
    """

    name: str
    values: Mapping[str, tuple[int, ...]]
    others: frozenset[int]
    files: Mapping[str, tuple[str, ...]]

    @property
    def known_values(self) -> frozenset[int]:
        """All values that a label map may hold."""
        return frozenset({0}).union(self.others, *self.values.values())


def other_ids(name: str, folder: Path) -> OtherIds:
    """Find a numbering.

    Args:
        name: `omentum`, `abdomenatlas-1.0`, `abdomenatlas-1.1`, `totalsegmentator` or `dataset.json`.
        folder: Where the masks are, and `dataset.json` if that is asked for.

    Raises:
        ConfigError: There is no numbering of that name; or `dataset.json` is not there, is no label table
            of nnU-Net, or names none of our organs.

    Example:
        >>> other_ids("totalsegmentator", Path()).files["lung_left"]
        ('lung_upper_lobe_left', 'lung_lower_lobe_left')
    """
    if name == DATASET_JSON:
        return _of_dataset(folder / DATASET_JSON)
    if name == TOTALSEGMENTATOR:
        values = {organ_name: tuple(parts.values()) for organ_name, parts in _STRUCTURES.items()}
        files = {organ_name: tuple(parts) for organ_name, parts in _STRUCTURES.items()}
        mapped = {value for own in values.values() for value in own}
        others = frozenset(range(1, _N_STRUCTURES + 1)) - mapped
        return OtherIds(name=name, values=values, others=others, files=files)
    if name not in SUBSETS:
        rule = f"it is one of {', '.join([*SUBSETS, TOTALSEGMENTATOR, DATASET_JSON])}"
        raise ConfigError("ids", name, rule)
    values = {organ_name: (value,) for value, organ_name in subset_ids(name).items()}
    return OtherIds(
        name=name,
        values=values,
        others=frozenset(),
        files={organ_name: (organ_name,) for organ_name in values},
    )


def organ_in_words(text: str) -> str | None:
    """Find the organ that a text names, in any order of its words; `None` where it names none of ours.

    Example:
        >>> organ_in_words("Kidney, left"), organ_in_words("Urinary Bladder"), organ_in_words("Femur R")
        ('kidney_left', 'bladder', None)
    """
    return _by_words().get(_words(text))


def _of_dataset(path: Path) -> OtherIds:
    labels = dataset_labels(path)
    found: dict[str, tuple[str, ...]] = {}
    for label in labels:
        match = organ_in_words(label)
        if match is not None:
            found[match] = (*found.get(match, ()), label)
    for organ_name, parts in _STRUCTURES.items():
        if organ_name not in found and parts.keys() <= labels.keys():
            found[organ_name] = tuple(parts)
    if not found:
        raise ConfigError("ids", str(path), f"its labels ({', '.join(labels)}) name none of our organs")
    names = [row.name for row in organs_named(found)]
    values = {name: tuple(value for label in found[name] for value in labels[label]) for name in names}
    mapped = {value for own in values.values() for value in own}
    others = {value for own in labels.values() for value in own} - mapped
    files = {name: found[name] for name in names}
    return OtherIds(name=DATASET_JSON, values=values, others=frozenset(others), files=files)


def dataset_labels(path: Path) -> dict[str, tuple[int, ...]]:
    """Read nnU-Net's table: `{"liver": 1}`, `{"liver": [1, 2]}` (a region) or, once, `{"1": "liver"}`.

    Raises:
        ConfigError: It is not there, or no such table.
    """
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
