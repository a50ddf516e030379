"""Read which value has which name, from the label tables of other programs.

In:  text of a file beside a label map, or of its header.
Out: rows of value and name; `None` where the text is no such table. A text with one odd line is none.
"""

import csv
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Rows", "bids_rows", "colour_rows", "json_rows", "snap_rows", "xml_rows"]

Rows = list[tuple[int, str]]
_NUMBER = r"-?\d+(?:\.\d+)?"
_SNAP = re.compile(rf'\s*(\d+)(?:\s+{_NUMBER}){{6}}\s+"([^"]*)"\s*')
_COLOUR = re.compile(r'\s*(\d+)\s+("[^"]*"|\S+)(?:\s+\d+){3,4}\s*')
_JSON_TABLES = ("labels", "label_map", "labelmap", "segments")
_NUMBER_KEYS = ("value", "index", "id", "labelID", "label_id", "label")
_NAME_KEYS = ("name", "SegmentLabel", "label_name", "label")


def snap_rows(text: str) -> Rows | None:
    r"""Read ITK-SNAP's label descriptions.

    Example:
        >>> snap_rows('# IDX\n 6  221 130 101  1 1 1  "Liver"')
        [(6, 'Liver')]
    """
    return _rows_of_lines(text, _SNAP)


def colour_rows(text: str) -> Rows | None:
    r"""Read a colour table of 3D Slicer or FreeSurfer: value, name, and three or four numbers.

    3D Slicer writes a space in a name as `_`, or else quotes the name.

    Example:
        >>> colour_rows("# Color table\n2 right_kidney 185 102 83 255")
        [(2, 'right_kidney')]
    """
    return _rows_of_lines(text, _COLOUR)


def bids_rows(text: str) -> Rows | None:
    r"""Read a table of BIDS (`dseg.tsv`): columns `index` and `name`, or `mapping` for the value.

    Example:
        >>> bids_rows("index\tname\tabbreviation\n6\tLiver\tL")
        [(6, 'Liver')]
    """
    lines = csv.DictReader(text.splitlines(), delimiter="\t")
    if not {"index", "name"} <= set(lines.fieldnames or ()):
        return None
    rows = [(str(line["index"] or "").strip(), str(line["name"] or "").strip()) for line in lines]
    if any(not value.isdecimal() for value, _ in rows):
        return None
    return [(int(value), name) for value, name in rows] or None


def xml_rows(text: str) -> Rows | None:
    """Read the labels of Connectome Workbench and GIfTI in XML, as TotalSegmentator writes them too.

    Example:
        >>> xml_rows('<CaretExtension><LabelTable><Label Key="6">liver</Label></LabelTable></CaretExtension>')
        [(6, 'liver')]
    """
    if "<!ENTITY" in text:  # such files may be made to exhaust memory
        return None
    try:
        found = list(ET.fromstring(text.strip("\0 \r\n\t")).iter("Label"))
    except ET.ParseError:
        return None
    rows = [(one.get("Key", one.get("Index", "")).strip(), (one.text or "").strip()) for one in found]
    if any(not re.fullmatch(r"-?\d+", value) for value, _ in rows):
        return None
    return [(int(value), name) for value, name in rows] or None


def json_rows(text: str) -> Rows | None:
    """Read a table in JSON: values by name, names by value, or a list of both, perhaps under `labels`.

    Example:
        >>> json_rows('{"labels": {"0": "background", "6": "liver"}}'), json_rows('{"liver": 6}')
        ([(0, 'background'), (6, 'liver')], [(6, 'liver')])
        >>> json_rows('[{"value": 6, "name": "liver"}]'), json_rows('{"Modality": "CT", "Rows": 512}')
        ([(6, 'liver')], None)
    """
    try:
        told = json.loads(text)
    except ValueError:
        return None
    if isinstance(told, dict):
        told = next((told[key] for key in _JSON_TABLES if isinstance(told.get(key), dict | list)), told)
    if isinstance(told, dict):
        return _all_rows(list(told.items()), _of_pair)
    return _all_rows(told, _of_entry) if isinstance(told, list) else None


def _rows_of_lines(text: str, form: re.Pattern[str]) -> Rows | None:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = [form.fullmatch(line) for line in lines]
    rows = [(int(one[1]), one[2].strip('"').strip()) for one in found if one is not None]
    return rows if rows and len(rows) == len(lines) else None


def _all_rows(entries: list[Any], read: Callable[[Any], Rows]) -> Rows | None:
    try:
        return [row for entry in entries for row in read(entry)] or None
    except (AttributeError, KeyError, TypeError, ValueError, StopIteration):
        return None


def _of_pair(entry: tuple[str, Any]) -> Rows:
    """Read one entry of an object: `"6": "liver"`, `"liver": 6` or, for a region, `"liver": [6, 7]`."""
    key, value = entry
    if key.isdecimal() and isinstance(value, str | dict):
        return [(int(key), value if isinstance(value, str) else str(value["name"]))]
    return [(_whole(one), key) for one in (value if isinstance(value, list) else [value])]


def _of_entry(entry: Mapping[str, Any]) -> Rows:
    value = next(entry[key] for key in _NUMBER_KEYS if isinstance(entry.get(key), int))
    name = next(entry[key] for key in _NAME_KEYS if isinstance(entry.get(key), str))
    return [(_whole(value), name)]


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f"{value!r} is no whole number")
    return int(value)
