"""Errors of who asks: a token or a name that is none, a wrong password, too many of them."""

from omentum.errors import AccessError, OmentumError

__all__ = ["StrangerError", "TooManyTriesError", "WrongLoginError"]


class StrangerError(AccessError):
    """A token is none, or a name in a header was not sent by a proxy."""


class WrongLoginError(AccessError):
    """Name and password do not belong together, or the person is disabled."""


class TooManyTriesError(OmentumError, RuntimeError):
    """Passwords were tried too often."""

    def __init__(self, wait_seconds: int) -> None:
        """Say for how long nothing is tried."""
        super().__init__(f"too many passwords were tried; wait {wait_seconds} s and try again")
        self.wait_seconds = wait_seconds
