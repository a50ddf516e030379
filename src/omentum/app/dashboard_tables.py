"""List the tables of the dashboard that the page shows without knowing what they are about."""

from collections.abc import Callable

from omentum.app.catch_table import catch_table
from omentum.app.dashboard_figures import DashboardTable
from omentum.app.forecast_table import forecast_table
from omentum.app.reader_tables import agreement_table, load_table
from omentum.project.project import Project

__all__ = ["TABLES", "dashboard_tables"]

TABLES: tuple[Callable[[Project], DashboardTable | None], ...] = (
    forecast_table,
    load_table,
    agreement_table,
    catch_table,
)
"""Functions that each make one table, in the order in which they are shown; `None` for nothing to show."""


def dashboard_tables(project: Project) -> tuple[DashboardTable, ...]:
    """Make the tables that have something to show; the project may be open for reading only."""
    made = [make(project) for make in TABLES]
    return tuple(table for table in made if table is not None)
