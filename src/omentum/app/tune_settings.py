"""Combine the settings of a file with the options of `omentum tune`, which override them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omentum.config import read_toml
from omentum.errors import ConfigError
from omentum.tune.config import ContinualConfig, FullConfig

__all__ = ["tune_settings"]

_KINDS: dict[str, type[ContinualConfig] | type[FullConfig]] = {
    "continual": ContinualConfig,
    "full": FullConfig,
}

_OPTIONS = {"replay_share": "--replay"}
"""Options that are not called like their setting."""


def tune_settings(mode: str, path: Path | None, options: Mapping[str, Any]) -> ContinualConfig | FullConfig:
    """Give the settings of a mode.

    Args:
        mode: `continual` or `full`.
        path: Settings in TOML, if there are any.
        options: Options by the name of the setting; `None` where not given.

    Raises:
        ConfigError: There is no such mode, an option is of the other, or a value cannot be used.

    Example:
        >>> tune_settings("full", None, {"steps": 50, "seed": None}).steps
        50
    """
    if mode not in _KINDS:
        raise ConfigError("--mode", mode, f"modes are {', '.join(_KINDS)}")
    said = {name: value for name, value in options.items() if value is not None}
    kind = _KINDS[mode]
    for name in said.keys() - kind.model_fields.keys():
        (other,) = _KINDS.keys() - {mode}
        raise ConfigError(
            _OPTIONS.get(name, f"--{name.replace('_', '-')}"), said[name], f"it goes with --mode {other}"
        )
    if path is None:
        return kind(**said)
    if kind is ContinualConfig:  # what is given, in the file or as an option, decides what is chosen
        return kind(**{**read_toml(path), **said})
    settings = kind(**read_toml(path))
    if isinstance(settings, FullConfig) and "architecture" in said:
        _check_architecture(settings, said["architecture"], path)
    return settings.changed(**said)


def _check_architecture(settings: FullConfig, said: str, path: Path) -> None:
    """Refuse an option that contradicts the file, whose other settings are those of its architecture."""
    if settings.start == "parent":
        raise ConfigError("--architecture", said, f"{path} starts from the parent's weights")
    if said != settings.architecture:
        rule = f"{path} has the settings of {settings.architecture}; write `architecture` there"
        raise ConfigError("--architecture", said, rule)
