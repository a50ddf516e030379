"""Print what came back from readers: a table and sentences for people, JSON for programs."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import typer

from omentum.app.console import counted, say_error, say_table
from omentum.review.import_report import ImportReport, TakenMask

__all__ = ["imported_as_json", "say_imported"]

_COLUMNS = ("file", "case", "organ", "says", "added (mL)", "removed (mL)", "Dice to before", "stands")
_FEW = 4
"""Files of one folder that are named one by one."""


def say_imported(imported: ImportReport, folder: Path) -> None:
    """Print what was taken, what does not stand, and what was set aside."""
    rows = [_row(one) for one in imported.taken]
    if rows:
        table = [[*(row[name] for name in _COLUMNS[:-1]), "yes" if row["stands"] else "no"] for row in rows]
        say_table(f"{counted(len(rows), 'mask')} taken", _COLUMNS, table)
    else:
        n_before = sum(one.revision is not None for one in imported.known)
        typer.echo(
            f"nothing new in {folder}: {counted(n_before, 'mask')} handed in before; "
            "revised masks are saved as <organ>_revised.nii.gz"
        )
    for line in (line for row in rows for line in _worth_knowing(row)):
        say_error(line)
    for what, reason in _grouped(imported):
        say_error(f"{what} was set aside: {reason}")
    if imported.set_aside:
        n_files = len({one.key for one in imported.set_aside})
        say_error(f"{counted(n_files, 'file')} set aside; put them right and import the folder again")


def _worth_knowing(row: Mapping[str, Any]) -> Iterator[str]:
    """Say why a mask does not stand, what rules find odd of it, and what was done to place it."""
    of_case = f"{row['organ']} of {row['case']}"
    if not row["stands"]:
        yield f"{of_case} does not stand: {row['why']}"
    for one in row["findings"]:
        if not one["holds"]:
            yield f"{of_case}: {one['said']}; look whether that is right"
    for note in row["notes"]:
        yield f"{row['file']}: {note}"


def _grouped(imported: ImportReport) -> list[tuple[str, str]]:
    """List the files that were set aside; many of one folder with one reason as the folder."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in imported.set_aside:
        groups.setdefault((str(PurePosixPath(one.key).parent), one.reason), []).append(one.key)
    return [
        (name, reason)
        for (folder, reason), names in groups.items()
        for name in ([f"{folder}/ ({len(names)} files)"] if len(names) > _FEW else names)
    ]


def imported_as_json(imported: ImportReport) -> dict[str, Any]:
    """Give all of it for programs."""
    return {
        "taken": [_row(one) for one in imported.taken],
        "known": [{"file": one.file, "why": one.why} for one in imported.known],
        "set_aside": [{"file": one.key, "reason": one.reason} for one in imported.set_aside],
        "conflicts": [
            {
                "case": one.case_id,
                "organ": one.organ,
                "revision": one.number,
                "reader": one.reader,
                "conflicts_with": one.conflicts_with,
            }
            for one in imported.conflicts
        ],
    }


def _row(one: TakenMask) -> dict[str, Any]:
    revision = one.result.revision
    values = (
        one.file,
        revision.case_id,
        revision.organ,
        revision.says.value,
        revision.added_ml,
        revision.removed_ml,
        revision.dice_to_base,
        one.result.stands,
    )
    return dict(zip(_COLUMNS, values, strict=True)) | {
        "why": one.result.why_not,
        "reader": revision.reader,
        "round": revision.round_number,
        "network": revision.network,
        "task": revision.task_number,
        "revision": revision.number,
        "minutes": revision.minutes,
        "findings": [
            {"rule": found.rule, "said": found.said, "severity": found.severity, "holds": found.holds}
            for found in revision.findings
        ],
        "notes": list(one.notes),
    }
