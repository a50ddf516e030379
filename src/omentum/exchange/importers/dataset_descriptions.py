"""How does a public data set name its files, and what do its label values mean?

In:  a small YAML file: one of those that come with the package, by name, or your own, by path.
Out: `DataSet`: which path is a CT, where its label is, and `LabelScheme`. No code is needed for a new one.

The fields of the YAML file are told in `docs/adding-data.md`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from omentum.errors import ConfigError, UnknownOrganError
from omentum.volumes.label_schemes import PAIRS, LabelScheme, label_scheme

__all__ = ["DataSet", "Layout", "data_set_named", "known_data_sets", "read_data_set"]

_FIELDS = frozenset(
    {"name", "also", "key", "licence", "layouts", "values", "others", "like", "only_present", "leave_out"}
    | {"patients"}
)
_OPTION = "--dataset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where one kind of copy of a data set has its CTs and labels; paths without the ending.

    Attributes:
        ct: Path of a CT from anywhere above it; `{case}` stands for what tells cases apart.
        label: Path of its label from the same place; `None` where there is none. A folder holds one file
            an organ, or the slices of a mask as PNG.
    """

    ct: str
    label: str | None

    def match(self, path: str) -> tuple[str, str] | None:
        """Find the root and `{case}` in a CT's path without ending; `None` if it is no such path.

        Example:
            >>> Layout(ct="img/img{case}", label="label/label{case}").match("04/img/img0007")
            ('04/', '0007')
        """
        found = re.fullmatch(rf"(?P<root>(?:.*/)?){self._pattern}", path)
        return None if found is None else (found["root"], found["case"])

    @property
    def _pattern(self) -> str:
        first, *others = re.escape(self.ct).split(r"\{case\}")
        return (
            first + "(?P<case>[^/]+)".join(["", *others[:1]]) + "".join(f"(?P=case){x}" for x in others[1:])
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A data set, as its YAML file describes it.

    Attributes:
        name: Folder name in AbdomenAtlas, and prefix of the `case_id` of its cases.
        also: Other names of folders that it is known by.
        key: Its number in AbdomenAtlas, such as `04`; empty where it has none.
        licence: Under which it may be used, as its publishers say; empty where that is not known.
        layouts: Ways in which its files are laid out.
        scheme: What its label values mean.
        only_present: Whether an organ that a case's label does not hold is unknown there, for not every
            case was annotated in full.
        leave_out: By pattern of the file's stem, why such a CT is left out: MR scans, for one.
        patients: Pattern of the stem, and a text with its groups that names the patient: the same in each
            data set that has the patient.
    """

    name: str
    also: tuple[str, ...] = ()
    key: str = ""
    licence: str = ""
    layouts: tuple[Layout, ...] = ()
    scheme: LabelScheme
    only_present: bool = False
    leave_out: tuple[tuple[str, str], ...] = ()
    patients: tuple[str, str] | None = None

    @property
    def folder_names(self) -> frozenset[str]:
        """Names of folders that it is known by, in small letters."""
        return frozenset(name.casefold() for name in (self.name, *self.also))

    def why_left_out(self, stem: str) -> str | None:
        """Say why a CT is not wanted; `None` where it is."""
        return next((why for pattern, why in self.leave_out if re.fullmatch(pattern, stem)), None)

    def patient_of(self, stem: str) -> str | None:
        """Name the patient of a file; `None` where the data set does not say."""
        if self.patients is None:
            return None
        pattern, text = self.patients
        found = re.fullmatch(pattern, stem)
        return None if found is None else found.expand(text)


def read_data_set(path: Path) -> DataSet:
    """Read a YAML file.

    Raises:
        ConfigError: It is not there, is no such file, or says what cannot be.
    """
    try:
        return _data_set(str(path), yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(_OPTION, str(path), f"it cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(_OPTION, str(path), f"it is no YAML ({' '.join(str(error).split())})") from None


@cache
def known_data_sets() -> tuple[DataSet, ...]:
    """Give the data sets that come with the package, by name."""
    files = resources.files("omentum.exchange.importers").joinpath("descriptions")
    texts = {one.name: one.read_text("utf-8") for one in files.iterdir() if one.name.endswith(".yaml")}
    return tuple(_data_set(name, yaml.safe_load(texts[name])) for name in sorted(texts))


def data_set_named(text: str) -> DataSet:
    """Find a data set by the path of its YAML file, or by one of its names or its key.

    Raises:
        ConfigError: There is none.

    Example:
        >>> data_set_named("04").name, data_set_named("lits").name
        ('04_LiTS', '04_LiTS')
    """
    if text.endswith((".yaml", ".yml")):
        return read_data_set(Path(text))
    for one in known_data_sets():
        if text.casefold() in one.folder_names or (one.key and text == one.key):
            return one
    names = ", ".join(one.name for one in known_data_sets())
    raise ConfigError(_OPTION, text, f"it is a YAML file or one of {names}")


def _data_set(where: str, told: Any) -> DataSet:
    if not isinstance(told, dict) or not {"name"} <= told.keys() <= _FIELDS:
        rule = f"it must hold `name`, and of {', '.join(sorted(_FIELDS))} what is needed"
        raise ConfigError(_OPTION, where, rule)
    try:
        return DataSet(
            name=str(told["name"]),
            also=tuple(map(str, told.get("also", ()))),
            key=str(told.get("key", "")),
            licence=str(told.get("licence", "")),
            layouts=tuple(Layout(ct=one["ct"], label=one.get("label")) for one in told.get("layouts", ())),
            scheme=_scheme(str(told["name"]), told),
            only_present=bool(told.get("only_present", False)),
            leave_out=tuple(dict(told.get("leave_out", {})).items()),
            patients=None if "patients" not in told else (told["patients"]["from"], told["patients"]["name"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, UnknownOrganError) as error:
        raise ConfigError(_OPTION, where, f"it says what cannot be ({error})") from None


def _scheme(name: str, told: Mapping[str, Any]) -> LabelScheme:
    if "like" in told:
        return label_scheme(str(told["like"]))
    given = {key: _ids(value) for key, value in told.get("values", {}).items()}
    values = {key: ids for key, ids in given.items() if key not in PAIRS}
    joined = {key: ids for key, ids in given.items() if key in PAIRS}
    others = frozenset(_ids(told.get("others", [])))
    return LabelScheme(name=name, values=values, joined=joined, others=others)


def _ids(value: Any) -> tuple[int, ...]:
    ids = tuple(value) if isinstance(value, list) else (value,)
    for one in ids:
        if not isinstance(one, int) or not 0 < one <= 255:
            raise ValueError(f"{one!r} is no label id from 1 to 255")
    return ids
