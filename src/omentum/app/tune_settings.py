"""What do the options of `omentum tune` say? Settings: a file's, and over them those of the command."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from omentum.errors import ConfigError
from omentum.tune.config import ContinualConfig, FullConfig, full_config, read_config

__all__ = ["tune_settings"]

_OF_FULL = ("architecture", "devices")


def tune_settings(mode: str, path: Path | None, options: Mapping[str, Any]) -> ContinualConfig | FullConfig:
    """Give the settings of a mode.

    Args:
        mode: `continual` or `full`.
        path: Settings in TOML, if there are any.
        options: What the command says, by the name of the setting; `None` where it says nothing.

    Raises:
        ConfigError: There is no such mode, an option is of the other, or a value cannot be used.

    Example:
        >>> tune_settings("full", None, {"steps": 50, "seed": None}).steps
        50
    """
    said = {name: value for name, value in options.items() if value is not None}
    if mode == "continual":
        for name in _OF_FULL:
            if name in said:
                raise ConfigError(f"--{name}", said[name], "it goes with --mode full")
        return replace(read_config(path, ContinualConfig) if path else ContinualConfig(), **said)
    if mode != "full":
        raise ConfigError("--mode", mode, "modes are continual, full")
    if path is None:
        return full_config(**said)
    settings = read_config(path, FullConfig)
    if "architecture" in said and settings.start == "parent":
        raise ConfigError("--architecture", said["architecture"], f"{path} starts from the parent's weights")
    if said.get("architecture", settings.architecture) != settings.architecture:
        rule = f"{path} has the settings of {settings.architecture}; write `architecture` there"
        raise ConfigError("--architecture", said["architecture"], rule)
    return replace(settings, **said)
