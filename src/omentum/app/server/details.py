"""Gather what a page needs to open a task."""

import json
from collections.abc import Mapping
from contextlib import suppress

import numpy as np

from omentum.app.server.context import ServerState
from omentum.app.server.models import DetailOut, TaskOrganOut, TaskOut
from omentum.app.server.told import (
    told_draft,
    told_geometry,
    told_note,
    told_other_cts,
    told_spot,
    told_task,
)
from omentum.project.ct_findings import ct_findings_of
from omentum.project.standing import unconfirmed
from omentum.records import MaskFinding, MaskSource, Revision, Task
from omentum.review.blinding import as_seen_by, is_blinded
from omentum.review.draft_files import DraftFiles
from omentum.review.page_bases import OrganBase, TaskFacts, why_locked
from omentum.review.page_spots import ShownSpot, first_region, hot_spots_of
from omentum.store.leases import Lease
from omentum.store.tasks import pool_of

__all__ = ["detail_of", "drafts_of", "listed_tasks"]


def drafts_of(server: ServerState, task: Task, reader: str) -> DraftFiles:
    """Give the drafts of a task and reader."""
    return DraftFiles(server.project.folder, task.case_id, task.number or 0, reader)


def listed_tasks(server: ServerState, tasks: list[Task], reader: str) -> list[TaskOut]:
    """Describe tasks, with who has them."""
    with server.project.store.reading_together():
        leases = _leases(server, tasks)
        blinded = [one.number or 0 for one in tasks if is_blinded(one)]
        revisions = server.project.store.revisions.of_tasks(blinded)
        seen = [_seen(one, leases.get(one.number or 0, ()), revisions, reader) for one in tasks]
    return [told_task(task, lease, drafts_of(server, task, reader).count()) for task, lease in seen]


def detail_of(
    server: ServerState, task: Task, reader: str, *, differences: tuple[ShownSpot, ...] | None = None
) -> DetailOut:
    """Describe a task with all that a page needs to open it.

    Args:
        server: The server.
        task: The task.
        reader: Who opens it.
        differences: Of its readings, shown in the place of its hot spots.
    """
    with server.project.store.reading_together():
        return _detail_of(server, task, reader, differences)


def _detail_of(
    server: ServerState, task: Task, reader: str, differences: tuple[ShownSpot, ...] | None
) -> DetailOut:
    about = server.masks.about(task, reader)
    bases, spots = server.masks.bases(about), differences
    if spots is None:
        spots = hot_spots_of(server.project, server.masks, about)
    case, own = about.facts.case, bases.get(task.organ)
    region = first_region(about, bases, server.masks, spots)
    (row,) = listed_tasks(server, [task], reader)
    return DetailOut(
        **row.model_dump(),
        geometry=told_geometry(case.geometry),
        has_attention=server.masks.has_attention(about),
        hot_spots=[told_spot(one) for one in spots],
        region=[bound for part in region for bound in (part.start, part.stop)],
        base=None if own is None else own.sha256,
        base_source=None if own is None or own.source is None else own.source.value,
        network=about.network,
        organs=_organs(server, about, bases),
        masks=server.masks.sources(about),
        findings=_findings(server, about, own),
        rules=[one.rule for one in _of_ct(server, about)],
        other_cts=told_other_cts(case, server.project.store.cases.of_patient(case.patient_id)),
        notes=[told_note(one) for one in server.project.store.case_notes.of_case(case.case_id)],
        drafts=[told_draft(one, bases) for one in drafts_of(server, task, reader).all()],
    )


def _leases(server: ServerState, tasks: list[Task]) -> dict[int, tuple[Lease, ...]]:
    """Give the leases on tasks by their number, with one question a round."""
    found: dict[int, tuple[Lease, ...]] = {}
    for number in {one.round_number for one in tasks}:
        keys = [str(one.number) for one in tasks if one.round_number == number]
        leases = server.project.store.leases.all(pool_of(number), keys)
        found |= {int(key): of_key for key, of_key in leases.items()}
    return found


def _seen(
    task: Task, leases: tuple[Lease, ...], revisions: Mapping[int, list[Revision]], reader: str
) -> tuple[Task, Lease | None]:
    """Give a task and the lease on it as a reader may see them."""
    if is_blinded(task):
        leases = tuple(one for one in leases if one.holder == reader)
        task = as_seen_by(task, reader, revisions[task.number or 0], has_it=bool(leases))
    return task, _lease(leases, reader)


def _lease(leases: tuple[Lease, ...], reader: str) -> Lease | None:
    """Give the reader's own lease on a task, else another's."""
    own = next((one for one in leases if one.holder == reader), None)
    return own or next(iter(leases), None)


def _organs(server: ServerState, about: TaskFacts, bases: Mapping[str, OrganBase]) -> list[TaskOrganOut]:
    predicted_ml = _predicted_ml(about)
    found = []
    for name, base in bases.items():
        why = why_locked(about, name)
        volume_ml = predicted_ml.get(name) if base.source is MaskSource.PREDICTED else None
        is_read = base.is_apart and volume_ml is not None
        part = server.masks.known_part(base) if volume_ml is None else None
        part = server.masks.part(about, base) if is_read else part
        if part is not None:
            volume_ml = round(int(np.count_nonzero(part.values)) * about.facts.case.geometry.voxel_ml, 3)
        found.append(
            TaskOrganOut(
                organ=name,
                base=base.sha256,
                source=None if base.source is None else base.source.value,
                volume_ml=volume_ml,
                is_editable=not why,
                why_locked=why,
            )
        )
    return found


def _predicted_ml(about: TaskFacts) -> dict[str, float]:
    """Read the volumes that were measured when the case was predicted."""
    made = about.facts.prediction
    if made is None:
        return {}
    with suppress(OSError, ValueError, KeyError, TypeError):
        rows = json.loads(made.summary_path.read_text(encoding="utf-8"))["organs"]
        return {str(name): float(row["volume_ml"]) for name, row in rows.items()}
    return {}


def _findings(server: ServerState, about: TaskFacts, own: OrganBase | None) -> list[str]:
    """Say what the rules found of the mask that is shown, or of the whole CT; of audited organs nothing."""
    facts, task = about.facts, about.task
    if task.is_of_ct:
        return [str(one) for one in _of_ct(server, about)]
    if task.is_whole or own is None:
        return []
    sources = (facts.label, facts.prediction, own.revision)
    said = [one for source in sources if source is not None for one in source.findings]
    of_mask = [one for one in said if (one.organ, one.mask_sha256) == (task.organ, own.sha256)]
    return [str(one) for one in unconfirmed(of_mask, facts.confirmations)]


def _of_ct(server: ServerState, about: TaskFacts) -> tuple[MaskFinding, ...]:
    """Give what is open about the CT of a task about a whole CT; nothing of other tasks."""
    task = about.task
    if not task.is_of_ct:
        return ()
    return ct_findings_of(about.facts, server.project.store.arrivals.of_case(task.case_id))
