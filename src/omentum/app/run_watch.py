"""Hand what goes on in a command to all who want it: the view, the log, metrics and the report."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from omentum.app.json_log import JobLog, is_logging
from omentum.app.termination import HungUp, Terminated
from omentum.errors import ConfigError, OmentumError
from omentum.runners.job_events import JobEnd, JobWatcher

if TYPE_CHECKING:
    from omentum.app.metrics import JobMetrics
    from omentum.app.run_report import ReportBuilder
    from omentum.runners.progress import Progress

__all__ = ["RunWatch", "note_run", "reported", "watch_of", "watching_run"]

_watchers: list[JobWatcher] = []
"""Those of the command that runs, besides its view."""
_reports: "list[ReportBuilder]" = []


class RunWatch:
    """A `Progress` and a `JobWatcher` that hands all it is told on.

    Args:
        view: What people see.
        watchers: Told of jobs; those that are a `Progress` as well, of progress too.
    """

    def __init__(self, view: "Progress", watchers: Sequence[JobWatcher]) -> None:
        self._view, self._watchers = view, watchers

    def __call__(self, step: str, n_done: int, n_total: int | None, note: str = "", /) -> None:
        """Hand on how far a step is; see `Progress`."""
        for one in (*self._watchers, self._view):
            if callable(one):
                one(step, n_done, n_total, note)

    def run_began(self, step: str, n_total: int) -> None:
        """Hand on that a run begins."""
        for one in (*self._watchers, self._view):
            if isinstance(one, JobWatcher):
                one.run_began(step, n_total)

    def job_began(self, step: str, key: str) -> None:
        """Hand on that the work on an item begins."""
        for one in (*self._watchers, self._view):
            if isinstance(one, JobWatcher):
                one.job_began(step, key)

    def job_ended(self, end: JobEnd) -> None:
        """Hand on how an item ended."""
        for one in (*self._watchers, self._view):
            if isinstance(one, JobWatcher):
                one.job_ended(end)


def watch_of(view: "Progress") -> "Progress":
    """Join a view with whatever else watches the command that runs."""
    watchers = [*_watchers, *([JobLog()] if is_logging() else [])]
    return RunWatch(view, watchers) if watchers else view


def note_run(**facts: Any) -> None:
    """Note for the report of the command that runs, if it writes one: `settings`, `networks`, `results`."""
    for one in _reports:
        one.note(**facts)


def reported() -> bool:
    """Tell whether the command that runs writes a report."""
    return bool(_reports)


@contextmanager
def watching_run(
    *, report: Path | None = None, metrics: int | None = None, metrics_file: Path | None = None
) -> Iterator[None]:
    """Watch a command: write a report of it at its end, and offer metrics while it runs.

    Args:
        report: File that gets the report, however the command ends.
        metrics: Port of this machine at which metrics are served.
        metrics_file: File that gets them, for a textfile collector.

    Raises:
        ConfigError: The port is taken, or the library for metrics is missing.
    """
    builder = _report_builder(report)
    served = _metrics(metrics, metrics_file)
    _watchers.extend(one for one in (builder, served) if one is not None)
    exit_code, error = 0, None
    try:
        yield
    except BaseException as raised:
        exit_code = _exit_code(raised)
        error = None if isinstance(raised, typer.Exit) else str(raised) or type(raised).__name__
        raise
    finally:
        _watchers.clear()
        _reports.clear()
        if served is not None:
            served.close()
        if builder is not None:
            builder.write(exit_code, error)


def _report_builder(report: Path | None) -> "ReportBuilder | None":
    if report is None:
        return None
    from omentum.app.run_report import ReportBuilder

    builder = ReportBuilder(report)
    _reports.append(builder)
    return builder


def _metrics(port: int | None, file: Path | None) -> "JobMetrics | None":
    if port is None and file is None:
        return None
    try:
        from omentum.app.metrics import JobMetrics
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        option, rule = ("--metrics", "it needs prometheus-client; run `pip install 'omentum[metrics]'`")
        raise ConfigError(option, port if file is None else str(file), rule) from None
    served = JobMetrics(port=port, file=file)
    if served.port is not None:
        typer.echo(f"metrics are at http://{served.address}:{served.port}/metrics", err=True)
    return served


def _exit_code(error: BaseException) -> int:
    """Return the code with which the command line ends for an error; see `omentum.app.cli`."""
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, (Terminated, HungUp)):
        return error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return 130
    return 2 if isinstance(error, (OmentumError, OSError)) else 1
