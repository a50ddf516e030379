"""Write what a command does to a file, a line of JSON for each record of the standard logging.

`begin_log` is called by `--log-json`, which every command has, and `end_log` when the command has ended.
"""

import logging
import time
from pathlib import Path

from omentum.app.command_line import command_for_records
from omentum.runners.job_events import JobEnd
from omentum.runners.worker_name import worker_name

__all__ = ["JobLog", "begin_log", "end_log", "is_logging"]

_ROOT = logging.getLogger()
_OMENTUM = logging.getLogger("omentum")
_APP = logging.getLogger("omentum.app")
_JOBS = logging.getLogger("omentum.app.jobs")
_FIELDS = ("stage", "case", "seconds")
_begun: list[tuple[logging.Handler, float]] = []
"""What writes the log of the command that runs, and when that began; empty if it has no log."""


class JobLog:
    """A `JobWatcher` that logs each job that begins and ends."""

    def run_began(self, step: str, n_total: int) -> None:
        """Log that a run begins."""
        _JOBS.info(f"{n_total} items", extra={"stage": step})

    def job_began(self, step: str, key: str) -> None:
        """Log that the work on an item begins."""
        _JOBS.info("began", extra={"stage": step, "case": key})

    def job_ended(self, end: JobEnd) -> None:
        """Log how an item ended; a failure is a warning, with its reason as message."""
        said = {"stage": end.step, "case": end.key, "seconds": end.seconds, "peak_bytes": end.peak_bytes}
        level = logging.WARNING if end.outcome == "failed" else logging.INFO
        _JOBS.log(level, end.reason or end.outcome, extra={**said, "outcome": end.outcome})


def is_logging() -> bool:
    """Tell whether the command that runs writes a log."""
    return bool(_begun)


def begin_log(path: Path) -> None:
    """Log to a file from now on; lines are added to one that exists, also by several programs at once.

    Each line has `time` (UTC), `level`, `logger`, `message`, `worker`, and `stage`, `case` and `seconds`,
    which are `null` where they do not apply. Warnings of libraries are printed to stderr as well, as without
    a log.

    Args:
        path: Of the file.

    Raises:
        OSError: It cannot be written to.
    """
    from pythonjsonlogger.json import JsonFormatter

    path.parent.mkdir(parents=True, exist_ok=True)
    lines = logging.FileHandler(path, encoding="utf-8")
    lines.setFormatter(
        JsonFormatter(
            "%(levelname)s %(name)s %(message)s",
            rename_fields={"levelname": "level", "name": "logger"},
            timestamp="time",
            defaults=dict.fromkeys(_FIELDS),
            static_fields={"worker": worker_name()},
        )
    )
    _begun.append((lines, time.monotonic()))
    _ROOT.addHandler(lines)
    _ROOT.addHandler(_STDERR)
    _OMENTUM.setLevel(logging.INFO)
    _APP.info("command began", extra={"command": command_for_records()})


def end_log(exit_code: str | int | None, message: str = "") -> None:
    """Log how the command ended, and log no more; does nothing if it has no log.

    Args:
        exit_code: Of the command.
        message: Why it was refused.
    """
    while _begun:
        lines, began = _begun.pop()
        seconds = round(time.monotonic() - began, 3)
        level = logging.ERROR if message else logging.INFO
        _APP.log(level, message or "command ended", extra={"exit_code": exit_code or 0, "seconds": seconds})
        _OMENTUM.setLevel(logging.NOTSET)
        _ROOT.removeHandler(_STDERR)
        _ROOT.removeHandler(lines)
        lines.close()


class _Stderr(logging.StreamHandler):  # type: ignore[type-arg]
    """Prints warnings as they are printed without a log; what commands log of themselves they print too."""

    def __init__(self) -> None:
        super().__init__()
        self.setLevel(logging.WARNING)
        self.addFilter(lambda record: not record.name.startswith(_APP.name))


_STDERR = _Stderr()
