"""Give the command that is running, as a person typed it or as a record may keep it."""

import re
import shlex
import sys

__all__ = ["again_command", "command_for_records", "without_passwords"]

_PASSWORD = re.compile(r"(?<=://)([^/@:\s]*):[^/@\s]*@")


def again_command() -> str:
    """Return the command that is running, for a shell; called again, it does only what is not done."""
    return shlex.join(_words())


def command_for_records() -> list[str]:
    """Return the words of the command that is running, without passwords of databases."""
    return [without_passwords(word) for word in _words()]


def without_passwords(text: str) -> str:
    """Replace the passwords of addresses such as `postgresql://ann:secret@db/atlas` by stars."""
    return _PASSWORD.sub(r"\1:***@", text)


def _words() -> list[str]:
    return ["omentum", *sys.argv[1:]]
