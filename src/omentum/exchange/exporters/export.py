"""How does a release go to others? In one of the layouts here.

In:  released cases, and the name of a layout.
Out: a folder that those who asked for that layout can use; cases that it cannot show are set aside, with
     the reason.
"""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from omentum.errors import ConfigError, ReleaseError
from omentum.exchange.exporters.abdomenatlas_8k import ABDOMENATLAS_8K, abdomenatlas
from omentum.exchange.exporters.dicom_seg import DICOM_SEG
from omentum.exchange.exporters.exporter import Export, Layout
from omentum.exchange.exporters.masks_only import MASKS_ONLY
from omentum.exchange.exporters.meshes import STL
from omentum.exchange.exporters.rtstruct import RTSTRUCT
from omentum.exchange.exporters.training_sets import MONAI, NNUNET
from omentum.records import Batch, Failure
from omentum.records.released_cases import ReleasedCase
from omentum.runners.memory_ledger import MemoryLedger
from omentum.runners.runner import Progress, Runner
from omentum.volumes.atomic import write_json

__all__ = ["LAYOUTS", "export_release", "layout_named"]

LAYOUTS: dict[str, Layout] = {
    "abdomenatlas-8k": ABDOMENATLAS_8K,
    "abdomenatlas-1.0": abdomenatlas("abdomenatlas-1.0"),
    "abdomenatlas-1.1": abdomenatlas("abdomenatlas-1.1"),
    "nnunet": NNUNET,
    "monai": MONAI,
    "dicom-seg": DICOM_SEG,
    "rtstruct": RTSTRUCT,
    "stl": STL,
    "masks-only": MASKS_ONLY,
}
_NOTE = "export.json"


def layout_named(name: str) -> Layout:
    """Find a layout.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in LAYOUTS:
        raise ConfigError("--layout", name, f"layouts are {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


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
        layout_name: One of `LAYOUTS`.
        asked: What to export, and where to; without organs, all that the layout and the cases have.
        runner: Where the work runs.
        progress: Told of each case.

    Returns:
        The cases written; those that the layout cannot show are among the failed.

    Raises:
        ConfigError: There is no such layout.
        ReleaseError: `asked.out` holds something else, or no organ is left to export.
    """
    layout = layout_named(layout_name)
    organs = layout.organs_of(cases, asked.organs)
    if not organs:
        raise ReleaseError("no organ is known in every case; name those to export with --organs")
    export = Export(version=asked.version, out=asked.out, organs=organs, data_set=asked.data_set)
    _take(export, layout_name)
    unfit = [failure for case in cases if (failure := _unfit(case, layout, organs)) is not None]
    keys = {failure.key for failure in unfit}
    fit = [case for case in cases if case.case_id not in keys]
    batch = runner.run(
        fit,
        partial(_write_case, layout, export),
        key=lambda case: case.case_id,
        ledger=MemoryLedger[None](),
        step="export",
        progress=progress,
    )
    written = set(batch.done)
    if layout.write_lists is not None and written:
        layout.write_lists([case for case in fit if case.case_id in written], export)
    return Batch(done=batch.done, skipped=batch.skipped, failed=(*unfit, *batch.failed))


def _write_case(layout: Layout, export: Export, case: ReleasedCase) -> None:
    if layout.write_case is not None:
        layout.write_case(case, export)


def _unfit(case: ReleasedCase, layout: Layout, organs: Sequence[str]) -> Failure | None:
    unknown = [name for name in organs if name not in case.organs]
    if not layout.needs_all or not unknown:
        return None
    shown = ", ".join(unknown[:5]) + (", ..." if len(unknown) > 5 else "")
    return Failure(
        key=case.case_id,
        reason=f"{shown}: unknown here, and this layout would show it as not there; name organs that it has "
        "with --organs",
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
