"""Make the review server's application for an open project."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI

from omentum import __version__
from omentum.app.server import (
    adjudication_routes,
    assignment_routes,
    case_routes,
    dashboard_routes,
    draft_routes,
    login_routes,
    people_routes,
    session_routes,
    task_routes,
    voxel_routes,
)
from omentum.app.server.access import LOCAL_ACCESS, Access
from omentum.app.server.accounts import Accounts
from omentum.app.server.context import ServerState
from omentum.app.server.dicomweb import routes as dicomweb_routes
from omentum.app.server.events import Events
from omentum.app.server.gate import Gate, cookie_name
from omentum.app.server.kept_counts import KeptCounts
from omentum.app.server.kept_dashboard import KeptDashboard
from omentum.app.server.logins import Logins
from omentum.app.server.monai_label import (
    auth_routes,
    datastore_routes,
    infer_routes,
    info_routes,
    refused_routes,
)
from omentum.app.server.page_files import PAGE_DIR, add_page
from omentum.app.server.refusals import add_refusals
from omentum.app.server.sessions import Sessions
from omentum.app.server.told import told_save
from omentum.app.server.visitors import Visitors
from omentum.project.project import Project
from omentum.review.page_masks import PageMasks
from omentum.review.reading_masks import ReadingMasks
from omentum.review.save_queue import SaveQueue
from omentum.review.saves import Save
from omentum.volumes.decoded import DecodedVolumes

if TYPE_CHECKING:
    from omentum.app.dashboard_figures import Dashboard

__all__ = ["make_app", "make_state"]

_ABOUT = "Review of organ masks: queue, claims, voxels, edits, notes and history. See docs/review-server.md."
_ROUTES = (
    session_routes,
    task_routes,
    voxel_routes,
    draft_routes,
    login_routes,
    people_routes,
    case_routes,
    adjudication_routes,
    assignment_routes,
    dashboard_routes,
    dicomweb_routes,
    info_routes,
    infer_routes,
    datastore_routes,
    refused_routes,
    auth_routes,
)


def make_state(
    project: Project, reader: str, *, is_demo: bool = False, access: Access = LOCAL_ACCESS
) -> ServerState:
    """Make what lives as long as the server.

    Args:
        project: The open project.
        reader: Pseudonym that a new session begins with, where no one logs in.
        is_demo: Whether the patients are synthetic.
        access: How the server is reached.
    """
    folder = project.folder.cache_dir / "review"
    masks = PageMasks(project, DecodedVolumes(folder / "volumes"))
    events = Events()
    accounts, sessions = Accounts(project.store), Sessions(folder / "sessions.json", reader)

    def on_change(save: Save) -> None:
        events.tell("save", told_save(save).model_dump(), only_for=save.reader)
        task = None if save.state == "queued" else project.store.tasks.get(save.task_number)
        if task is not None:
            state.tell_task(task, save.reader)
            if save.decides:
                events.tell("organ", {"case": task.case_id, "organ": task.organ})

    state = ServerState(
        project=project,
        sessions=sessions,
        accounts=accounts,
        logins=Logins(project.store),
        access=access,
        visitors=Visitors(accounts, sessions, access),
        events=events,
        masks=masks,
        readings=ReadingMasks(project, masks),
        counts=KeptCounts(project),
        saves=SaveQueue(project, masks, on_change),
        is_demo=is_demo,
    )
    return state


def make_app(state: ServerState, port: int, page_dir: Path = PAGE_DIR) -> FastAPI:
    """Make the application; it hands in saves as long as it runs.

    Args:
        state: Of the server.
        port: On which it listens.
        page_dir: Holds the built page.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        state.saves.start()
        yield
        state.events.close()
        state.saves.close()
        state.logins.close()

    app = FastAPI(
        title="Omentum review",
        description=_ABOUT,
        version=__version__,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.server, app.state.cookie = state, cookie_name(port)
    app.state.dashboard = KeptDashboard(partial(_dashboard, state.project))
    add_refusals(app)
    for module in _ROUTES:
        app.include_router(module.router)
    add_page(app, page_dir)
    app.add_middleware(Gate, visitors=state.visitors, access=state.access, cookie=app.state.cookie)
    return app


def _dashboard(project: Project) -> "Dashboard":
    """Make the dashboard; what it is made of is imported when the first page asks, not at the start."""
    from omentum.app.dashboard import dashboard

    return dashboard(project)
