"""Convert records to the values of rows and back; fields and columns of the same name match.

Paths are kept relative to the project's root, enumerations by value, tuples and records as JSON.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from omentum.store.base import TableBase
from omentum.store.paths import Paths

__all__ = ["json_value", "record_of", "row_values"]

_Record = TypeVar("_Record")
_Reader = Callable[[Any, Paths], Any]


def row_values(record: Any, table: type[TableBase], paths: Paths) -> dict[str, Any]:
    """Give the values of the columns of a table that a record has fields for."""
    kind: Any = type(record)
    names = [name for name in _readers(kind) if name in table.__table__.columns]
    return {name: json_value(getattr(record, name), paths) for name in names}


def record_of(kind: type[_Record], row: object, paths: Paths, **instead: Any) -> _Record:
    """Make a record from a row; `instead` has the fields that do not come from the row."""
    of_kind: Any = kind
    values = {
        name: read(getattr(row, name), paths) if read else getattr(row, name)
        for name, read in _readers(of_kind).items()
        if name not in instead
    }
    return kind(**values, **instead)


def json_value(value: Any, paths: Paths | None = None) -> Any:
    """Give what the database keeps of a value; a path needs `paths`.

    NumPy's numbers, which databases do not take, become Python's.
    """
    if is_dataclass(value):
        value = {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, Mapping):
        return {key: json_value(one, paths) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [json_value(one, paths) for one in value]
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Path) and paths is not None:
        return paths.stored(value)
    return value.value if isinstance(value, Enum) else value


@cache
def _readers(kind: type) -> dict[str, _Reader | None]:
    """Give the function that reads each field of a record; `None` where it is kept as it is."""
    hints = get_type_hints(kind)
    return {one.name: _reader(hints[one.name]) for one in fields(kind)}


def _reader(hint: Any) -> _Reader | None:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is UnionType:
        known = _reader(next(one for one in parts if one is not NoneType))
        return known and (lambda value, paths: None if value is None else known(value, paths))
    if origin is tuple:
        element = _reader(parts[0])
        if element is None:
            return lambda value, _: tuple(value)
        return lambda value, paths: tuple(element(one, paths) for one in value)
    if origin is Mapping:
        of_value = _reader(parts[1])
        return of_value and (
            lambda value, paths: {key: of_value(one, paths) for key, one in sorted(value.items())}
        )
    return _plain_reader(hint, origin)


def _plain_reader(hint: Any, origin: Any) -> _Reader | None:
    if origin is np.ndarray:
        return lambda value, _: np.array(value, dtype=np.float64)
    if hint is Path:
        return lambda value, paths: paths.given(value)
    if is_dataclass(hint):
        return lambda value, paths: _from_json(hint, value, paths)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return lambda value, _: hint(value)
    return None


def _from_json(kind: Any, values: Mapping[str, Any], paths: Paths) -> Any:
    readers = _readers(kind)
    read = {key: readers[key] for key in values}
    return kind(**{key: one(values[key], paths) if one else values[key] for key, one in read.items()})
