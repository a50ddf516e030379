"""Routes of a reader's activity and of the dashboard."""

from typing import Annotated, cast

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from omentum.app.dashboard_figures import Dashboard
from omentum.app.server.context import CurrentPerson, CurrentProject, CurrentReader
from omentum.app.server.kept_dashboard import KeptDashboard
from omentum.app.server.refusals import refusals
from omentum.app.server.task_routes import CurrentTask
from omentum.review.activity import IDLE_AFTER, MOST_ACTIONS, MOST_TOOLS, note_activity

__all__ = ["ActivityIn", "ActivityOut", "router"]

router = APIRouter(prefix="/api")
Tool = Annotated[str, Field(pattern="^[a-z][a-z0-9-]{0,39}$")]


class ActivityIn(BaseModel, frozen=True, extra="forbid"):
    """That a reader is at work."""

    actions: Annotated[
        dict[Tool, Annotated[int, Field(ge=0, le=MOST_ACTIONS)]], Field(max_length=MOST_TOOLS)
    ] = {}
    """How often each tool was used since the last sign."""


class ActivityOut(BaseModel):
    """What was counted."""

    seconds: float
    """Since the reader's sign before, on whichever task; 0 after a break."""
    idle_after_seconds: float
    """A longer time between two signs is a break."""


@router.post("/tasks/{number}/activity", tags=["tasks"], responses=refusals(404, 409))
def activity(
    project: CurrentProject, reader: CurrentReader, task: CurrentTask, said: ActivityIn
) -> ActivityOut:
    """Note that the reader is at work on a task."""
    noted = note_activity(project, task.number or 0, reader, said.actions)
    return ActivityOut(seconds=noted.seconds, idle_after_seconds=IDLE_AFTER.total_seconds())


@router.get("/dashboard", tags=["dashboard"], responses=refusals())
def get_dashboard(request: Request, project: CurrentProject, person: CurrentPerson) -> Dashboard:
    """Tell how far the project is: organs, queue, findings about CTs, errors left, rounds and readers."""
    from omentum.app.server.dashboard_view import dashboard_for  # loads what the dashboard needs

    return dashboard_for(project, cast("KeptDashboard", request.app.state.dashboard).get(), person)
