"""Routes of tasks: the queue, claims, answers and saves."""

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Body, Depends, Path, Query, Request

from omentum.app.server.context import CurrentProject, CurrentReader, CurrentServer
from omentum.app.server.details import detail_of, listed_tasks
from omentum.app.server.models import (
    DetailOut,
    GivenOut,
    LeftOutOut,
    NextOut,
    QueueOut,
    RenewedOut,
    SaveOut,
    TaskOut,
)
from omentum.app.server.refusals import refusals
from omentum.app.server.request_models import AnswerIn, NextIn, SkipIn
from omentum.app.server.told import told_save
from omentum.errors import EditsError, ImageError, MissingError, OmentumError
from omentum.records import WHOLE_CT, Task, TaskState
from omentum.review.activity import note_activity
from omentum.review.blinding import counts_as_seen
from omentum.review.claimed_tasks import give_back, skip_own
from omentum.review.claims import (
    HALF_AN_HOUR,
    claim_task,
    free_tasks,
    held_tasks,
    lease_next,
    note_claimed,
    renew,
)
from omentum.review.page_masks import PageMasks
from omentum.review.tasks import ANY_TASK, TaskFilter, required_task
from omentum.volumes.labels import organ

__all__ = ["EDITS_BODY", "CurrentTask", "Edits", "router"]

router = APIRouter(prefix="/api", tags=["tasks"])
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the task.")]
EDITS_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "An edit file: see docs/review-server.md.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def _task(number: Number, project: CurrentProject) -> Task:
    task = project.store.tasks.get(number)
    if task is None:
        raise MissingError(f"there is no task {number}; the queue lists those there are")
    return task


async def _edits(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/octet-stream":
        raise EditsError(f"the content type is {kind!r}, and edits are application/octet-stream")
    return await request.body()


CurrentTask = Annotated[Task, Depends(_task)]


def _at_work(project: CurrentProject, reader: CurrentReader, task: CurrentTask) -> None:
    """Note that the reader is at work, so that the time until a hand-in is counted."""
    note_activity(project, task.number or 0, reader)


AtWork = Depends(_at_work)
Edits = Annotated[bytes, Depends(_edits)]


@router.get("/queue", responses=refusals(404))
def queue(
    server: CurrentServer,
    reader: CurrentReader,
    organ: Annotated[str | None, Query(max_length=100)] = None,
    case: Annotated[str | None, Query(max_length=100)] = None,
    limit: Annotated[int, Query(ge=0, le=1000)] = 50,
) -> QueueOut:
    """List what the reader has and could have, by rank, and count the round's tasks."""
    only, project = _filter(organ, case), server.project
    with project.store.reading_together():
        number = project.store.rounds.current().number
        counts = counts_as_seen(project, number, reader)
        return QueueOut(
            round=number,
            counts={state.value: counts[state] for state in TaskState},
            mine=listed_tasks(server, held_tasks(project, reader, only=only), reader),
            next=listed_tasks(server, free_tasks(project, reader, only=only, limit=limit), reader),
            n_free=server.counts.n_free(reader, only),
        )


@router.post("/tasks/next", responses=refusals(404))
def next_task(
    server: CurrentServer,
    reader: CurrentReader,
    later: BackgroundTasks,
    wanted: Annotated[NextIn, Body()] = NextIn(),
) -> NextOut:
    """Claim the next task: the first that the reader has already, else the first that is free.

    One whose files cannot be read is given back, and said.
    """
    only, without, project = _filter(wanted.organ, wanted.case), set(wanted.without), server.project
    left_out: list[LeftOutOut] = []
    opened = None
    while opened is None:
        number = lease_next(project, reader, only=only, without=without, lasting=HALF_AN_HOUR)
        if number is None:
            break
        try:
            with project.store.reading_together():  # much of what is told was read when it was claimed
                task = note_claimed(project, number)
                server.masks.ct(task.case_id)
                opened = detail_of(server, task, reader)
        except (ImageError, MissingError) as error:
            give_back(project, [number], reader)
            without.add(number)
            left_out.append(_left_out(required_task(project, number), error))
        else:
            later.add_task(server.tell_task, task, reader)
            if wanted.warm:
                later.add_task(_warm, server.masks, task, reader)
    n_free = server.counts.n_free(reader, only)
    return NextOut(task=opened, n_free=n_free, left_out=left_out)


@router.get("/tasks/{number}", responses=refusals(404, 409))
def task(server: CurrentServer, reader: CurrentReader, task: CurrentTask) -> DetailOut:
    """Give all that is needed to open a task."""
    return detail_of(server, task, reader)


@router.post("/tasks/{number}/claim", responses=refusals(404, 409))
def claim(
    server: CurrentServer, reader: CurrentReader, task: CurrentTask, later: BackgroundTasks
) -> DetailOut:
    """Claim a task, or renew the claim on it."""
    claimed = claim_task(server.project, task.number or 0, reader)
    later.add_task(_warm, server.masks, claimed, reader)
    server.tell_task(claimed, reader)
    return detail_of(server, claimed, reader)


@router.post("/tasks/{number}/renew", responses=refusals(404, 409))
def renew_claim(project: CurrentProject, reader: CurrentReader, task: CurrentTask) -> RenewedOut:
    """Extend the lease on a task."""
    return RenewedOut(until=renew(project, task.number or 0, reader).isoformat())


@router.post("/tasks/{number}/give-back", responses=refusals(404))
def give_task_back(server: CurrentServer, reader: CurrentReader, task: CurrentTask) -> GivenOut:
    """Let others have a task; drafts stay."""
    given = give_back(server.project, [task.number or 0], reader)
    server.tell_task(task, reader)
    return GivenOut(given=bool(given))


@router.post("/tasks/{number}/skip", responses=refusals(404, 409))
def skip_task(server: CurrentServer, reader: CurrentReader, task: CurrentTask, why: SkipIn) -> TaskOut:
    """Leave a task out, with the reason: the reader's own, or one that is free and that no one has read."""
    skip_own(server.project, task.number or 0, why.why, by=reader)
    server.tell_task(task, reader)
    (row,) = listed_tasks(server, [server.project.store.tasks.get(task.number or 0) or task], reader)
    return row.model_copy(update={"state": TaskState.SKIPPED.value, "reason": why.why})


@router.post("/tasks/{number}/accept", status_code=202, responses=refusals(404, 409), dependencies=[AtWork])
def accept(server: CurrentServer, reader: CurrentReader, task: CurrentTask, said: AnswerIn) -> SaveOut:
    """Say that the mask which a task shows is right."""
    return told_save(server.saves.answer(task, reader, "accept", said.base, said.comment))


@router.post("/tasks/{number}/absent", status_code=202, responses=refusals(404, 409), dependencies=[AtWork])
def absent(server: CurrentServer, reader: CurrentReader, task: CurrentTask, said: AnswerIn) -> SaveOut:
    """Say that the organ of a task is not there."""
    return told_save(server.saves.answer(task, reader, "absent", said.base, said.comment))


@router.post(
    "/tasks/{number}/save",
    status_code=202,
    responses=refusals(404, 409),
    openapi_extra=EDITS_BODY,
    dependencies=[AtWork],
)
def save(server: CurrentServer, reader: CurrentReader, task: CurrentTask, edits: Edits) -> SaveOut:
    """Save edits: they are kept before this answers, and handed in afterwards."""
    return told_save(server.saves.save(task, reader, edits))


@router.get("/saves/{name}", responses=refusals(404))
def get_save(
    server: CurrentServer, reader: CurrentReader, name: Annotated[str, Path(max_length=100)]
) -> SaveOut:
    """Say what became of the reader's own save."""
    return told_save(server.saves.get(name, reader))


def _filter(organ_name: str | None, case_id: str | None) -> TaskFilter:
    if organ_name is None and case_id is None:
        return ANY_TASK
    name = organ_name if organ_name in (None, WHOLE_CT) else organ(str(organ_name)).name
    return TaskFilter(case_ids=() if case_id is None else (case_id,), organ=name)


def _left_out(task: Task, error: Exception) -> LeftOutOut:
    return LeftOutOut(task=task.number or 0, case=task.case_id, organ=task.organ, reason=str(error))


def _warm(masks: PageMasks, task: Task, reader: str) -> None:
    """Decode in the background; the next request for it says what is wrong with a file."""
    with suppress(OmentumError, OSError):
        masks.warm(masks.about(task, reader))
