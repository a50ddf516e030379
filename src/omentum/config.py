"""Read settings that a user writes: TOML files, checked by pydantic, refused with one `ConfigError`."""

import re
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any, Self

from pydantic import AfterValidator, BaseModel, ValidationError

from omentum.errors import ConfigError, ProjectError

__all__ = ["ConfigModel", "one_of", "read_toml"]


class ConfigModel(BaseModel, frozen=True, extra="forbid", validate_default=True):
    """Settings that a user writes; its title is where they are written.

    Raises:
        ConfigError: A key is unknown, or a value breaks a rule; with the key, the value and the rule.
    """

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise self._config_error(error.errors()[0]) from None

    def changed(self, **changes: Any) -> Self:
        """Give the same settings with some changed; errors as when they are made."""
        return type(self)(**{**dict(self), **changes})

    @classmethod
    def _config_error(cls, found: Any) -> ConfigError:
        raised = found.get("ctx", {}).get("error")
        if isinstance(raised, ConfigError):
            return raised
        key = ".".join(map(str, found["loc"]))
        if found["type"] == "extra_forbidden":
            where = cls.model_config.get("title") or cls.__name__
            return ConfigError(f"a key of {where}", key, f"the keys are {', '.join(cls.model_fields)}")
        said = (
            found["msg"]
            .replace("Input should", "it must")
            .replace("a valid tuple", "a list")
            .replace("Field required", "it must not be left out")
        )
        rule = str(raised) if raised else said
        return ConfigError(key, found["input"], rule)


def one_of(names: Collection[str]) -> AfterValidator:
    """Make a rule for `Annotated`: the value is one of some names."""

    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"it must be one of {', '.join(names)}")
        return name

    return AfterValidator(check)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        ConfigError: The file is no TOML.
        ProjectError: The file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        seen = error.object[error.start : error.end]
        raise ConfigError(str(path), seen, "its text must be UTF-8") from None
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
        where = f"line {number} of {path}"
        raise ConfigError(where, lines[number - 1], f"it must be TOML: {error}") from None
