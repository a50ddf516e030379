"""Routes of drafts: what a reader has drawn, and not saved."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response

from omentum.app.server.context import CurrentReader, CurrentServer
from omentum.app.server.details import drafts_of
from omentum.app.server.models import DraftOut
from omentum.app.server.refusals import refusals
from omentum.app.server.task_routes import EDITS_BODY, CurrentTask, Edits
from omentum.app.server.told import told_draft
from omentum.review.edit_files import read_edits

__all__ = ["router"]

router = APIRouter(prefix="/api/tasks/{number}/drafts", tags=["drafts"])
_BINARY = "application/octet-stream"
Name = Annotated[str, Path(pattern="^[a-z0-9-]{1,40}$", description="The page's name for the draft.")]
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The bytes as they were sent.",
        "content": {_BINARY: {"schema": {"type": "string", "format": "binary"}}},
    },
    **refusals(404),
}


@router.get("", responses=refusals(404))
def drafts(server: CurrentServer, reader: CurrentReader, task: CurrentTask) -> list[DraftOut]:
    """List the reader's drafts of a task, the newest first."""
    bases = server.masks.bases(server.masks.about(task, reader))
    return [told_draft(one, bases) for one in drafts_of(server, task, reader).all()]


@router.put("/{name}", responses=refusals(404, 409), openapi_extra=EDITS_BODY)
def put_draft(
    server: CurrentServer, reader: CurrentReader, task: CurrentTask, name: Name, edits: Edits
) -> DraftOut:
    """Keep a draft; it replaces the one of that name, and is checked against the CT's grid."""
    about = server.masks.about(task, reader)
    file = read_edits(edits, about.facts.case.geometry)
    begun_with = {one.organ: one.base_sha256 for one in file.edits}
    kept = drafts_of(server, task, reader).put(name, edits, begun_with=begun_with)
    server.events.tell("draft", {"task": task.number, "draft": name, "is_removed": False}, only_for=reader)
    return told_draft(kept, server.masks.bases(about))


@router.get("/{name}", response_class=Response, responses=_BYTES)
def draft(server: CurrentServer, reader: CurrentReader, task: CurrentTask, name: Name) -> Response:
    """Give a draft as it was sent."""
    return Response(drafts_of(server, task, reader).get(name).content(), media_type=_BINARY)


@router.delete("/{name}", status_code=204, responses=refusals(404))
def delete_draft(server: CurrentServer, reader: CurrentReader, task: CurrentTask, name: Name) -> None:
    """Remove a draft; there being none changes nothing."""
    drafts_of(server, task, reader).remove(name)
    server.events.tell("draft", {"task": task.number, "draft": name, "is_removed": True}, only_for=reader)
