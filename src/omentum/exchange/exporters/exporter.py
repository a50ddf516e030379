"""Register exporters by name.

In:  the cases of a release, and an `Export`: what was asked for.
Out: files, written case by case; an exporter is an `Exporter` that `register` makes known.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from omentum.errors import ConfigError
from omentum.records.released_cases import ReleasedCase
from omentum.volumes.labels import organs_named

__all__ = ["EXPORTERS", "Export", "Exporter", "exporter_named", "register"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What to export, and where to.

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
class Exporter:
    """Writes a release in one layout.

    Attributes:
        about: One line of help.
        write_case: Writes the files of one case; `None` if all cases go into one file.
        write_lists: Writes what belongs to all cases, after every case is written.
        organs: Organs of the layout; empty for those of the release.
        needs_all: Whether the layout shows an unknown organ as absent; cases that do not know all organs are
            then left out.
        needs_inputs: Whether the layout shows what the release was made from.
    """

    about: str
    write_case: Callable[[ReleasedCase, Export], None] | None = None
    write_lists: Callable[[Sequence[ReleasedCase], Export], None] | None = None
    organs: tuple[str, ...] = ()
    needs_all: bool = False
    needs_inputs: bool = False

    def organs_of(self, cases: Sequence[ReleasedCase], asked: Sequence[str]) -> tuple[str, ...]:
        """Choose the organs: those asked for, else the layout's, else those that every or any case knows."""
        if asked or self.organs:
            return tuple(row.name for row in organs_named(asked or self.organs))
        known = [set(case.organs) for case in cases]
        chosen = set.intersection(*known) if self.needs_all else set.union(*known)
        return tuple(row.name for row in organs_named(chosen))


EXPORTERS: dict[str, Exporter] = {}
"""All exporters, by the name that `omentum export --layout` takes."""


def register(name: str, exporter: Exporter) -> None:
    """Offer an exporter as `--layout NAME`; each name is given once."""
    if name in EXPORTERS:
        raise ValueError(f"layout {name!r} is already taken: {EXPORTERS[name].about}")
    EXPORTERS[name] = exporter


def exporter_named(name: str) -> Exporter:
    """Find an exporter.

    Raises:
        ConfigError: No exporter has that name.
    """
    if name not in EXPORTERS:
        raise ConfigError("--layout", name, f"layouts are {', '.join(sorted(EXPORTERS))}")
    return EXPORTERS[name]
