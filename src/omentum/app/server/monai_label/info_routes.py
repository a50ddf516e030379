"""Routes of MONAI Label that say what there is, and give the next task."""

import hashlib
from typing import Annotated, Any
from urllib.parse import quote_plus

from fastapi import APIRouter, Body, Path

from omentum import __version__
from omentum.app.server.context import CurrentReader, CurrentServer, ServerState
from omentum.app.server.monai_label.label_files import NIFTI, SEGMENTS
from omentum.app.server.monai_label.models import InfoOut, SampleOut, StatusOut
from omentum.app.server.monai_label.requests import CurrentExchange, SampleIn
from omentum.app.server.refusals import refusals
from omentum.errors import MissingError
from omentum.project.project import Project
from omentum.records import Task, TaskState
from omentum.review.blinding import counts_as_seen
from omentum.review.label_exchange import ALL, OF_TASK
from omentum.volumes.labels import Organ, organ, organs_named

__all__ = ["MODEL", "router", "status_of"]

router = APIRouter(tags=["MONAI Label"])
MODEL = STRATEGY = "omentum"
ANY = "any"
"""What clients send where no organ is chosen: the first of the options is theirs by default."""
_ABOUT_MODEL = "The mask that the task shows, as on the review page; no network runs"
_ABOUT_STRATEGY = "The next task of the review queue, claimed for you"


@router.get("/info/", responses=refusals())
def info(server: CurrentServer, reader: CurrentReader) -> InfoOut:
    """Say which labels, models and strategies there are."""
    rows = organs_named(server.project.settings.organs)
    return InfoOut(
        name=f"Omentum: {server.project.folder.root.absolute().name}",
        description="Review of organ masks in CTs; see docs/monai-label.md.",
        version=__version__,
        labels=[row.name for row in rows],
        label_colors={row.name: row.colour for row in rows},
        models={MODEL: _model(rows)},
        strategies={STRATEGY: _strategy(rows)},
        datastore=status_of(server, reader),
    )


@router.post("/activelearning/{strategy}", responses=refusals(404))
def next_sample(
    server: CurrentServer,
    reader: CurrentReader,
    exchange: CurrentExchange,
    strategy: Annotated[str, Path(max_length=100)],
    wanted: Annotated[SampleIn | None, Body()] = None,
) -> SampleOut | dict[str, Any]:
    """Claim the next task that has a mask to draw, and give its CT; an empty object where none is free."""
    if strategy != STRATEGY:
        raise MissingError(f"no strategy is called {strategy!r}; ask for {STRATEGY!r}, the review queue")
    only = None if wanted is None or wanted.organ in (None, "", ANY) else wanted.organ
    task = exchange.next_task(reader, only)
    if task is None:
        return {}
    server.tell_task(task, by=reader)
    return SampleOut(
        id=task.case_id,
        name=file_name(server.project, task.case_id),
        url=f"/datastore/image?image={quote_plus(task.case_id)}",
        client_id=reader,
        task=task.number or 0,
        organ=task.organ,
        description=_described(task),
    )


def file_name(project: Project, case_id: str) -> str:
    """Name the file in which a client keeps a CT: clients take a file of the same name for the same CT."""
    arrival, case = project.store.arrivals.of_case(case_id), project.store.cases.get(case_id)
    content = arrival.ct_sha256 if arrival is not None else None
    told = f"{project.folder.root.absolute()}|{case_id}|{content or case.ct_path.stat().st_mtime_ns}"
    return f"{case_id}-{hashlib.sha256(told.encode()).hexdigest()[:12]}{NIFTI}"


def status_of(server: ServerState, reader: str) -> StatusOut:
    """Count the tasks of the round as a reader sees them."""
    counts = counts_as_seen(server.project, server.project.store.rounds.current().number, reader)
    return StatusOut(total=counts.total(), completed=counts[TaskState.DONE])


def _described(task: Task) -> str:
    return f"{organ(task.organ).display_name}, task {task.number} of round {task.round_number}"


def _model(rows: tuple[Organ, ...]) -> dict[str, Any]:
    names = [row.name for row in rows]
    return {
        "type": "segmentation",
        "dimension": 3,
        "description": _ABOUT_MODEL,
        "labels": {row.name: row.index for row in rows},
        "config": {"organs": [OF_TASK, ALL, *names], "result_extension": [NIFTI, ".nrrd", SEGMENTS]},
    }


def _strategy(rows: tuple[Organ, ...]) -> dict[str, Any]:
    return {"description": _ABOUT_STRATEGY, "config": {"organ": [ANY, *(row.name for row in rows)]}}
