"""Say how far the stages of a project are, and who works on what, from the ledger that all programs share."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from omentum.app.pace import duration
from omentum.project.project import Project
from omentum.records.jobs import JobRecord, JobState, JobSummary

__all__ = ["RunState", "StageState", "WorkerState", "run_state"]

_LATELY = 31
"""The pace is that between so many ends."""
_WITHIN = timedelta(hours=1)
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StageState:
    """How far one stage is."""

    stage: str
    due: int
    at_work: int
    done: int
    failed: int
    an_hour: float | None
    """Jobs that were done an hour lately; `None` if fewer than two were, or none are left."""
    seconds_left: float | None
    """Until all are done, at that pace."""
    median_seconds: float | None
    peak_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """What one program works on."""

    worker: str
    stage: str
    jobs: tuple[str, ...]
    """Keys, the one that was begun first to the left."""
    seconds: float
    """Since that one was begun."""
    is_lapsed: bool
    """Its lease has ended, so that others take over what it had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """What goes on in a project."""

    time: datetime
    stages: tuple[StageState, ...]
    workers: tuple[WorkerState, ...]
    last_failures: tuple[JobRecord, ...]
    last_postponed: tuple[JobRecord, ...]
    """Those that failed for a reason that may pass, and wait to be tried again."""

    def lines(self) -> list[str]:
        """Say it in plain lines, those of stages at work first."""
        clock = f"{self.time:%H:%M:%S}"
        open_first = sorted(self.stages, key=lambda one: not (one.at_work or one.due))
        said = [f"{clock} {_stage_line(one)}" for one in open_first]
        said += [f"{clock} {_worker_line(one)}" for one in self.workers]
        return said + [f"{clock} {line}" for line in self.trouble()]

    def trouble(self) -> list[str]:
        """Name what failed or was postponed last, with the reasons."""
        failed = [f"failed in {one.stage}: {one.key}: {one.reason}" for one in self.last_failures]
        return failed + [
            f"waits for another try in {one.stage}: {one.key}: {one.reason}" for one in self.last_postponed
        ]


def run_state(project: Project) -> RunState:
    """Look at the ledger of a project; it may be open for reading only."""
    recent, now = project.store.recent_jobs, project.store.recent_jobs.clock()
    stages = [
        _stage_state(stage, counts, recent.ends(stage, _LATELY, _WITHIN), now)
        for stage, counts in project.store.ledger.summary().items()
    ]
    claimed = project.store.ledger.jobs(states=[JobState.CLAIMED])
    return RunState(
        time=now,
        stages=tuple(stages),
        workers=tuple(_worker_states(claimed, now)),
        last_failures=tuple(recent.last_failures(_SHOWN)),
        last_postponed=tuple(recent.last_postponed(_SHOWN)),
    )


def _stage_state(stage: str, counts: JobSummary, ends: Sequence[datetime], now: datetime) -> StageState:
    an_hour, n_left = None, counts.due + counts.claimed
    if n_left and len(ends) > 1 and now > ends[-1]:
        an_hour = (len(ends) - 1) / ((now - ends[-1]) / timedelta(hours=1))
    return StageState(
        stage=stage,
        due=counts.due,
        at_work=counts.claimed,
        done=counts.done,
        failed=counts.failed,
        an_hour=an_hour,
        seconds_left=n_left / an_hour * 3600 if an_hour else None,
        median_seconds=counts.median_s,
        peak_bytes=counts.peak_bytes,
    )


def _worker_states(claimed: Sequence[JobRecord], now: datetime) -> list[WorkerState]:
    by_worker: dict[tuple[str, str], list[JobRecord]] = defaultdict(list)
    for one in sorted(claimed, key=lambda one: one.started or now):
        by_worker[one.worker or "unknown", one.stage].append(one)
    return [
        WorkerState(
            worker=worker,
            stage=stage,
            jobs=tuple(one.key for one in own),
            seconds=max(0.0, (now - (own[0].started or now)).total_seconds()),
            is_lapsed=all(one.until is not None and one.until < now for one in own),
        )
        for (worker, stage), own in sorted(by_worker.items())
    ]


def _stage_line(one: StageState) -> str:
    said = [f"{one.done} done", f"{one.at_work} at work", f"{one.due} due", f"{one.failed} failed"]
    if one.an_hour is not None:
        said.append(f"{one.an_hour:.{0 if one.an_hour >= 100 else 1}f}/h")
    if one.seconds_left is not None:
        said.append(f"{duration(one.seconds_left)} left")
    if one.median_seconds is not None:
        said.append(f"{one.median_seconds:.1f} s each")
    if one.peak_bytes is not None:
        said.append(f"{one.peak_bytes / 1e9:.1f} GB at most")
    return f"{one.stage}: {', '.join(said)}"


def _worker_line(one: WorkerState) -> str:
    more = f" and {len(one.jobs) - 1} more" if len(one.jobs) > 1 else ""
    lapsed = "; no sign of life, so that others take over" if one.is_lapsed else ""
    return f"{one.worker} works on {one.stage}: {one.jobs[0]} for {duration(one.seconds)}{more}{lapsed}"
