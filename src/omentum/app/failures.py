"""Group failures by their reasons, for people and for programs, with the command that tries them again."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from omentum.app.command_line import again_command
from omentum.records import Failure

__all__ = ["FailureGroup", "failure_rows", "group_failures"]

_SHOWN = 5
"""Most items of a group that are named for people; programs get all."""
_OWN = re.compile(r"\S*[/\\]\S+|\d+(?:\.\d+)?")
"""What a reason says of one item alone: paths and numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """Items that failed for the same reason, but for their names, paths and numbers."""

    keys: tuple[str, ...]
    reason: str
    """As the first of them has it."""

    def __str__(self) -> str:
        """Say it in a line."""
        if len(self.keys) == 1:
            return f"{self.keys[0]} was set aside: {self.reason}"
        more = f", and {len(self.keys) - _SHOWN} more" if len(self.keys) > _SHOWN else ""
        named = ", ".join(self.keys[:_SHOWN]) + more
        return f"{len(self.keys)} were set aside ({named}), the first with: {self.reason}"


def group_failures(failures: Iterable[Failure]) -> list[FailureGroup]:
    """Group failures by reason; the largest group comes first.

    Example:
        >>> found = [Failure(key=key, reason=f"{key}: 2 of {n} slices") for key, n in (("a", 30), ("b", 41))]
        >>> print(*group_failures([*found, Failure(key="c", reason="no CT")]), sep="; ")
        2 were set aside (a, b), the first with: 2 of 30 slices; c was set aside: no CT
    """
    groups: dict[str, list[Failure]] = {}
    for one in dict.fromkeys(failures):
        same = _OWN.sub("#", one.reason.replace(one.key, "#"))
        groups.setdefault(same, []).append(one)
    found = [
        FailureGroup(
            keys=tuple(dict.fromkeys(one.key for one in group)),
            reason=group[0].reason.removeprefix(f"{group[0].key}: "),
        )
        for group in groups.values()
    ]
    return sorted(found, key=lambda group: -len(group.keys))


def failure_rows(failures: Sequence[Failure]) -> dict[str, Any]:
    """Give failures for programs: each, by reason, and the command that tries them again."""
    return {
        "failed": [{"case": one.key, "reason": one.reason} for one in failures],
        "failed_by_reason": [
            {"reason": group.reason, "n": len(group.keys), "cases": list(group.keys)}
            for group in group_failures(failures)
        ],
        "again": again_command() if failures else None,
    }
