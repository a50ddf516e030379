"""Export a release in a registered layout.

In:  released cases, and the name of a layout.
Out: a folder in that layout, and `organs.json`: the organs of each case that are present, absent and unknown;
     cases that the layout cannot show are set aside with the reason.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from omentum.choices import LAYOUTS
from omentum.errors import ReleaseError
from omentum.exchange.exporters.absent import STATES_NAME, organ_states
from omentum.exchange.exporters.exporter import EXPORTERS, Export, Exporter, exporter_named
from omentum.records import Batch, Failure
from omentum.records.released_cases import ReleasedCase
from omentum.runners.job_events import tell_failures
from omentum.runners.memory_ledger import MemoryLedger
from omentum.runners.runner import Progress, Runner
from omentum.volumes.atomic import write_json

__all__ = [
    "EXPORTERS",
    "NOTE_NAME",
    "ChosenCases",
    "choose",
    "export_release",
    "exporter_named",
    "occupied",
    "write_case",
    "write_lists",
]

NOTE_NAME = "export.json"
"""Says which export began in a folder."""

for _module in dict.fromkeys(LAYOUTS.values()):
    import_module(f"omentum.exchange.exporters.{_module}")  # each registers its exporters


def export_release(
    cases: Sequence[ReleasedCase],
    layout_name: str,
    asked: Export,
    runner: Runner,
    *,
    progress: Progress | None = None,
) -> Batch:
    """Write a release in a layout; the same call again goes on after a kill.

    Args:
        cases: Of one release.
        layout_name: One of `EXPORTERS`.
        asked: What to export, and where to; without organs, all that the layout and the cases have.
        runner: Where the work runs.
        progress: Told of each case.

    Returns:
        The cases written; those that the layout cannot show are among the failed.

    Raises:
        ConfigError: There is no such exporter.
        ReleaseError: `asked.out` holds something else, or no organ is left to export.
    """
    chosen = choose(cases, layout_name, asked)
    _take(chosen)
    tell_failures(progress, "export", chosen.unfit)
    batch = runner.run(
        chosen.fit,
        partial(write_case, layout_name, chosen.export),
        key=lambda case: case.case_id,
        ledger=MemoryLedger[None](),
        step="export",
        progress=progress,
    )
    write_lists(chosen, batch.done, chosen.export.out)
    return Batch(done=batch.done, skipped=batch.skipped, failed=(*chosen.unfit, *batch.failed))


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenCases:
    """What of a release a layout can show.

    Attributes:
        layout_name: One of `EXPORTERS`.
        export: With the organs that were chosen.
        fit: Cases to write.
        unfit: Cases that the layout cannot show, with the reason.
    """

    layout_name: str
    export: Export
    fit: tuple[ReleasedCase, ...]
    unfit: tuple[Failure, ...]

    @property
    def note(self) -> dict[str, Any]:
        """What `export.json` says, by which an export that goes on is known."""
        organs = list(self.export.organs)
        return {"release": self.export.version, "layout": self.layout_name, "organs": organs}


def choose(cases: Sequence[ReleasedCase], layout_name: str, asked: Export) -> ChosenCases:
    """Choose organs and cases; errors as `export_release`."""
    exporter = exporter_named(layout_name)
    organs = exporter.organs_of(cases, asked.organs)
    if not organs:
        raise ReleaseError("no organ is known in every case; name those to export with --organs")
    unfit = [failure for case in cases if (failure := _unfit(case, exporter, organs)) is not None]
    keys = {failure.key for failure in unfit}
    return ChosenCases(
        layout_name=layout_name,
        export=replace(asked, organs=organs),
        fit=tuple(case for case in cases if case.case_id not in keys),
        unfit=tuple(unfit),
    )


def write_lists(chosen: ChosenCases, written: Collection[str], out: Path) -> None:
    """Write what belongs to all cases that were written, and the organs of each.

    Args:
        chosen: The cases, and how they are shown.
        written: Names of those that were.
        out: Folder.
    """
    exporter, export = exporter_named(chosen.layout_name), replace(chosen.export, out=out)
    shown = [case for case in chosen.fit if case.case_id in set(written)]
    if exporter.write_lists is not None and shown:
        exporter.write_lists(shown, export)
    write_json(out / STATES_NAME, {case.case_id: organ_states(case, export.organs) for case in shown})


def write_case(layout_name: str, export: Export, case: ReleasedCase) -> None:
    """Write the files of one case."""
    exporter = exporter_named(layout_name)  # by its name, as functions of another program cannot be pickled
    if exporter.write_case is not None:
        exporter.write_case(case, export)


def _unfit(case: ReleasedCase, exporter: Exporter, organs: Sequence[str]) -> Failure | None:
    unknown = [name for name in organs if name not in case.organs]
    if not exporter.needs_all or not unknown:
        return None
    shown = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
    return Failure(
        key=case.case_id,
        reason=f"{shown}: unknown in this case, and the layout would show it as absent; "
        "name known organs with --organs",
    )


def _take(chosen: ChosenCases) -> None:
    """Take a folder that is free, or that this very export began in."""
    out = chosen.export.out
    path: Path = out / NOTE_NAME
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) == chosen.note:
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ReleaseError(occupied(out))
    write_json(path, chosen.note)


def occupied(out: Path | str) -> str:
    """Say that a folder or an address is not free."""
    return f"{out} is not empty, and holds another export or none; name a new folder"
