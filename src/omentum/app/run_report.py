"""Gather the report of a run while it goes on, and write it at its end."""

import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from omentum.app.command_line import command_for_records
from omentum.app.machine import machine_facts, software_versions
from omentum.app.run_record import SCHEMA_VERSION, CaseOutcome, NetworkUsed, RunReport, Totals
from omentum.runners.job_events import JobEnd
from omentum.volumes.atomic import write_json

__all__ = ["ReportBuilder"]


class ReportBuilder:
    """A `JobWatcher` that keeps how each case ended.

    Args:
        path: File that gets the report.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._started, self._began = datetime.now(UTC), time.monotonic()
        self._cases: dict[tuple[str, str], CaseOutcome] = {}
        self._settings: dict[str, Any] = {}
        self._networks: dict[NetworkUsed, None] = {}
        self._results: dict[str, Any] = {}

    def run_began(self, step: str, n_total: int) -> None:
        """Do nothing, as each item tells how it ended."""

    def job_began(self, step: str, key: str) -> None:
        """Do nothing: a case is in the report once it has ended."""

    def job_ended(self, end: JobEnd) -> None:
        """Keep how a case ended; of one that ended twice in a step, the last time."""
        self._cases[end.step, end.key] = CaseOutcome(
            step=end.step,
            case=end.key,
            outcome=end.outcome,
            reason=end.reason,
            seconds=None if end.seconds is None else round(end.seconds, 3),
            peak_bytes=end.peak_bytes,
        )

    def note(
        self,
        *,
        settings: Mapping[str, Any] | None = None,
        networks: Sequence[NetworkUsed] = (),
        results: Mapping[str, Any] | None = None,
    ) -> None:
        """Note what the command worked with, and what it made; a later note adds to an earlier one."""
        self._settings |= settings or {}
        self._networks |= dict.fromkeys(networks)
        self._results |= results or {}

    def write(self, exit_code: int, error: str | None) -> RunReport:
        """Write the report, whole or not at all.

        Args:
            exit_code: Of the command.
            error: Why it did not come to its end.

        Returns:
            The report.
        """
        cases = tuple(self._cases.values())
        report = RunReport(
            schema_version=SCHEMA_VERSION,
            command=tuple(command_for_records()),
            started=self._started.isoformat(timespec="seconds"),
            ended=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - self._began, 3),
            exit_code=exit_code,
            error=error,
            software=software_versions(),
            machine=machine_facts(),
            settings=self._settings,
            networks=tuple(self._networks),
            results=self._results,
            cases=cases,
            totals=_totals(cases),
        )
        write_json(self._path, asdict(report))
        return report


def _totals(cases: Sequence[CaseOutcome]) -> Totals:
    seconds = [one.seconds for one in cases if one.seconds is not None]
    peaks = [one.peak_bytes for one in cases if one.peak_bytes is not None]
    n_of = {
        outcome: sum(one.outcome == outcome for one in cases) for outcome in ("done", "skipped", "failed")
    }
    return Totals(
        done=n_of["done"],
        skipped=n_of["skipped"],
        failed=n_of["failed"],
        seconds_of_work=round(math.fsum(seconds), 3),
        median_seconds=round(statistics.median(seconds), 3) if seconds else None,
        peak_bytes=max(peaks, default=None),
    )
