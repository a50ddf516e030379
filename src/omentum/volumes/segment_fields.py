"""Read which segments the header of a segmentation file names, as 3D Slicer and MITK write them.

In:  the free text of an NRRD header, and how many layers the file has.
Out: each segment's name, layer and value; empty where the header names none.

Source:
    3D Slicer, developer guide, "Segmentation labelmap file format (.seg.nrrd)". Files of Slicer before 4.11
    state neither layer nor value: there, each segment is a layer of its own. MITK, "MultiLabel Segmentation":
    a list of groups in JSON, each a layer, with the names and values of its labels.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from omentum.errors import LabelValueError
from omentum.volumes.organ_words import is_generic_name, organ_or_pair_in_words

__all__ = ["Segment", "has_segments", "segments_in"]

_FIELD = re.compile(r"Segment(\d+)_(?:ID|Name|LabelValue|Layer)")
_COMPLETED = "Segmentation.Status:completed"
_MITK = "org.mitk.multilabel.segmentation.labelgroups"
_CURE = "save the segmentation anew from the program it came from"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One segment of a file.

    Attributes:
        name: What the file calls it; its term, where the name is one that programs give, such as `Segment_1`;
            `None` if it has neither a name nor an id.
        layer: The layer that it lies in.
        value: Its value in that layer; `None` if every voxel of the layer that is not 0 is its.
        is_completed: Whether its reader gave it the status "Completed" in 3D Slicer.
    """

    name: str | None
    layer: int
    value: int | None
    is_completed: bool = False


def has_segments(fields: Mapping[str, str]) -> bool:
    """Tell whether a header names segments."""
    return _MITK in fields or any(_FIELD.fullmatch(key) for key in fields)


def segments_in(path: Path, fields: Mapping[str, str], *, n_layers: int) -> list[Segment]:
    """List the segments that a header names, in the order of their numbers.

    Args:
        path: The file, for the message.
        fields: The free text of the header, by key.
        n_layers: Layers that the file has.

    Raises:
        LabelValueError: A layer or a value is no number in range, or two segments have the same of both.

    Example:
        >>> fields = {"Segment0_Name": "liver", "Segment0_LabelValue": "1", "Segment0_Layer": "0"}
        >>> segments_in(Path("x.seg.nrrd"), fields, n_layers=1)
        [Segment(name='liver', layer=0, value=1, is_completed=False)]
    """
    if _MITK in fields:
        fields = _as_segments(path, fields[_MITK])
    numbers = sorted({int(match[1]) for key in fields if (match := _FIELD.fullmatch(key))})
    segments = [_segment(path, fields, number, n_layers) for number in numbers]
    per_layer = Counter(one.layer for one in segments)
    places = Counter((one.layer, one.value) for one in segments)
    for one in segments:
        if places[one.layer, one.value] > 1 or (one.value is None and per_layer[one.layer] > 1):
            value = "no value of its own" if one.value is None else f"the value {one.value}"
            seen = f"its segment {one.name!r} has {value} in layer {one.layer}, which others share"
            raise LabelValueError(path, seen, _CURE)
    return segments


def _as_segments(path: Path, groups: str) -> dict[str, str]:
    """Write MITK's labels as 3D Slicer writes segments."""
    fields: dict[str, str] = {}
    try:
        labels = [
            (layer, one) for layer, group in enumerate(json.loads(groups)) for one in group["labels"] or ()
        ]
        for number, (layer, label) in enumerate(labels):
            fields[f"Segment{number}_Name"] = str(label.get("name", ""))
            fields[f"Segment{number}_LabelValue"] = str(label["value"])
            fields[f"Segment{number}_Layer"] = str(layer)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LabelValueError(path, f"its {_MITK} is no list of groups ({error!r})", _CURE) from None
    return fields


def _segment(path: Path, fields: Mapping[str, str], number: int, n_layers: int) -> Segment:
    prefix = f"Segment{number}_"
    name = fields.get(f"{prefix}Name", "").strip() or fields.get(f"{prefix}ID", "").strip() or None
    if is_generic_name(name):
        name = _term(fields.get(f"{prefix}Tags", "")) or name
    layer = fields.get(f"{prefix}Layer", str(number) if n_layers > 1 else "0")
    value = fields.get(f"{prefix}LabelValue")
    return Segment(
        name=name,
        layer=_number(path, f"{prefix}Layer", layer, (0, n_layers - 1)),
        value=None if value is None else _number(path, f"{prefix}LabelValue", value, (1, 255)),
        is_completed=_COMPLETED in fields.get(f"{prefix}Tags", "").split("|"),
    )


def _term(tags: str) -> str:
    """Give the term that 3D Slicer keeps of a segment, such as `Left Kidney`; empty if it is of no organ."""
    entry = re.search(r"TerminologyEntry:([^|]*)", tags)
    parts = [part.split("^") for part in entry[1].split("~")] if entry else []
    kind, side = (parts[at][2] if len(parts) > at and len(parts[at]) > 2 else "" for at in (2, 3))
    term = f"{side} {kind}".strip()
    return term if organ_or_pair_in_words(term) else ""


def _number(path: Path, key: str, text: str, span: tuple[int, int]) -> int:
    low, high = span
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", text) or not low <= int(text) <= high:
        raise LabelValueError(path, f"its {key} is {text!r}, and it runs from {low} to {high}", _CURE)
    return int(text)
