"""Give routes the open project, who reads, and what the server keeps in memory."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from omentum.app.server.events import Events
from omentum.app.server.sessions import Sessions
from omentum.app.server.visitors import Visitor
from omentum.project.project import Project
from omentum.records import Task
from omentum.review.page_masks import PageMasks
from omentum.review.save_queue import SaveQueue
from omentum.store.tasks import pool_of

__all__ = [
    "CurrentEvents",
    "CurrentPerson",
    "CurrentProject",
    "CurrentReader",
    "CurrentServer",
    "ServerState",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServerState:
    """What lives as long as the server."""

    project: Project
    sessions: Sessions
    events: Events
    masks: PageMasks
    saves: SaveQueue
    is_demo: bool = False

    def tell_task(self, task: Task, by: str = "") -> None:
        """Tell every page how a task is now, and who has it.

        Of a task that several readers read, each is told only what `by`, who did something, is that reader.
        """
        now = self.project.store.tasks.get(task.number or 0) or task
        key = str(now.number)
        leases = self.project.store.leases.all(pool_of(now.round_number), [key]).get(key, ())
        told = {"task": now.number, "case": now.case_id, "organ": now.organ, "state": now.state.value}
        self.events.tell("task", told | {"holder": leases[0].holder if leases else None})


def _server(request: Request) -> ServerState:
    return cast("ServerState", request.app.state.server)


def _visitor(request: Request) -> Visitor:
    return cast("Visitor", request.scope["omentum_visitor"])


def _project(request: Request) -> Project:
    return _server(request).project


def _events(request: Request) -> Events:
    return _server(request).events


def _reader(request: Request) -> str:
    return _visitor(request).name


CurrentServer = Annotated[ServerState, Depends(_server)]
CurrentPerson = Annotated[Visitor, Depends(_visitor)]
"""Who asks: name and roles."""
CurrentProject = Annotated[Project, Depends(_project)]
"""The open project; its database may be used from several threads."""
CurrentEvents = Annotated[Events, Depends(_events)]
CurrentReader = Annotated[str, Depends(_reader)]
"""Pseudonym of who reads in this browser."""
