"""Check and hash the passwords of people: Argon2id, by pwdlib."""

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from omentum.errors import ConfigError

if TYPE_CHECKING:
    from pwdlib import PasswordHash

__all__ = ["LEAST_LETTERS", "MOST_LETTERS", "hashed_password", "is_password_of"]

LEAST_LETTERS = 12
MOST_LETTERS = 1000


def hashed_password(name: str, password: str) -> str:
    """Hash a new password.

    Args:
        name: Of the person.
        password: As it was typed.

    Raises:
        ConfigError: It is too short or too long, or is the name; or pwdlib is not installed.
    """
    n_letters = len(password)
    if not LEAST_LETTERS <= n_letters <= MOST_LETTERS:
        rule = (
            f"it must have {LEAST_LETTERS} to {MOST_LETTERS}; several words that no one else combines do well"
        )
        raise ConfigError("the number of letters of the password", n_letters, rule)
    if password.casefold() == name.casefold():
        raise ConfigError(f"the password of {name}", "its name", "others can guess it; give another")
    return _hasher().hash(_normal(password))


def is_password_of(password_hash: str | None, password: str) -> bool:
    """Tell whether a password has this hash; without a hash it takes as long, and is false."""
    known = _nobodys_hash() if password_hash is None else password_hash
    is_right = len(password) <= MOST_LETTERS and _hasher().verify(_normal(password), known)
    return is_right and password_hash is not None


def _normal(password: str) -> str:
    """Write letters with accents in one way, as keyboards differ in it."""
    return unicodedata.normalize("NFC", password)


@cache
def _nobodys_hash() -> str:
    return _hasher().hash("no one has this password")


@cache
def _hasher() -> "PasswordHash":
    try:
        from pwdlib import PasswordHash
        from pwdlib.hashers.argon2 import Argon2Hasher
    except ImportError:
        rule = "passwords need pwdlib with argon2; run `pip install 'omentum[review]'`"
        raise ConfigError("omentum people", "this installation", rule) from None
    return PasswordHash((Argon2Hasher(),))
