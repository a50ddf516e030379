"""Name the segments of a DICOM-SEG and the structures of an RTSTRUCT, and the organ that each name says.

Source:
    Structures as TG-263 names them: Mayo et al. 2018, International Journal of Radiation Oncology, Biology,
    Physics 100(4). What follows a `^` there is free text; `~` is a part of an organ, and digits are a margin.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import NamedTuple

import pydicom

from omentum.volumes.labels import ORGANS, PAIRS
from omentum.volumes.organ_words import organ_or_pair_in_words

__all__ = ["SegmentName", "SegmentNames", "segment_names", "structure_names", "whole_number"]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z_\-., ]*")
"""Names with other characters stand for a part of an organ, a margin around it, or one of several drafts."""
_LESION = re.compile("_(tumor|cyst)$")


class SegmentName(NamedTuple):
    """What the file calls a segment, and the organ or pair that this says; `None` if it says none."""

    label: str
    organ: str | None


class SegmentNames(NamedTuple):
    """Names of a file's segments by number, and sentences on those that cannot be told apart."""

    by_number: Mapping[int, SegmentName]
    notes: tuple[str, ...]


def segment_names(data: pydicom.Dataset) -> SegmentNames:
    """Name the segments of a DICOM-SEG: by their labels, else by their codes."""
    segments = data.get("SegmentSequence") or ()
    found = _named(segments, "SegmentNumber", _segment)
    return SegmentNames(found.by_number, (*found.notes, *filter(None, map(_contradiction, segments))))


def structure_names(data: pydicom.Dataset) -> SegmentNames:
    """Name the structures of an RTSTRUCT."""
    found = _named(data.get("StructureSetROISequence") or (), "ROINumber", _structure)
    numbers = [whole_number(one, "ReferencedROINumber") for one in data.get("ROIContourSequence") or ()]
    unknown = sorted({number for number in numbers if number is not None} - found.by_number.keys())
    notes = [f"contours refer to structure {one} (ReferencedROINumber), which has no name" for one in unknown]
    if None in numbers:
        notes.append("contours without ReferencedROINumber (3006,0084) were left out")
    return SegmentNames(found.by_number, (*found.notes, *notes))


def _named(
    items: Iterable[pydicom.Dataset], tag: str, name_of: Callable[[pydicom.Dataset], SegmentName]
) -> SegmentNames:
    rows = [(place, whole_number(item, tag), name_of(item)) for place, item in enumerate(items, start=1)]
    several = Counter(number for _, number, _ in rows)
    by_number: dict[int, SegmentName] = {}
    notes = []
    for place, number, name in rows:
        what = f"segment {place}{f' ({name.label!r})' if name.label else ''}"
        if number is None:
            notes.append(f"{what} has no whole number in {tag}, and was left out")
        elif several[number] > 1:
            notes.append(f"{what} has the {tag} {number} of another one, and was left out")
        elif name.organ is None and not name.label:
            notes.append(f"{what} has no name, and was left out")
        else:
            by_number[number] = name
    return SegmentNames(by_number, tuple(notes))


def whole_number(item: pydicom.Dataset, tag: str) -> int | None:
    """Read a whole number from a header; `None` if there is none."""
    try:
        return int(item.get(tag))
    except (TypeError, ValueError):
        return None


def _structure(roi: pydicom.Dataset) -> SegmentName:
    label = str(roi.get("ROIName") or "").strip()
    plain = label.partition("^")[0].strip()
    return SegmentName(label, organ_or_pair_in_words(plain) if _PLAIN.fullmatch(plain) else None)


def _segment(segment: pydicom.Dataset) -> SegmentName:
    label = str(segment.get("SegmentLabel") or "").strip()
    return SegmentName(label, organ_or_pair_in_words(label) or organ_or_pair_in_words(_coded(segment)))


def _contradiction(segment: pydicom.Dataset) -> str | None:
    """Say that a segment's label and its code name two organs; programs often leave a code of another one."""
    label = str(segment.get("SegmentLabel") or "").strip()
    named, coded = organ_or_pair_in_words(label), organ_or_pair_in_words(_coded(segment))
    if named is None or coded is None or _LESION.search(named):
        return None
    parts = PAIRS.get(named, (named,)), PAIRS.get(coded, (coded,))
    if not set(parts[0]).isdisjoint(parts[1]):
        return None
    return f"segment {segment.get('SegmentNumber')} is named {label!r} and coded as {coded}: its name counts"


def _coded(segment: pydicom.Dataset) -> str:
    """Put a segment's coded type, region and side into words."""
    words = []
    regions = [_meaning(one) for one in segment.get("AnatomicRegionSequence") or ()]
    for code in segment.get("SegmentedPropertyTypeCodeSequence") or ():
        meaning = _meaning(code)
        kind = meaning.casefold().partition(",")[0]
        words += {"organ": regions, "neoplasm": [*regions, "tumor"], "cyst": [*regions, "cyst"]}.get(
            kind, [meaning]
        )
        words += map(_meaning, code.get("SegmentedPropertyTypeModifierCodeSequence") or ())
    return " ".join(words)


def _meaning(code: pydicom.Dataset) -> str:
    """Give what a code means: in English where it is SNOMED CT's for an organ or side, else as written."""
    return _snomed().get(str(code.get("CodeValue") or ""), str(code.get("CodeMeaning") or ""))


@cache
def _snomed() -> dict[str, str]:
    return dict(row.snomed for row in ORGANS if row.kind == "organ") | {
        "24028007": "Right",
        "7771000": "Left",
    }
