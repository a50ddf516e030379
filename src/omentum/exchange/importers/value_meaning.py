"""Decide what the values of a label map mean, from the names in the file and from what the user said.

Names win over a numbering where they agree with it, and where they contradict it the file is refused: then
one of the two is wrong, and only a person can know which.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from omentum.errors import LabelValueError
from omentum.volumes.label_schemes import (
    DATASET_JSON,
    TOTALSEGMENTATOR,
    LabelScheme,
    scheme_of_names,
)
from omentum.volumes.labels import SUBSETS
from omentum.volumes.organ_words import is_generic_name
from omentum.volumes.segment_fields import Segment
from omentum.volumes.stated_names import StatedNames, stated_names

__all__ = ["IN_HEADER", "Meaning", "Numbering", "meaning_of_map", "meaning_of_segments", "unknown_names"]

IN_HEADER = "its header"
_NAMES_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """What a user or a data set says of label values.

    Attributes:
        scheme: The meaning of each value.
        is_of_data_set: Whether it was described for these very files, and so knows names that no organ has.
    """

    scheme: LabelScheme
    is_of_data_set: bool = False

    @property
    def is_mask(self) -> bool:
        """Whether it is that of a mask of one organ."""
        return self.scheme.known_values <= {0, 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What values mean.

    Attributes:
        scheme: The meaning of each value; for segments, of each number of a segment, from 1.
        where: The place of the names; `None` if there are none, and a numbering says it all.
        looked_for: Organs that are absent where they have no voxel; `None` if all of `scheme` are.
    """

    scheme: LabelScheme
    where: str | None = None
    looked_for: frozenset[str] | None = None


def meaning_of_map(path: Path, numbering: Numbering | None) -> Meaning:
    """Decide what the values of a label map mean.

    A table lists names that values may have, and does not say which organs were looked for: those without a
    voxel are unknown, unless a numbering or a `dataset.json` has them.

    Raises:
        LabelValueError: Nothing says it, or names and numbering contradict each other.
        ImageError: The header cannot be read.
    """
    stated = stated_names(path, is_mask=numbering is not None and numbering.is_mask)
    meaning = _meaning(path, stated, numbering, lambda value: f"value {value}")
    if stated is None or (numbering is None and stated.where == DATASET_JSON):
        return meaning
    looked_for = () if numbering is None else numbering.scheme.organs
    return replace(meaning, looked_for=frozenset(looked_for))


def meaning_of_segments(path: Path, segments: Sequence[Segment], numbering: Numbering | None) -> Meaning:
    """Decide what segments mean: by their names, else, in a file of one layer, by their values.

    Raises:
        LabelValueError: As of `meaning_of_map`.
    """
    named: dict[str, tuple[int, ...]] = {}
    for number, one in enumerate(segments, start=1):
        named[one.name or ""] = (*named.get(one.name or "", ()), number)
    stated = None
    if not all(is_generic_name(name) for name in named):
        stated = StatedNames(where=IN_HEADER, scheme=scheme_of_names(IN_HEADER, named))
    by_number = None
    if numbering is not None and len({one.layer for one in segments}) == 1:
        by_number = replace(numbering, scheme=_numbered(numbering.scheme, segments))
    return _meaning(path, stated, by_number, lambda number: _segment_said(segments[number - 1]))


def unknown_names(meaning: Meaning, present: Sequence[int]) -> list[str]:
    """Tell which names of values that are there are those of no organ."""
    unknown = meaning.scheme.unknown
    names = list(dict.fromkeys(unknown[value] for value in present if value in unknown))
    if not names:
        return []
    shown = ", ".join(map(repr, names[:_NAMES_SHOWN]))
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    where = meaning.where or meaning.scheme.name
    return [f"the names {shown}{more} ({where}) are those of no organ here, and were left out"]


def _meaning(
    path: Path, stated: StatedNames | None, numbering: Numbering | None, said: Callable[[int], str]
) -> Meaning:
    if stated is None and numbering is None:
        choices = ", ".join([*SUBSETS, TOTALSEGMENTATOR])
        seen = "nothing in it or beside it says what its values mean"
        raise LabelValueError(path, seen, f"say it with --label-ids ({choices}, or one organ)")
    if stated is None:
        assert numbering is not None
        return Meaning(scheme=numbering.scheme)
    if numbering is not None:
        _check_agree(path, stated, numbering.scheme, said)
        stated = StatedNames(where=stated.where, scheme=_completed(stated.scheme, numbering))
    if not stated.scheme.organs:
        names = ", ".join(list(dict.fromkeys(stated.scheme.unknown.values()))[:_NAMES_SHOWN])
        seen = f"its names ({stated.where}: {names}) are those of no organ here"
        raise LabelValueError(
            path, seen, "name its labels as in `labels.json`, or describe it with --dataset"
        )
    return Meaning(scheme=stated.scheme, where=stated.where)


def _check_agree(path: Path, stated: StatedNames, numbering: LabelScheme, said: Callable[[int], str]) -> None:
    """Refuse names and a numbering that say different organs of one value."""
    for value in sorted(stated.scheme.organ_values & numbering.known_values):
        named, numbered = stated.scheme.meaning_of(value), numbering.meaning_of(value)
        if not named & numbered:
            other = " and ".join(sorted(numbered)) or "none of our organs"
            seen = (
                f"its {said(value)} is {' and '.join(sorted(named))} by {stated.where}, "
                f"and {other} by {numbering.name!r}"
            )
            cure = "leave that numbering out to go by the names, or correct the names"
            raise LabelValueError(path, seen, cure)


def _completed(names: LabelScheme, numbering: Numbering) -> LabelScheme:
    """Add to names what a numbering says of values that have no name, or one that says nothing.

    A description of a data set also knows what names mean that no organ has; other numberings do not.
    """
    own = numbering.scheme
    taken = {
        value
        for value in own.known_values - names.organ_values - names.ignore - {0}
        if numbering.is_of_data_set
        or value not in names.unknown
        or is_generic_name(names.unknown[value])
        or value in own.others
    }
    values = _merged(names.values, own.values, taken)
    joined = _merged(names.joined, own.joined, taken)
    scheme = LabelScheme(name=names.name, values=values, joined=joined)
    others = (names.others | (own.others & taken)) - scheme.organ_values
    is_known = (own.others - own.unknown.keys()) | (own.organ_values & taken)
    unknown = {value: name for value, name in names.unknown.items() if value not in is_known}
    return replace(scheme, others=others, ignore=names.ignore | own.ignore, unknown=unknown)


def _merged(
    first: Mapping[str, tuple[int, ...]], second: Mapping[str, tuple[int, ...]], taken: set[int]
) -> dict[str, tuple[int, ...]]:
    more = {name: tuple(value for value in values if value in taken) for name, values in second.items()}
    names = dict.fromkeys([*first, *second])
    return {name: (*first.get(name, ()), *more.get(name, ())) for name in names}


def _numbered(scheme: LabelScheme, segments: Sequence[Segment]) -> LabelScheme:
    """Write a numbering of values as one of the numbers of segments."""

    def numbers(values: Sequence[int] | frozenset[int]) -> tuple[int, ...]:
        return tuple(n for n, one in enumerate(segments, start=1) if one.value in values)

    return LabelScheme(
        name=scheme.name,
        values={name: numbers(values) for name, values in scheme.values.items()},
        joined={pair: numbers(values) for pair, values in scheme.joined.items()},
        others=frozenset(numbers(scheme.others)),
        ignore=frozenset(numbers(scheme.ignore)),
    )


def _segment_said(segment: Segment) -> str:
    return f"segment {segment.name!r} (value {segment.value})"
