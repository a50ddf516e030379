"""Check, read and write the settings of a project, `omentum.toml`."""

import logging
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, field_validator, model_validator

from omentum.choices import KEEPS, STRATEGIES
from omentum.config import ConfigModel, one_of, read_toml
from omentum.errors import ConfigError, UnknownOrganError
from omentum.measures.surface import SURFACE_TOLERANCE_MM
from omentum.names import checked_name
from omentum.project.run_settings import RunSettings
from omentum.records.promotions import LEAST_PATIENTS
from omentum.volumes.atomic import write_text
from omentum.volumes.labels import ORGANS, SUBSETS, organs_named

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Table

__all__ = [
    "POSTPROCESSING",
    "SCORINGS",
    "Settings",
    "change_settings",
    "read_settings",
    "write_settings",
]

SCORINGS = ("expected-error", "published")
POSTPROCESSING = {"default": 0.5, "published": 0.75}
"""Recipes of post-processing, each with the overlap of windows that belongs to it."""
_DATABASES = ("sqlite://", "postgresql+psycopg://")
_FORMER_KEYS = {"recipe": "scoring"}
"""Keys of the version before, with the key that each is now."""
_COMMENT_WIDTH = 108
_log = logging.getLogger(__name__)


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("it must hold each name only once")
    return names


def _at_least_one(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError("it must hold at least one name")
    return _each_once(names)


def _text(default: str | tuple[str, ...], about: str) -> Any:
    return Field(default=default, description=about)


def _number(default: float | None, least: float, most: float, about: str) -> Any:
    return Field(default=default, ge=least, le=most, strict=True, allow_inf_nan=False, description=about)


class Settings(ConfigModel, frozen=True, title="omentum.toml"):
    """Settings of a project; written as `omentum.toml`, where each is explained.

    Raises:
        ConfigError: A setting has a value that no run can use.

    Example:
        >>> Settings(organs=("pancreas", "liver")).organs
        ('liver', 'pancreas')
    """

    organs: Annotated[tuple[str, ...], AfterValidator(_at_least_one)] = _text(
        SUBSETS["abdomenatlas-1.0"],
        f"Organs to annotate: names, or names of subsets ({', '.join(SUBSETS)}).",
    )
    networks: Annotated[tuple[str, ...], AfterValidator(_at_least_one)] = _text(
        ("starter",),
        "Networks that predict each case; `omentum models list` shows which there are. The first is the main "
        "one: its masks go to the experts, and it is tuned. Others are second opinions: attention goes where "
        "networks disagree. Each takes its own time, and may be removed or added between two commands.",
    )
    database: str = _text(
        "sqlite:///omentum.db",
        "Who did what, when and why: sqlite:///FILE in this folder, or postgresql+psycopg://USER@HOST/NAME.",
    )
    scoring: Annotated[str, one_of(SCORINGS)] = _text(
        "expected-error", f"How attention is scored: {', '.join(SCORINGS)}."
    )
    strategy: Annotated[str, one_of(STRATEGIES)] = _text(
        "default",
        f"Which tasks a round gets: {', '.join(STRATEGIES)}. The default is that of the scoring.",
    )
    budget_minutes: float = _number(
        60.0, 1.0, 1e6, "Minutes that experts have for the revisions of one round; the queue is as long."
    )
    audit_share: float = _number(
        0.05,
        0.0,
        1.0,
        "Share of these minutes for whole organs drawn at random, which bound how many of the organs without "
        "a revision still need a major one; `omentum audit` reports the bound. With 0 nothing is drawn.",
    )
    double_reading_share: float = _number(
        0.0,
        0.0,
        1.0,
        "Share of the tasks of a round, beside findings and those drawn at random, that two readers read, "
        "neither of whom sees the other's mask; which ones is drawn at random.",
    )
    same_above_dice: float = _number(
        1.0,
        0.5,
        1.0,
        "Dice from which two such readings count as the same, so that no person has to decide between them; "
        "with 1 only identical masks do.",
    )
    catch_share: float = _number(
        0.0,
        0.0,
        0.2,
        "Share of the tasks of a round that are catch trials: masks that a person vouched for, with an error "
        "planted in them, to learn how often readers miss one. Readers are not told which tasks they are.",
    )
    gate_share: float = _number(
        0.1,
        0.0,
        0.9,
        "Share of these minutes for whole organs of patients kept for evaluation, by which new networks are "
        f"judged, until {LEAST_PATIENTS} such patients have a reference mask of each organ.",
    )
    audit_bound: float = _number(
        0.05,
        0.0,
        1.0,
        "A round is the last once the audit shows, with 95 % confidence, that no greater share of the organs "
        "without a revision needs a major one. With 0 rounds go on for ever.",
    )
    held_out_share: float = _number(
        0.2,
        0.0,
        0.9,
        "Share of the patients kept for evaluation and never trained on; split once, at the start.",
    )
    surface_tolerance_mm: float = _number(
        SURFACE_TOLERANCE_MM,
        0.01,
        100.0,
        "Distance between two surfaces that still counts as agreement, in mm.",
    )
    overlap: float | None = _number(
        None,
        0.0,
        0.9,
        "Share of a window that the next one covers again when a network predicts; where it is not set, "
        "0.5, and 0.75 with the published postprocessing.",
    )
    postprocessing: Annotated[str, one_of(POSTPROCESSING)] = _text(
        "default", f"How masks are cleaned up: {', '.join(POSTPROCESSING)}."
    )
    keep: Annotated[str, one_of(KEEPS)] = _text(
        "all", "Probabilities that stay once a case is scored: all, revisit (of cases with a task), none."
    )
    new_organs: Annotated[tuple[str, ...], AfterValidator(_each_once)] = _text(
        (),
        "Those of the organs that `omentum organs add` brought in. Until a network has learned one, it is "
        "unknown there, not empty. The organs whose heads it begins as may follow: organ=similar+similar.",
    )
    run: RunSettings = Field(default=RunSettings(), description="Where the work runs.")

    @property
    def window_overlap(self) -> float:
        """Overlap of windows: the one that is set, or that of the post-processing.

        Example:
            >>> Settings(postprocessing="published").window_overlap
            0.75
        """
        return POSTPROCESSING[self.postprocessing] if self.overlap is None else self.overlap

    @property
    def similar_to_new(self) -> dict[str, tuple[str, ...]]:
        """For each new organ, the organs whose heads it begins as; none where the project names none.

        Example:
            >>> Settings(organs=("liver", "colon"), new_organs=("colon=liver",)).similar_to_new
            {'colon': ('liver',)}
        """
        return dict(map(_parted, self.new_organs))

    @field_validator("organs")
    @classmethod
    def _known_organs(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _organ_names(names)

    @field_validator("networks")
    @classmethod
    def _folder_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(checked_name("networks", name) for name in names)

    @field_validator("database")
    @classmethod
    def _database_url(cls, url: str) -> str:
        if not url.isprintable() or not url.startswith(_DATABASES):
            # The rest of the URL may hold a password, so it is not shown.
            seen = url.partition(":")[0] + ":..." if "@" in url else url
            rule = (
                f"it must be a URL such as sqlite:///omentum.db; it must begin with {' or '.join(_DATABASES)}"
            )
            raise ConfigError("database", seen, rule)
        return url

    @model_validator(mode="after")
    def _new_organs_are_organs(self) -> "Settings":
        for name, similar in map(_parted, self.new_organs):
            if name not in self.organs:
                raise ConfigError("new_organs", list(self.new_organs), f"{name!r} must be one of organs")
            _organ_names(similar)
        return self


def _organ_names(names: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(row.name for row in organs_named(names))
    except UnknownOrganError:
        known = ", ".join([*SUBSETS, *(row.name for row in ORGANS)])
        raise ConfigError("organs", list(names), f"known are {known}") from None


def _parted(text: str) -> tuple[str, tuple[str, ...]]:
    name, _, similar = text.partition("=")
    return name.strip(), tuple(one.strip() for one in similar.split("+") if one.strip())


def read_settings(path: Path) -> Settings:
    """Read settings; what the file leaves out has its default. A key of the version before is taken, too.

    Raises:
        ConfigError: The file is no TOML, has an unknown key, or a value that no run can use.
        ProjectError: The file cannot be read.
    """
    return Settings(**_with_new_keys(path, read_toml(path)))


def _with_new_keys(path: Path, loaded: dict[str, Any]) -> dict[str, Any]:
    for former, now in _FORMER_KEYS.items():
        if former in loaded and now not in loaded:
            said = "%s: `%s` is called `%s` now; rename it, as the next version refuses the old name"
            _log.warning(said, path, former, now)
            loaded[now] = loaded.pop(former)
    return loaded


def write_settings(path: Path, settings: Settings) -> None:
    """Write settings as TOML, each below a comment that explains it."""
    import tomlkit

    document = tomlkit.document()
    document.add(tomlkit.comment("Settings of this Omentum project."))
    for name, field in Settings.model_fields.items():
        _add(document, name, getattr(settings, name), field.description)
    write_text(path, tomlkit.dumps(document))


def change_settings(path: Path, changes: Mapping[str, str | tuple[str, ...]]) -> Settings:
    """Change texts and lists in a settings file; all else that is in it stays, with people's own comments.

    Raises:
        ConfigError: The file cannot be used, or not with these changes; it is as it was then.
        ProjectError: It cannot be read.
    """
    import tomlkit

    settings = read_settings(path).changed(**changes)
    document = tomlkit.parse(path.read_text(encoding="utf-8-sig"))
    for name in changes:
        if name in document:
            document[name] = getattr(settings, name)
        else:
            _add(document, name, getattr(settings, name), Settings.model_fields[name].description)
    write_text(path, tomlkit.dumps(document))
    return settings


def _add(document: "TOMLDocument | Table", name: str, value: Any, about: str | None) -> None:
    """Add a setting, if it is set, below a comment that explains it; a group of them as a table."""
    import tomlkit

    document.add(tomlkit.nl())
    for line in textwrap.wrap(about or "", _COMMENT_WIDTH):
        document.add(tomlkit.comment(line))
    if isinstance(value, RunSettings):
        table = tomlkit.table()
        for own, field in RunSettings.model_fields.items():
            _add(table, own, getattr(value, own), field.description)
        document.add(name, table)
    elif value is not None:
        document.add(name, list(value) if isinstance(value, tuple) else value)
