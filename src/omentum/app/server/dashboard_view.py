"""Show the dashboard to who asks: readers know neither each other's names nor which tasks are read twice."""

from collections import Counter
from dataclasses import replace

from omentum.app.dashboard_figures import Cell, Dashboard, DashboardTable, Due, OrganProgress
from omentum.app.reader_tables import AGREEMENT, OTHER_READER, READER
from omentum.app.server.visitors import Visitor
from omentum.project.project import Project
from omentum.records import TaskState
from omentum.records.people import Role
from omentum.review.blinding import counts_as_seen, seen_states

__all__ = ["dashboard_for"]

_ANOTHER = "another reader"


def dashboard_for(project: Project, dashboard: Dashboard, person: Visitor) -> Dashboard:
    """Give the dashboard as a person may see it; an admin, or who came by a link, sees all of it.

    Args:
        project: The project.
        dashboard: With everything.
        person: Who asks.
    """
    if person.may(Role.ADMIN):
        return dashboard
    shown = replace(
        dashboard,
        readers=tuple(replace(one, reader=_named(one.reader, person)) for one in dashboard.readers),
        tables=tuple(_without_names(one, person) for one in dashboard.tables),
    )
    return shown if person.may(Role.ADJUDICATOR) else _blinded(project, shown, person.name)


def _blinded(project: Project, dashboard: Dashboard, reader: str) -> Dashboard:
    """Count tasks as their reader may see them, and leave out what tells of readings that disagree."""
    counts = counts_as_seen(project, dashboard.round, reader)
    return replace(
        dashboard,
        n_conflicts=0,
        due=tuple(one for one in dashboard.due if not _is_of_conflicts(one)),
        organs=_organs(project, dashboard, reader),
        queue=replace(dashboard.queue, counts={state.value: counts[state] for state in TaskState}),
        tables=tuple(one for one in dashboard.tables if one.id != AGREEMENT),
    )


def _organs(project: Project, dashboard: Dashboard, reader: str) -> tuple[OrganProgress, ...]:
    n_open: Counter[str] = Counter()
    n_done: Counter[str] = Counter()
    for task, state in seen_states(project, dashboard.round, reader):
        n_open[task.organ] += state.is_open - task.state.is_open
        n_done[task.organ] += state is TaskState.DONE
    return tuple(
        replace(one, n_open=one.n_open + n_open[one.organ], n_done=one.n_done + n_done[one.organ])
        for one in dashboard.organs
    )


def _is_of_conflicts(one: Due) -> bool:
    return "review adjudicate" in one.command


def _without_names(table: DashboardTable, person: Visitor) -> DashboardTable:
    """Name the person alone in columns of readers."""
    places = {place for place, one in enumerate(table.columns) if one.name in (READER, OTHER_READER)}
    if not places:
        return table

    def cell(place: int, value: Cell) -> Cell:
        return _named(value, person) if place in places and isinstance(value, str) else value

    rows = (tuple(cell(place, value) for place, value in enumerate(row)) for row in table.rows)
    return replace(table, rows=tuple(rows))


def _named(reader: str, person: Visitor) -> str:
    return reader if reader == person.name else _ANOTHER
