"""Check names that become names of folders: of cases, networks and releases."""

import re

from omentum.errors import ConfigError

__all__ = ["checked_name"]

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


def checked_name(kind: str, name: str) -> str:
    """Give a name back if it can safely be the name of a folder.

    Raises:
        ConfigError: It cannot.

    Example:
        >>> checked_name("case_id", "BTCV_0002")
        'BTCV_0002'
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or ".." in name:
        rule = "it names a folder: 1 to 100 of a-z, A-Z, 0-9, '.', '_' and '-', no leading dot and no '..'"
        raise ConfigError(kind, name, rule)
    return name
