"""How was a project set up?

In:  `omentum.toml`, or values from a program.
Out: `Settings` that are checked before any volume is read; names that are safe as folders.
"""

import json
import re
import textwrap
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from omentum.errors import ConfigError, ProjectError, UnknownOrganError
from omentum.measures.surface import SURFACE_TOLERANCE_MM
from omentum.names import checked_name
from omentum.records.promotions import LEAST_PATIENTS
from omentum.volumes.atomic import write_text
from omentum.volumes.labels import ORGANS, SUBSETS, organs_named

__all__ = [
    "DATABASE_SCHEMES",
    "POSTPROCESSING",
    "RECIPES",
    "STRATEGIES",
    "Settings",
    "read_settings",
    "settings_text",
    "write_settings",
]

DATABASE_SCHEMES = ("sqlite", "postgresql+psycopg")
RECIPES = ("expected-error", "published")
STRATEGIES = ("default", "expected-error", "published", "entropy", "foreground-random", "random")
POSTPROCESSING = {"default": 0.5, "published": 0.75}
"""Recipes of post-processing, each with the overlap of windows that belongs to it."""
_COMMENT_WIDTH = 110


def _text(default: str | tuple[str, ...], about: str) -> Any:
    return field(default=default, metadata={"about": about})


def _number(default: float | None, least: float, most: float, about: str) -> Any:
    return field(default=default, metadata={"about": about, "range": (least, most)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a project was set up; written as `omentum.toml`, where each setting is explained.

    Raises:
        ConfigError: A setting has a value that no run can use.

    Example:
        >>> Settings(organs=("pancreas", "liver")).organs
        ('liver', 'pancreas')
    """

    organs: tuple[str, ...] = _text(
        SUBSETS["abdomenatlas-1.0"],
        f"Organs to annotate: names, or names of subsets ({', '.join(SUBSETS)}).",
    )
    networks: tuple[str, ...] = _text(
        ("starter",),
        "Networks that predict each case; `omentum models list` shows which there are. The first is the main "
        "one: its masks go to the experts, and it is tuned. Others are second opinions: attention goes where "
        "networks disagree. Each takes its own time, and may be removed or added between two commands.",
    )
    database: str = _text(
        "sqlite:///omentum.db",
        "Who did what, when and why: sqlite:///FILE in this folder, or postgresql+psycopg://USER@HOST/NAME.",
    )
    recipe: str = _text("expected-error", f"How attention is scored: {', '.join(RECIPES)}.")
    strategy: str = _text(
        "default",
        f"Which tasks a round gets: {', '.join(STRATEGIES)}. The default is that of the recipe.",
    )
    budget_minutes: float = _number(
        60.0, 1.0, 1e6, "Minutes that experts have for the revisions of one round; the queue is as long."
    )
    audit_share: float = _number(
        0.05,
        0.0,
        1.0,
        "Share of these minutes for whole organs drawn by lot, which bound how many of those that nobody "
        "revised still need a major revision; `omentum audit` tells. With 0 nothing is drawn.",
    )
    gate_share: float = _number(
        0.1,
        0.0,
        0.9,
        "Share of these minutes for whole organs of patients kept for evaluation, by which new networks are "
        f"judged, until {LEAST_PATIENTS} such patients have a mask of each organ that people vouch for.",
    )
    audit_bound: float = _number(
        0.05,
        0.0,
        1.0,
        "A round is the last once the audit shows, with 95 % confidence, that no greater share of the organs "
        "that nobody revised needs a major revision. With 0 rounds go on for ever.",
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
    postprocessing: str = _text("default", f"How masks are cleaned up: {', '.join(POSTPROCESSING)}.")
    new_organs: tuple[str, ...] = _text(
        (),
        "Those of the organs that `omentum organs add` brought in. Until a network has learned one, it is "
        "unknown there, not empty. What its head begins as may follow: organ=similar+similar.",
    )

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
        """For each new organ, those that its head shall begin as; none where nobody said.

        Example:
            >>> Settings(organs=("liver", "colon"), new_organs=("colon=liver",)).similar_to_new
            {'colon': ('liver',)}
        """
        return dict(map(_parted, self.new_organs))

    def __post_init__(self) -> None:
        """Refuse settings that cannot run, before any volume is read."""
        settled: dict[str, object] = {
            "organs": _settled_organs(self.organs),
            "networks": tuple(checked_name("networks", name) for name in _names("networks", self.networks)),
            "database": _settled_database(self.database),
        }
        settled["new_organs"] = _settled_new_organs(self.new_organs, _settled_organs(self.organs))
        for one in fields(self):
            if "range" in one.metadata and getattr(self, one.name) is not None:
                settled[one.name] = _settled_number(one.name, getattr(self, one.name), *one.metadata["range"])
        if self.recipe not in RECIPES:
            raise ConfigError("recipe", self.recipe, f"the recipes are {', '.join(RECIPES)}")
        if self.strategy not in STRATEGIES:
            raise ConfigError("strategy", self.strategy, f"the strategies are {', '.join(STRATEGIES)}")
        if self.postprocessing not in POSTPROCESSING:
            rule = f"the recipes are {', '.join(POSTPROCESSING)}"
            raise ConfigError("postprocessing", self.postprocessing, rule)
        for name, value in settled.items():
            object.__setattr__(self, name, value)


def _names(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, tuple | list) or not all(isinstance(one, str) for one in value):
        raise ConfigError(name, value, 'it must be a list of names, such as ["one", "two"]')
    if not value or len(set(value)) < len(value):
        raise ConfigError(name, value, "it must hold at least one name, and each only once")
    return tuple(value)


def _settled_organs(value: object) -> tuple[str, ...]:
    names = _names("organs", value)
    try:
        return tuple(row.name for row in organs_named(names))
    except UnknownOrganError:
        known = ", ".join([*SUBSETS, *(row.name for row in ORGANS)])
        raise ConfigError("organs", list(names), f"known are {known}") from None


def _settled_new_organs(value: object, organs: tuple[str, ...]) -> tuple[str, ...]:
    texts = () if value in ((), []) else _names("new_organs", value)
    for text in texts:
        name, similar = _parted(text)
        if name not in organs:
            raise ConfigError("new_organs", list(texts), f"{name!r} must be one of organs")
        for other in similar:
            _settled_organs((other,))
    return texts


def _parted(text: str) -> tuple[str, tuple[str, ...]]:
    name, _, similar = text.partition("=")
    return name.strip(), tuple(one.strip() for one in similar.split("+") if one.strip())


def _settled_database(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ConfigError("database", value, "it must be a URL such as sqlite:///omentum.db")
    beginnings = tuple(f"{scheme}://" for scheme in DATABASE_SCHEMES)
    if not value.startswith(beginnings):
        # What follows the scheme may hold a password, so that it is not shown.
        seen = value.partition(":")[0] + ":..." if "@" in value else value
        raise ConfigError("database", seen, f"it must begin with {' or '.join(beginnings)}")
    return value


def _settled_number(name: str, value: object, least: float, most: float) -> float:
    # NaN is in no range, and `true` is no number although Python counts it as one.
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ConfigError(name, value, f"it must be a number from {least:g} to {most:g}")
    return float(value)


def settings_text(settings: Settings) -> dict[str, str]:
    """Write each setting as TOML: a comment that explains it, then the setting in a line, if it is set."""
    values = {one.name: getattr(settings, one.name) for one in fields(settings)}
    return {
        one.name: f"{_as_comment(one.metadata['about'])}\n"
        + ("" if values[one.name] is None else f"{one.name} = {_as_toml(values[one.name])}\n")
        for one in fields(settings)
    }


def write_settings(path: Path, settings: Settings) -> None:
    """Write settings as TOML, each below a comment that explains it."""
    write_text(path, "# Settings of this Omentum project.\n\n" + "\n".join(settings_text(settings).values()))


def _as_comment(text: str) -> str:
    return textwrap.fill(text, _COMMENT_WIDTH, initial_indent="# ", subsequent_indent="# ")


def _as_toml(value: object) -> str:
    """Write a string, a float or a tuple of strings; JSON writes those as TOML reads them."""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def read_settings(path: Path) -> Settings:
    """Read settings; what the file leaves out has its default.

    Raises:
        ConfigError: The file is no TOML, has an unknown key, or a value that no run can use.
        ProjectError: The file cannot be read.
    """
    loaded = _read_toml(path)
    known = [one.name for one in fields(Settings)]
    for key in loaded:
        if key not in known:
            raise ConfigError(f"a key of {path}", key, f"the settings are {', '.join(known)}")
    return Settings(**loaded)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            str(path), error.object[error.start : error.end], "its text must be UTF-8"
        ) from None
    except OSError as error:
        raise ProjectError(
            f"{path} cannot be read ({error.strerror}); make it readable and try again"
        ) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        lines = text.splitlines() or [""]
        found = re.search(r"at line (\d+)", str(error))
        number = min(int(found.group(1)), len(lines)) if found else len(lines)
        raise ConfigError(
            f"line {number} of {path}", lines[number - 1], f"it must be TOML: {error}"
        ) from None
