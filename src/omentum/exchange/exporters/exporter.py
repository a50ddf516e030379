"""What does an exporter have to do?

In:  the cases of a release, and what was asked for.
Out: a `Layout`: what it writes for one case, and what for all of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from omentum.records.released_cases import ReleasedCase
from omentum.volumes.labels import organs_named

__all__ = ["Export", "Layout"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What was asked for.

    Attributes:
        version: Of the release.
        out: Folder that is written to.
        organs: What to export, by rising index.
        data_set: Name that the layout gives to the whole.
    """

    version: str
    out: Path
    organs: tuple[str, ...]
    data_set: str = "Omentum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One way to hand on a release.

    Attributes:
        about: In a few words, for people.
        write_case: Writes what belongs to one case; nothing, where all goes into one file.
        write_lists: Writes what belongs to all, once every case is written.
        organs: What the layout holds; empty for whatever the release has.
        needs_all: Whether an organ that is unknown would look as if it were not there; cases that do not
            know all organs are left out then.
        needs_inputs: Whether it shows what the release was made from.
    """

    about: str
    write_case: Callable[[ReleasedCase, Export], None] | None = None
    write_lists: Callable[[Sequence[ReleasedCase], Export], None] | None = None
    organs: tuple[str, ...] = ()
    needs_all: bool = False
    needs_inputs: bool = False

    def organs_of(self, cases: Sequence[ReleasedCase], asked: Sequence[str]) -> tuple[str, ...]:
        """Choose the organs: those asked for, else the layout's, else all that every case or any knows."""
        if asked or self.organs:
            return tuple(row.name for row in organs_named(asked or self.organs))
        known = [set(case.organs) for case in cases]
        chosen = set.intersection(*known) if self.needs_all else set.union(*known)
        return tuple(row.name for row in organs_named(chosen))
