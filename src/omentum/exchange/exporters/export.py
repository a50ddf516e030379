"""Export a release in a registered layout.

In:  released cases, and the name of a layout.
Out: a folder in that layout, and `organs.json`: the organs of each case that are present, absent and unknown;
     cases that the layout cannot show are set aside with the reason.
"""

import json
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

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

__all__ = ["EXPORTERS", "export_release", "exporter_named"]

_NOTE = "export.json"

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
    exporter = exporter_named(layout_name)
    organs = exporter.organs_of(cases, asked.organs)
    if not organs:
        raise ReleaseError("no organ is known in every case; name those to export with --organs")
    export = Export(version=asked.version, out=asked.out, organs=organs, data_set=asked.data_set)
    _take(export, layout_name)
    unfit = [failure for case in cases if (failure := _unfit(case, exporter, organs)) is not None]
    keys = {failure.key for failure in unfit}
    fit = [case for case in cases if case.case_id not in keys]
    tell_failures(progress, "export", unfit)
    batch = runner.run(
        fit,
        partial(_write_case, layout_name, export),
        key=lambda case: case.case_id,
        ledger=MemoryLedger[None](),
        step="export",
        progress=progress,
    )
    written = set(batch.done)
    shown = [case for case in fit if case.case_id in written]
    if exporter.write_lists is not None and shown:
        exporter.write_lists(shown, export)
    write_json(export.out / STATES_NAME, {case.case_id: organ_states(case, organs) for case in shown})
    return Batch(done=batch.done, skipped=batch.skipped, failed=(*unfit, *batch.failed))


def _write_case(layout_name: str, export: Export, case: ReleasedCase) -> None:
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


def _take(export: Export, layout_name: str) -> None:
    """Take a folder that is free, or that this very export began in."""
    note = {"release": export.version, "layout": layout_name, "organs": list(export.organs)}
    path: Path = export.out / _NOTE
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) == note:
        return
    if export.out.exists() and (not export.out.is_dir() or any(export.out.iterdir())):
        raise ReleaseError(f"{export.out} is not empty, and holds another export or none; name a new folder")
    write_json(path, note)
