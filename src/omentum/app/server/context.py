"""Give routes the open project, who reads, and what the server keeps in memory."""

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from omentum.app.server.access import Access
from omentum.app.server.accounts import Accounts
from omentum.app.server.events import Events
from omentum.app.server.kept_counts import KeptCounts
from omentum.app.server.logins import Logins
from omentum.app.server.sessions import Sessions
from omentum.app.server.visitors import Visitor, Visitors
from omentum.project.project import Project
from omentum.records import Task
from omentum.review.blinding import as_seen_by, is_blinded
from omentum.review.page_masks import PageMasks
from omentum.review.reading_masks import ReadingMasks
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
    accounts: Accounts
    logins: Logins
    access: Access
    visitors: Visitors
    events: Events
    masks: PageMasks
    readings: ReadingMasks
    saves: SaveQueue
    counts: KeptCounts
    is_demo: bool = False

    def tell_task(self, task: Task, by: str = "") -> None:
        """Tell every page how a task is now, and who has it.

        Of a task that several readers read only the reader is told who did something.

        Args:
            task: The task.
            by: Who did something.
        """
        store = self.project.store
        with store.reading_together():
            now = store.tasks.get(task.number or 0) or task
            key = str(now.number)
            leases = store.leases.all(pool_of(now.round_number), [key]).get(key, ())
            only_for = by if is_blinded(now) else None
            if only_for is not None:
                leases = tuple(one for one in leases if one.holder == by)
                revisions = store.revisions.of_task(now.number or 0)
                now = as_seen_by(now, by, revisions, has_it=bool(leases))
        told = {"task": now.number, "case": now.case_id, "organ": now.organ, "state": now.state.value}
        holder = leases[0].holder if leases else None
        self.events.tell("task", told | {"holder": holder}, only_for=only_for)


def _state(request: Request) -> ServerState:
    return cast("ServerState", request.app.state.server)


def _who(request: Request) -> Visitor:
    return cast("Visitor", request.scope["omentum_visitor"])


# FastAPI runs what is not async in a thread of its pool, which takes longer than these do.


async def _server(request: Request) -> ServerState:
    return _state(request)


async def _visitor(request: Request) -> Visitor:
    return _who(request)


async def _project(request: Request) -> Project:
    return _state(request).project


async def _events(request: Request) -> Events:
    return _state(request).events


async def _reader(request: Request) -> str:
    return _who(request).name


CurrentServer = Annotated[ServerState, Depends(_server)]
CurrentPerson = Annotated[Visitor, Depends(_visitor)]
"""Who asks: name and roles."""
CurrentProject = Annotated[Project, Depends(_project)]
"""The open project; its database may be used from several threads."""
CurrentEvents = Annotated[Events, Depends(_events)]
CurrentReader = Annotated[str, Depends(_reader)]
"""Pseudonym of who reads in this browser."""
