"""Check names that become names of folders: of cases, networks and releases; make names and pseudonyms."""

import hashlib
import hmac
import re
import unicodedata

from omentum.errors import ConfigError

__all__ = [
    "checked_case_id",
    "checked_name",
    "checked_new_case_id",
    "distinct_name",
    "pseudonym",
    "reader_pseudonym",
    "safe_name",
]

_LONGEST_BYTES = 100
_HASH_DIGITS = 8
_NAME = re.compile(rf"[A-Za-z0-9_-][A-Za-z0-9._-]{{0,{_LONGEST_BYTES - 1}}}")
_READER_PSEUDONYM = re.compile("reader-[0-9a-f]{8}")
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))]
)
"""Names that Windows has for devices, with any ending."""


def checked_name(kind: str, name: str) -> str:
    """Give a name back if it can safely be the name of a folder; in letters a to z, for programs.

    Raises:
        ConfigError: It cannot.

    Example:
        >>> checked_name("network", "unet-2")
        'unet-2'
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or ".." in name:
        rule = "it names a folder: 1 to 100 of a-z, A-Z, 0-9, '.', '_' and '-', no leading dot and no '..'"
        raise ConfigError(kind, name, rule)
    return name


def checked_case_id(kind: str, name: str) -> str:
    """Give a case's name back if it can be the name of a folder: letters and digits of every script, `._-`.

    Raises:
        ConfigError: It cannot.

    Example:
        >>> checked_case_id("case_id", "患者一")
        '患者一'
    """
    if not isinstance(name, str) or not _is_case_id(name):
        rule = (
            "it names a folder: 1 to 100 bytes of letters and digits (Unicode NFC), '.', '_' and '-', no "
            "leading dot and no '..'"
        )
        raise ConfigError(kind, name, rule)
    return name


def checked_new_case_id(kind: str, name: str) -> str:
    """Give a name back if it can be that of a new case, on every operating system.

    Raises:
        ConfigError: It cannot.
    """
    if safe_name(checked_case_id(kind, name)) != name:
        raise ConfigError(
            kind, name, f"Windows or a command line would not take it; {safe_name(name)!r} is one that fits"
        )
    return name


def safe_name(name: str) -> str:
    """Make the name of a case that every operating system accepts as that of a folder.

    Letters and digits of every script and `._-` stay, in Unicode NFC; anything else becomes `_`. A name of
    more than 100 bytes is cut, and a hash of all of it is added.

    Example:
        >>> safe_name("Müller, José (2)"), safe_name("CON"), safe_name("-rf.")
        ('Müller_José_2_', '_CON', '_rf')
    """
    whole = unicodedata.normalize("NFC", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    kept = re.sub(r"\0+", "_", "".join(letter if _is_kept(letter) else "\0" for letter in whole))
    safe = re.sub(r"\.{2,}", ".", kept).strip(".")
    if safe.startswith("-"):
        safe = f"_{safe[1:]}"
    if safe.partition(".")[0].casefold() in _RESERVED or unicodedata.category(safe[:1] or "_")[0] == "M":
        safe = f"_{safe}"
    return _shortened(safe, whole) or "case"


def distinct_name(case_id: str, name: str) -> str:
    """Add to the name of a case a hash of what it was made from, as another name gives the same one.

    Example:
        >>> distinct_name("P_1", "P 1")
        'P_1-6b906186'
    """
    return _with_hash(case_id, unicodedata.normalize("NFC", name))


def _is_case_id(name: str) -> bool:
    return (
        0 < len(name.encode("utf-8", "replace")) <= _LONGEST_BYTES
        and all(_is_kept(letter) for letter in name)
        and unicodedata.is_normalized("NFC", name)
        and unicodedata.category(name[0])[0] != "M"
        and not name.startswith(".")
        and ".." not in name
    )


def _is_kept(letter: str) -> bool:
    """Keep letters, their marks (most vowels of Indian scripts are marks), digits, and `._-`."""
    return letter in "._-" or unicodedata.category(letter) in {"Mn", "Mc"} or letter.isalnum()


def _shortened(safe: str, whole: str) -> str:
    return safe if len(safe.encode()) <= _LONGEST_BYTES else _with_hash(safe, whole)


def _with_hash(safe: str, whole: str) -> str:
    digits = hashlib.sha256(whole.encode("utf-8", "replace")).hexdigest()[:_HASH_DIGITS]
    room = _LONGEST_BYTES - _HASH_DIGITS - 1
    return f"{safe.encode()[:room].decode(errors='ignore').rstrip('.')}-{digits}"


def pseudonym(secret: bytes, identity: str) -> str:
    """Name a patient by a keyed hash (HMAC-SHA256), so that only the secret's owner can find who it was.

    Example:
        >>> pseudonym(bytes(32), "MRN 12345")
        'p-f24b6a9ea5efb1d7'
    """
    return "p-" + hmac.new(secret, identity.encode(), hashlib.sha256).hexdigest()[:16]


def reader_pseudonym(secret: bytes, reader: str) -> str:
    """Name a reader by a keyed hash (HMAC-SHA256), for what leaves the project.

    A name that is such a pseudonym already, as in masks from another project's release, stays, and so does
    an empty one.

    Example:
        >>> reader_pseudonym(bytes(32), "anna")
        'reader-ecad6a35'
    """
    if not reader or _READER_PSEUDONYM.fullmatch(reader):
        return reader
    return "reader-" + hmac.new(secret, f"reader {reader}".encode(), hashlib.sha256).hexdigest()[:8]
