"""Describe public data sets: their paths, label values, licence and patients.

In:  YAML files, those of the package or a user's own; `docs/adding-data.md` explains the fields.
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
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import Source, case_id_of, stem_of, telling_name
from omentum.names import safe_name
from omentum.volumes.label_schemes import LabelScheme, label_scheme
from omentum.volumes.labels import PAIRS

__all__ = ["DatasetDescription", "DatasetLayout", "data_set_named", "known_data_sets", "read_data_set"]

_FIELDS = frozenset(
    {"name", "also", "key", "licence", "layouts", "values", "others", "like", "only_present", "leave_out"}
    | {"patients"}
)
_OPTION = "--dataset"


@dataclass(frozen=True, slots=True)
class DatasetLayout:
    """Paths of CTs and labels in one kind of copy of a data set, without endings.

    Attributes:
        ct: Path of a CT from any folder above it; `{case}` stands for the name of the case.
        label: Path of its label from the same folder; `None` if it has none. A folder holds one file an
            organ, or the slices of a mask as PNG.
    """

    ct: str
    label: str | None

    def match(self, path: str) -> tuple[str, str] | None:
        """Find the root and `{case}` in a CT's path without ending; `None` if the path does not fit.

        Example:
            >>> DatasetLayout(ct="img/img{case}", label="label/label{case}").match("04/img/img0007")
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
class DatasetDescription:
    """A data set, as its YAML file describes it.

    Attributes:
        name: Folder name in AbdomenAtlas, and prefix of the `case_id` of its cases.
        also: Other names of its folder.
        key: Its number in AbdomenAtlas, such as `04`; empty if it has none.
        licence: As its publishers state it; empty if unknown.
        layouts: Ways in which its files are laid out.
        scheme: What its label values mean.
        only_present: Whether an organ that a case's label does not hold is unknown, as not every case was
            annotated in full.
        leave_out: By pattern of the file's stem, the reason to leave a CT out, such as MR scans.
        patients: Pattern of the stem, or of the folder's name where the stem is generic, and a text with its
            groups that names the patient, the same in each data set that has the patient.
    """

    name: str
    also: tuple[str, ...] = ()
    key: str = ""
    licence: str = ""
    layouts: tuple[DatasetLayout, ...] = ()
    scheme: LabelScheme
    only_present: bool = False
    leave_out: tuple[tuple[str, str], ...] = ()
    patients: tuple[str, str] | None = None

    @property
    def folder_names(self) -> frozenset[str]:
        """Names of its folder, in small letters."""
        return frozenset(name.casefold() for name in (self.name, *self.also))

    def why_left_out(self, stem: str) -> str | None:
        """Give the reason to leave a CT out; `None` if it is wanted."""
        return next((why for pattern, why in self.leave_out if re.fullmatch(pattern, stem)), None)

    def label_of(self, path: Path) -> OriginalLabel:
        """Describe a label of the data set."""
        return OriginalLabel(path=path, ids=self.scheme, only_present=self.only_present)

    def source_of(self, path: Path, label: Path | None = None) -> Source:
        """Describe a CT of the data set, named after the data set and its file or folder.

        Example:
            >>> data_set_named("kits").source_of(Path("KiTS19/data/case_00000/imaging.nii.gz")).case_id
            '05_KiTS_case_00000'
        """
        patient = None
        if self.patients is not None:
            pattern, text = self.patients
            found = re.fullmatch(pattern, stem_of(path)) or re.fullmatch(pattern, telling_name(path))
            patient = None if found is None else found.expand(text)
        return Source(
            path=path,
            case_id=safe_name(f"{self.name}_{case_id_of(path).removesuffix('_0000')}"),
            label=None if label is None else self.label_of(label),
            data_set=self.name,
            licence=self.licence,
            patient=patient,
        )


def read_data_set(path: Path) -> DatasetDescription:
    """Read a YAML file.

    Raises:
        ConfigError: It cannot be read, or describes no data set.
    """
    try:
        return _data_set(str(path), yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(_OPTION, str(path), f"it cannot be read ({error.strerror})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(_OPTION, str(path), f"it is no YAML ({' '.join(str(error).split())})") from None


@cache
def known_data_sets() -> tuple[DatasetDescription, ...]:
    """Give the data sets that come with the package, by name."""
    files = resources.files("omentum.exchange.importers").joinpath("descriptions")
    texts = {one.name: one.read_text("utf-8") for one in files.iterdir() if one.name.endswith(".yaml")}
    return tuple(_data_set(name, yaml.safe_load(texts[name])) for name in sorted(texts))


def data_set_named(text: str) -> DatasetDescription:
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


def _data_set(where: str, told: Any) -> DatasetDescription:
    if not isinstance(told, dict) or not {"name"} <= told.keys() <= _FIELDS:
        rule = f"it must hold `name`, and of {', '.join(sorted(_FIELDS))} what is needed"
        raise ConfigError(_OPTION, where, rule)
    try:
        return DatasetDescription(
            name=str(told["name"]),
            also=tuple(map(str, told.get("also", ()))),
            key=str(told.get("key", "")),
            licence=str(told.get("licence", "")),
            layouts=tuple(DatasetLayout(one["ct"], one.get("label")) for one in told.get("layouts", ())),
            scheme=_scheme(str(told["name"]), told),
            only_present=bool(told.get("only_present", False)),
            leave_out=tuple(dict(told.get("leave_out", {})).items()),
            patients=None if "patients" not in told else (told["patients"]["from"], told["patients"]["name"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, UnknownOrganError) as error:
        raise ConfigError(_OPTION, where, f"it describes no data set ({error})") from None


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
