"""What do a data set's own label values mean?

In:  a table of the data set (YAML), the name of a numbering, or an organ.
Out: `LabelMeaning`: which values are which organs, which hold both sides of a pair, which are none of ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from omentum.errors import ConfigError, UnknownOrganError
from omentum.volumes.labels import ORGANS, SUBSETS, organ, organs_named, subset_ids
from omentum.volumes.other_ids import DATASET_JSON, TOTALSEGMENTATOR, dataset_labels, other_ids

__all__ = ["PAIRS", "LabelMeaning", "meaning_named", "pair_in_words"]

PAIRS: dict[str, tuple[str, str]] = {
    row.name.removesuffix("_right"): (row.name, row.partner)
    for row in ORGANS
    if row.partner is not None and row.name.endswith("_right")
}
"""Right and left of each pair, by the name that both have in common: `kidney`, `lung`, `adrenal_gland`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelMeaning:
    """What the values of label maps, and the names of files with one organ each, mean.

    Attributes:
        name: What the numbering is called.
        values: By organ, the values whose union it is.
        joined: By the common name of a pair, the values that hold both of its sides; they are split.
        others: Values that mean what is none of our organs; they are dropped.
        files: By organ, the names of the files, without ending, whose union it is.

    Raises:
        UnknownOrganError: `values` names no organ, or `joined` no pair.
    """

    name: str
    values: Mapping[str, tuple[int, ...]]
    joined: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    others: frozenset[int] = frozenset()
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse names that are none."""
        for name in (*self.values, *self.files):
            organ(name)
        for name in self.joined:
            if name not in PAIRS:
                raise UnknownOrganError(name, PAIRS)

    @property
    def organs(self) -> tuple[str, ...]:
        """All organs that it speaks of, both of a joined pair too, by rising index."""
        both = [name for pair in self.joined for name in PAIRS[pair]]
        return tuple(row.name for row in organs_named([*self.values, *both, *self.files]))

    @property
    def known_values(self) -> frozenset[int]:
        """All values that a label map may hold."""
        return frozenset({0}).union(self.others, *self.values.values(), *self.joined.values())

    @classmethod
    def of_organ(cls, name: str) -> Self:
        """Give the meaning of a 0/1 mask of one organ."""
        row = organ(name)
        return cls(name=row.name, values={row.name: (1,)}, files={row.name: (row.name,)})


def meaning_named(name: str, folder: Path = Path()) -> LabelMeaning:
    """Find a meaning: a subset, `totalsegmentator`, `dataset.json` (in the folder), or an organ.

    Raises:
        UnknownOrganError: It is none of these.
        ConfigError: `dataset.json` is not there or names none of our organs.

    Example:
        >>> meaning_named("abdomenatlas-1.0").values["liver"], meaning_named("liver").values
        ((5,), {'liver': (1,)})
    """
    if name == DATASET_JSON:
        return _of_dataset(folder)
    if name == TOTALSEGMENTATOR:
        table = other_ids(name, folder)
        return LabelMeaning(name=name, values=table.values, others=table.others, files=table.files)
    if name in SUBSETS:
        values = {organ_name: (value,) for value, organ_name in subset_ids(name).items()}
        return LabelMeaning(name=name, values=values, files={one: (one,) for one in values})
    return LabelMeaning.of_organ(name)


def pair_in_words(text: str) -> str | None:
    """Find the pair that a text names without a side; `None` where it names none.

    Example:
        >>> pair_in_words("Kidneys"), pair_in_words("adrenal_gland"), pair_in_words("kidney_left")
        ('kidney', 'adrenal_gland', None)
    """
    plain = text.casefold().replace("_", " ").strip().removesuffix("s").replace(" ", "_")
    return plain if plain in PAIRS else None


def _of_dataset(folder: Path) -> LabelMeaning:
    """Take the names in `dataset.json`, those of pairs too."""
    labels = dataset_labels(folder / DATASET_JSON)
    joined = {pair: values for label, values in labels.items() if (pair := pair_in_words(label)) is not None}
    split = {value for values in joined.values() for value in values}
    try:
        table = other_ids(DATASET_JSON, folder)
    except ConfigError:
        if not joined:
            raise
        others = {value for values in labels.values() for value in values} - split
        return LabelMeaning(name=DATASET_JSON, values={}, joined=joined, others=frozenset(others))
    return LabelMeaning(
        name=DATASET_JSON, values=table.values, joined=joined, others=table.others - split, files=table.files
    )
