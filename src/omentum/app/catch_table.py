"""Make the dashboard's table of how often readers miss a major error."""

from omentum.app.dashboard_figures import DashboardTable, TableColumn
from omentum.app.reader_tables import READER
from omentum.evaluate.catch_misses import miss_rates, misses_by_reader
from omentum.project.project import Project

__all__ = ["catch_table"]


def catch_table(project: Project) -> DashboardTable | None:
    """Make the table; `None` where no catch trial of an earlier round was read.

    Trials of the current round are not in it: a count that rises after a task would tell its reader what the
    task was.
    """
    current = project.store.rounds.current().number
    rates = miss_rates(misses_by_reader(project, before_round=current))
    if not rates:
        return None
    return DashboardTable(
        id="catch-trials",
        title="Planted errors that readers missed",
        said="Major errors that were planted in masks which a person had vouched for, in earlier rounds; the "
        "interval holds the true share with 95 % confidence. Planted errors are not natural ones.",
        columns=(
            TableColumn(name=READER, kind="text"),
            TableColumn(name="Shown", kind="number"),
            TableColumn(name="Missed", kind="number"),
            TableColumn(name="Share missed", kind="share"),
            TableColumn(name="Interval", kind="interval"),
        ),
        rows=tuple((one.reader, one.n_shown, one.n_missed, one.share, one.interval) for one in rates),
    )
