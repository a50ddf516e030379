"""Print what the plausibility rules found in predictions: lines for people, rows for programs."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import typer

from omentum.app.failures import failure_rows
from omentum.predict.predict_files import FolderPlan
from omentum.predict.summary import finding_row, read_summary
from omentum.project.project import Project
from omentum.project.standing import unconfirmed
from omentum.records import WHOLE_CT, Batch, Confirmation, MaskSource

__all__ = [
    "as_json",
    "found_in_folder",
    "found_in_project",
    "held_back",
    "noted_in_folder",
    "say_found",
    "say_held_back",
    "say_noted",
]

_SHOWN = 20
"""Most cases that are named for people; programs get all."""
Row = dict[str, Any]


def found_in_project(project: Project, networks: Sequence[str], batches: Sequence[Batch]) -> list[Row]:
    """Give what no person has confirmed of what networks made of cases, one batch a network."""
    confirmed: dict[str, list[Confirmation]] = defaultdict(list)
    for one in project.store.confirmations.all():
        confirmed[one.case_id].append(one)
    rows: list[Row] = []
    for network, batch in zip(networks, batches, strict=True):
        predictions = project.predictions(network)
        rows.extend(
            {"case": case_id, "network": network, **finding_row(finding)}
            for case_id in sorted({*batch.done, *batch.skipped} & predictions.keys())
            for finding in unconfirmed(predictions[case_id].findings, confirmed.get(case_id, ()))
        )
    return rows


def found_in_folder(plan: FolderPlan, batch: Batch) -> list[Row]:
    """Give what summaries in a folder say was found."""
    return [
        {"case": case_id, **row}
        for case_id in (*batch.done, *batch.skipped)
        for row in read_summary(plan.folder(case_id)).get("findings", [])
    ]


def noted_in_folder(plan: FolderPlan, batch: Batch) -> list[Row]:
    """Give what summaries in a folder say was mended as CTs were read."""
    return [
        {"case": case_id, "said": said}
        for case_id in (*batch.done, *batch.skipped)
        for said in read_summary(plan.folder(case_id)).get("ct_notes", [])
    ]


def held_back(project: Project, case_ids: Collection[str]) -> list[Row]:
    """Give the predicted masks of cases that are held back until a person confirms them."""
    return [
        {"case": one.case.case_id, "organ": mask.organ, "said": [finding.said for finding in mask.findings]}
        for one in project.standing()
        if one.case.case_id in case_ids
        for mask in one.held
        if mask.source is MaskSource.PREDICTED
    ]


def say_found(rows: Iterable[Row], case_ids: Collection[str], *, with_severe: bool = False) -> None:
    """Print to stderr what is wrong with whole CTs, and perhaps with masks, of cases."""
    lines: dict[str, list[str]] = {}
    for row in rows:
        if row["case"] in case_ids and (row["organ"] == WHOLE_CT or (with_severe and row["holds"])):
            name = "whole CT" if row["organ"] == WHOLE_CT else row["organ"]
            lines.setdefault(row["case"], []).append(f"{name}: {row['said']}")
    for case_id, said in list(lines.items())[:_SHOWN]:
        typer.echo(f"{case_id}: {'; '.join(dict.fromkeys(said))}", err=True)
    if len(lines) > _SHOWN:
        typer.echo(f"{len(lines) - _SHOWN} more cases have such findings; --json lists them all", err=True)


def say_noted(rows: Sequence[Row]) -> None:
    """Print to stderr what was mended as CTs were read."""
    for row in rows[:_SHOWN]:
        typer.echo(f"{row['case']}: {row['said']}", err=True)
    if len(rows) > _SHOWN:
        typer.echo(f"{len(rows) - _SHOWN} more such notes; --json lists them all", err=True)


def say_held_back(held: Sequence[Row]) -> None:
    """Print to stderr how many masks wait for a person."""
    if held:
        masks = "mask is" if len(held) == 1 else "masks are"
        them = "it" if len(held) == 1 else "them"
        typer.echo(f"{len(held)} {masks} held back until a person confirms {them}: omentum status", err=True)


def as_json(
    batches: Sequence[Batch],
    findings: Sequence[Row],
    held: Sequence[Row] = (),
    notes: Sequence[Row] = (),
) -> Row:
    """Give all of it for programs; a case that several networks predicted failed if it failed in any."""
    failures = list(dict.fromkeys(failure for batch in batches for failure in batch.failed))
    failed = {failure.key for failure in failures}
    done = {key for batch in batches for key in batch.done} - failed
    skipped = {key for batch in batches for key in batch.skipped} - failed - done
    return {
        "done": sorted(done),
        "skipped": sorted(skipped),
        **failure_rows(failures),
        "findings": list(findings),
        "ct_notes": list(notes),
        "held_back": list(held),
    }
