"""The table of the dashboard that says what more hours of readers are expected to bring."""

from omentum.app.dashboard_figures import DashboardTable, TableColumn
from omentum.evaluate.stop_forecast import ASSUMED, stop_forecast
from omentum.measures.bound_forecast import INTERVAL
from omentum.project.project import Project

__all__ = ["forecast_table"]

_COLUMNS = (
    TableColumn(name="More hours", kind="number"),
    TableColumn(name="Organs left without a revision", kind="number"),
    TableColumn(name="Expected bound", kind="share"),
    TableColumn(name=f"{INTERVAL:.0%} of outcomes", kind="interval"),
)


def forecast_table(project: Project) -> DashboardTable:
    """Make the table; without a forecast it says what is missing, and has no row."""
    forecast = stop_forecast(project)
    said = f"{forecast.said[0].upper()}{forecast.said[1:]}."
    return DashboardTable(
        id="forecast",
        title="When this may be good enough",
        said=f"{said} {ASSUMED}" if forecast.later else said,
        columns=_COLUMNS,
        rows=tuple((one.hours, one.n_left, one.expected, (one.low, one.high)) for one in forecast.later),
    )
