"""Routes of adjudication: compare the readings of a task, and decide which mask stands."""

from fastapi import APIRouter

from omentum.app.server.adjudication_models import (
    AdjudicationOut,
    AdjudicationRow,
    AdjudicationsOut,
    DecidedOut,
    DecideIn,
    ReadingOut,
)
from omentum.app.server.context import CurrentProject, CurrentReader, CurrentServer, ServerState
from omentum.app.server.details import detail_of, drafts_of
from omentum.app.server.models import SaveOut
from omentum.app.server.refusals import refusals
from omentum.app.server.task_routes import EDITS_BODY, CurrentTask, Edits
from omentum.app.server.told import told_save
from omentum.errors import EditsError, StaleBaseError
from omentum.records import Task
from omentum.review.adjudicate import (
    Reading,
    adjudications,
    decide_task,
    require_adjudicator,
    sources_of,
)
from omentum.review.edit_files import EditFile, edited, read_edits
from omentum.review.page_bases import TaskFacts
from omentum.review.stale_base import stale_masks
from omentum.volumes.boxes import BoxedMask
from omentum.volumes.labels import organ

__all__ = ["router"]

router = APIRouter(prefix="/api/adjudications", tags=["adjudication"])


@router.get("", responses=refusals())
def list_adjudications(project: CurrentProject) -> AdjudicationsOut:
    """List the tasks whose readings disagree, the largest difference first."""
    return AdjudicationsOut(
        tasks=[
            AdjudicationRow(
                task=one.task.number or 0,
                round=one.task.round_number,
                case=one.task.case_id,
                organ=one.task.organ,
                name=organ(one.task.organ).display_name,
                n_readings=one.n_readings,
                differ_ml=round(one.differ_ml, 3),
                dice=one.dice,
            )
            for one in adjudications(project)
        ]
    )


@router.get("/{number}", responses=refusals(404, 409))
def adjudication(server: CurrentServer, person: CurrentReader, task: CurrentTask) -> AdjudicationOut:
    """Give all that is needed to compare the readings of a task."""
    about, readings = _required(server, task, person)
    detail = detail_of(server, task, person, differences=server.readings.spots(about, readings))
    told = detail.model_dump() | {
        "state": task.state.value,
        "n_readings": len(readings),
        "masks": list(dict.fromkeys([*detail.masks, *sources_of(readings)])),
    }
    return AdjudicationOut(
        **told,
        readings=[_told_reading(server, about, readings, one) for one in readings],
        common_ml=server.readings.volume_ml(about, readings, "common"),
        sources=list(sources_of(readings)),
        bases=server.readings.hashes(about, readings),
    )


@router.post("/{number}/decide", responses=refusals(404, 409))
def decide(server: CurrentServer, person: CurrentReader, task: CurrentTask, wanted: DecideIn) -> DecidedOut:
    """Decide that a reading, or a mask made of all readings, stands."""
    decision = decide_task(server.project, task.number or 0, wanted.stands, by=person, why=wanted.why)
    server.tell_task(task, person)
    server.events.tell("organ", {"case": task.case_id, "organ": task.organ})
    return DecidedOut(decision=decision.number or 0, revision=decision.revision_number or 0)


@router.post("/{number}/save", status_code=202, responses=refusals(404, 409), openapi_extra=EDITS_BODY)
def save(server: CurrentServer, person: CurrentReader, task: CurrentTask, edits: Edits) -> SaveOut:
    """Save the mask that the adjudicator drew; that it stands is decided when it is handed in."""
    about, readings = _required(server, task, person)
    file = read_edits(edits, about.facts.case.geometry)
    if [one.organ for one in file.edits] != [task.organ]:
        seen = ", ".join(one.organ for one in file.edits) or "no organ"
        raise EditsError(f"the edits are of {seen}, and task {task.number} decides about {task.organ} alone")
    base, measured_from = _base(server, about, readings, file, edits)
    part = edited(base, file.edits[0])
    kept = server.saves.decide(task, person, part, measured_from, file.header.comment)
    if file.header.draft is not None:
        drafts_of(server, task, person).remove(file.header.draft)
    return told_save(kept)


def _required(server: ServerState, task: Task, person: str) -> tuple[TaskFacts, tuple[Reading, ...]]:
    """Gather a task's readings for who may decide between them."""
    about = server.masks.about(task, person)
    readings = server.readings.of(about)
    require_adjudicator(server.project, task, person, readings)
    return about, readings


def _told_reading(
    server: ServerState, about: TaskFacts, readings: tuple[Reading, ...], one: Reading
) -> ReadingOut:
    return ReadingOut(
        label=one.label,
        revision=one.revision.number or 0,
        says=one.revision.says.value,
        volume_ml=server.readings.volume_ml(about, readings, one.source),
    )


def _base(
    server: ServerState, about: TaskFacts, readings: tuple[Reading, ...], file: EditFile, content: bytes
) -> tuple[BoxedMask | None, str | None]:
    """Give the mask that the edit began with, and the hash of the mask that it is measured against.

    That is a reading itself; of a mask that is made of readings, what the readers were shown.
    """
    (edit,) = file.edits
    shown = about.task.shown_sha256
    if edit.base_sha256 is None:
        return None, shown
    hashes = server.readings.hashes(about, readings)
    source = next((name for name, sha256 in hashes.items() if sha256 == edit.base_sha256), None)
    if source is None:
        begun_with = {edit.organ: edit.base_sha256}
        draft = drafts_of(server, about.task, about.reader).rescue(
            content, "stale-base", begun_with=begun_with
        )
        raise StaleBaseError(stale_masks(server.masks.bases(about), begun_with), draft.name)
    is_reading = source.startswith("revision:")
    return server.readings.part(about, readings, source), edit.base_sha256 if is_reading else shown
