"""Print what `add` brought in: lines for people, JSON for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import typer

from omentum.app.console import say_error
from omentum.app.say_files import left_out_rows, say_files_left_out
from omentum.exchange.label_updates import LabelUpdates
from omentum.incoming import ImportResult
from omentum.project.patients import on_the_other_side, perhaps_of_one_patient
from omentum.project.project import Project
from omentum.records import Failure, LinkKind, PatientLink, Shared

__all__ = ["added_rows", "as_json", "say_added", "say_unusable"]


def added_rows(project: Project, added: ImportResult) -> list[dict[str, Any]]:
    """Give what was noted of each case that came in now; what there is none of is left out."""
    store = project.store
    cases = {case.case_id: case for case in store.cases.every()}
    arrivals, labels = store.arrivals.all(), store.labels.current()
    perhaps = perhaps_of_one_patient(cases.values(), added.cases.done)
    rows = []
    for case_id in added.cases.done:
        case, arrival, label = cases[case_id], arrivals[case_id], labels.get(case_id)
        told = {
            "source": case.source,
            "data_set": case.data_set,
            "licence": case.licence,
            "voxels": arrival.voxels,
            "same_voxels_as": arrival.same_voxels_as,
            "likely_patient_of": arrival.likely_patient_of,
            "patient_in_source": arrival.patient_in_source,
            "patients_conflict": arrival.patients_conflict,
            "patient_links": [asdict(one) for one in arrival.links],
            "on_the_other_side": on_the_other_side(case, arrival, cases),
            "perhaps_patient_of": perhaps.get(case_id, ()),
            "ct_notes": list(added.cases.notes.get(case_id, ())),
            "ct_findings": [str(one) for one in arrival.findings],
            "label_notes": [] if label is None else list(label.notes),
            "label_findings": [] if label is None else [str(one) for one in label.findings],
        }
        kept = {name: value for name, value in told.items() if value}
        rows.append({"case": case_id, "original_organs": case.original_organs, **kept})
    return rows


def as_json(
    rows: Sequence[Mapping[str, Any]], added: ImportResult, left_out: Sequence[Failure]
) -> dict[str, Any]:
    """Give all of it for programs."""
    labels = added.labels
    return {
        "added": rows,
        "before": added.cases.skipped,
        "moved": [{"case": case_id, "from": was_at} for case_id, was_at in added.cases.moved.items()],
        "labels_updated": [
            {
                "case": case_id,
                "file": str(version.path),
                "original_organs": version.organs,
                "label_notes": version.notes,
                "label_findings": [str(one) for one in version.findings],
                "revised_or_decided": labels.stay.get(case_id, ()),
            }
            for case_id, version in labels.updated.items()
        ],
        "labels_changed": [{"case": case_id, "reason": why} for case_id, why in labels.changed.items()],
        "failed": [{"case": one.key, "reason": one.reason} for one in added.cases.failed],
        "predictions": added.predictions.done,
        "revisions": added.revisions.done,
        "masks_failed": [{"mask": one.key, "reason": one.reason} for one in _unusable(added)],
        "notices": left_out_rows(added.notices),
        "left_out": left_out_rows(left_out),
    }


def say_added(rows: Sequence[Mapping[str, Any]], added: ImportResult, left_out: Sequence[Failure]) -> None:
    """Print what people should know, and at most a screenful of files."""
    for one in rows:
        for text in _worth_knowing(one):
            typer.echo(f"{one['case']}: {text}")
    for case_id, was_at in added.cases.moved.items():
        typer.echo(f"{case_id}: known, and moved from {was_at}")
    _say_updated(added.labels)
    say_files_left_out(left_out)
    if added.predictions.done or added.revisions.done:
        n_predictions, n_revisions = len(added.predictions.done), len(added.revisions.done)
        typer.echo(f"took {n_predictions} predictions and {n_revisions} revisions that were made before")
    say_files_left_out(added.notices, verb="")


def say_unusable(added: ImportResult) -> bool:
    """Print to stderr which masks and labels were not taken; return whether there is any."""
    for case_id, why in added.labels.changed.items():
        say_error(f"{case_id}: {why}")
    for mask in _unusable(added):
        say_error(f"{mask.key} was set aside: {mask.reason.removeprefix(f'{mask.key}: ')}")
    return bool(added.labels.changed or _unusable(added))


def _unusable(added: ImportResult) -> tuple[Failure, ...]:
    labels = (Failure(key=f"{one.key}/original label", reason=one.reason) for one in added.labels.failed)
    return (*labels, *added.predictions.failed, *added.revisions.failed)


def _say_updated(labels: LabelUpdates) -> None:
    for case_id, version in labels.updated.items():
        typer.echo(
            f"{case_id}: its original label is now {version.path.name}, of {', '.join(version.organs)}"
        )
        for text in (*version.notes, *version.findings):
            typer.echo(f"{case_id}: original label: {text}")
        if case_id in labels.stay:
            worked_on = ", ".join(labels.stay[case_id])
            typer.echo(f"{case_id}: revisions and decisions of people stay as they are: {worked_on}")


def _worth_knowing(row: Mapping[str, Any]) -> list[str]:
    about_label = (*row.get("label_notes", ()), *row.get("label_findings", ()))
    told = [f"original label: {text}" for text in about_label]
    told += (*row.get("ct_notes", ()), *row.get("ct_findings", ()))
    return told + _about_patient(row)


def _about_patient(row: Mapping[str, Any]) -> list[str]:
    """Say of which patient a case is; that the source names the patient goes without saying."""
    told = []
    unsaid: set[str] = {Shared.NAME}
    if "same_voxels_as" in row:
        told.append(f"it has the same voxels as {row['same_voxels_as']}")
        unsaid.add(Shared.VOXELS)
    links = [PatientLink(**one) for one in row.get("patient_links", ())]
    told += [str(one) for one in links if one.kind is not LinkKind.JOINED or one.why not in unsaid]
    if "likely_patient_of" in row and not links:
        told.append(f"it is probably of the same patient as {row['likely_patient_of']}")
    for other in row.get("on_the_other_side", ()):
        told.append(f"look at {other}: one of both is held out, and the other trains")
    if "perhaps_patient_of" in row:
        others = ", ".join(row["perhaps_patient_of"])
        told.append(f"it is perhaps of the same patient as {others}, by their names; they count as several")
    return told
