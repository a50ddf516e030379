"""Name cases in the audit log by pseudonyms, and hash texts with the project's secret."""

import hashlib
import hmac
from collections.abc import Callable
from functools import cached_property

from omentum.names import pseudonym

__all__ = ["Aliases"]


class Aliases:
    """What stands in the audit log for names of cases and for texts; erasing a case changes none of it.

    Args:
        secret: Gives the project's secret, once it is needed.

    Example:
        >>> Aliases(lambda: bytes(32)).of("MRN 12345")
        'p-f24b6a9ea5efb1d7'
    """

    def __init__(self, secret: Callable[[], bytes]) -> None:
        self._read = secret

    def of(self, name: str) -> str:
        """Give the pseudonym of a case, or of a patient."""
        return pseudonym(self._secret, name)

    def of_text(self, text: str) -> str:
        """Hash a text so that no one without the secret can guess it; empty for none."""
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest() if text else ""

    @cached_property
    def _secret(self) -> bytes:
        return self._read()
