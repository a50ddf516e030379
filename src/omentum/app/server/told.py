"""Say in JSON what the review's records hold."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from omentum.app.server.models import (
    CaseOut,
    DraftOut,
    EventOut,
    GeometryOut,
    HistoryOut,
    HotSpotOut,
    NoteOut,
    OrganOut,
    OtherCtOut,
    RevisionOut,
    SaveOut,
    TaskOut,
)
from omentum.project.ct_findings import ct_findings_of
from omentum.project.project import Project
from omentum.project.standing import facts_of_case
from omentum.records import Case, Task
from omentum.records.case_notes import CaseNote
from omentum.review.draft_files import KeptFile
from omentum.review.history import History
from omentum.review.page_bases import OrganBase
from omentum.review.page_spots import ShownSpot
from omentum.review.saves import Save
from omentum.store.leases import Lease
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import ORGANS, organ

if TYPE_CHECKING:
    from omentum.review.handed_in import HandInResult

__all__ = [
    "told_case",
    "told_draft",
    "told_geometry",
    "told_history",
    "told_note",
    "told_organs",
    "told_other_cts",
    "told_save",
    "told_spot",
    "told_task",
]


def told_organs() -> list[OrganOut]:
    """Give the label table."""
    return [
        OrganOut(
            organ=row.name,
            index=row.index,
            name=row.display_name,
            colour=row.colour,
            kind=row.kind,
            partner=row.partner,
        )
        for row in ORGANS
    ]


def told_task(task: Task, lease: Lease | None = None, n_drafts: int = 0) -> TaskOut:
    """Describe a task; of one that was drawn at random nothing that tells how it scored."""
    is_scored = not task.is_whole
    return TaskOut(
        task=task.number or 0,
        round=task.round_number,
        case=task.case_id,
        organ=task.organ,
        name="Whole CT" if task.is_of_ct else organ(task.organ).display_name,
        kind=task.kind.told,
        state=task.state.value,
        is_whole=task.is_whole,
        is_of_ct=task.is_of_ct,
        n_readings=task.n_readings,
        rank=task.rank,
        attention_ml=task.attention_ml if is_scored else None,
        error_ml=task.error_ml if is_scored else None,
        n_spots=task.n_spots if is_scored else None,
        minutes=task.minutes if is_scored else None,
        reason=task.reason if is_scored else "",
        holder=None if lease is None else lease.holder,
        until=None if lease is None else lease.until.isoformat(),
        n_drafts=n_drafts,
    )


def told_geometry(geometry: Geometry) -> GeometryOut:
    """Describe a grid."""
    return GeometryOut(
        shape=geometry.shape,
        affine=geometry.affine.tolist(),
        spacing_mm=geometry.spacing_mm,
        orientation=geometry.orientation,
        voxel_ml=geometry.voxel_ml,
    )


def told_spot(spot: ShownSpot) -> HotSpotOut:
    """Describe a hot spot."""
    return HotSpotOut(**asdict(spot))


def told_save(save: Save) -> SaveOut:
    """Describe what became of a save."""
    return SaveOut(
        save=save.name,
        task=save.task_number,
        state=save.state,
        bases=dict(save.bases),
        revisions=[_told_revision(one) for one in save.results],
        said=save.said,
    )


def _told_revision(result: "HandInResult") -> RevisionOut:
    one = result.revision
    return RevisionOut(
        organ=one.organ,
        revision=one.number or 0,
        sha256=one.sha256,
        says=one.says.value,
        stands=result.stands,
        why_not=result.why_not,
        added_ml=one.added_ml,
        removed_ml=one.removed_ml,
        dice_to_base=one.dice_to_base,
        findings=[found.said for found in one.findings],
    )


def told_draft(kept: KeptFile, bases: Mapping[str, OrganBase]) -> DraftOut:
    """Describe a draft."""
    begun = kept.told.get("begun_with", {})
    return DraftOut(
        draft=kept.name,
        task=kept.task_number,
        time=kept.time.isoformat(),
        n_bytes=kept.n_bytes,
        organs=list(begun),
        is_stale=any(name in bases and bases[name].sha256 != sha256 for name, sha256 in begun.items()),
        why=kept.told.get("why", "autosave"),
    )


def told_note(note: CaseNote) -> NoteOut:
    """Describe a note about a case."""
    return NoteOut(
        note=note.number or 0,
        case=note.case_id,
        kind=note.kind.value,
        text=note.text,
        by=note.by,
        time=note.time.isoformat(),
        is_withdrawn=bool(note.withdrawn_by),
    )


def told_history(found: History, only_by: str | None = None) -> HistoryOut:
    """Describe the history of an organ; of other readers nothing where `only_by` names one."""
    events = [one for one in found.events if only_by is None or one.what != "revision" or one.by == only_by]
    return HistoryOut(
        case=found.case_id,
        organ=found.organ,
        stands=None if found.stands is None or only_by is not None else found.stands.value,
        why="" if only_by is not None else found.why,
        events=[
            EventOut(
                time=None if one.time is None else one.time.isoformat(),
                what=one.what,
                by=one.by,
                said=one.said,
                revision=one.revision_number,
                stands=one.stands and only_by is None,
            )
            for one in events
        ],
    )


def told_case(project: Project, case: Case) -> CaseOut:
    """Describe a CT."""
    facts = facts_of_case(project, case.case_id)
    found = ct_findings_of(facts, project.store.arrivals.of_case(case.case_id))
    return CaseOut(
        case=case.case_id,
        source=case.source,
        excluded_why=case.excluded_why,
        geometry=told_geometry(case.geometry),
        findings=[str(one) for one in found],
        notes=[told_note(one) for one in project.store.case_notes.of_case(case.case_id)],
        other_cts=told_other_cts(case, project.store.cases.of_patient(case.patient_id)),
    )


def told_other_cts(case: Case, of_patient: Iterable[Case]) -> list[OtherCtOut]:
    """Describe the other CTs of a patient."""
    return [
        OtherCtOut(case=one.case_id, source=one.source, geometry=told_geometry(one.geometry))
        for one in of_patient
        if one.case_id != case.case_id
    ]
