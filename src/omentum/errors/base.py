"""The base of all errors that are raised on purpose."""

from typing import Any, ClassVar

__all__ = ["OmentumError"]


class OmentumError(Exception):
    """Base of them all: what a user can put right. Anything else is our bug."""

    may_pass: ClassVar[bool] = False
    """Whether the same call may work a little later, as nothing is wrong with what it was given."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes by kind and message, as each kind is made from arguments of its own."""
        return _as_it_was, (type(self), self.args, self.__dict__)


def _as_it_was(kind: type[OmentumError], args: tuple[Any, ...], attributes: dict[str, Any]) -> OmentumError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(attributes)
    return error
