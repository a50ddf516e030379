"""Offer metrics of a running command to Prometheus: counts, seconds and memory, never names of cases."""

from pathlib import Path
from threading import Event, Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    start_http_server,
    write_to_textfile,
)

from omentum import __version__
from omentum.app.step_state import StepState
from omentum.errors import ConfigError
from omentum.runners.job_events import JobEnd

__all__ = ["JobMetrics"]

_THIS_MACHINE = "127.0.0.1"
_BUCKETS_S = (0.1, 0.3, 1, 3, 10, 30, 60, 120, 300, 600, 1800, 3600)
_WRITE_EVERY_S = 5.0


class JobMetrics:
    """A `Progress` and a `JobWatcher` that counts jobs by stage and state.

    A stage is the first word of a step, so that no name of a network or case is told.

    Args:
        port: Serves the metrics at this port, for this machine alone; 0 chooses a free one.
        file: Gets the metrics every few seconds, whole or not at all.

    Raises:
        ConfigError: The port is taken.
    """

    def __init__(self, *, port: int | None = None, file: Path | None = None) -> None:
        self._is_over = Event()
        self._steps: dict[str, StepState] = {}
        self._peaks: dict[str, int] = {}
        self._registry = CollectorRegistry()
        self._ended = Counter(
            "omentum_jobs", "Jobs that ended, by how", ["stage", "state"], registry=self._registry
        )
        self._seconds = Histogram(
            "omentum_job_seconds",
            "Seconds of work on a job that was done",
            ["stage"],
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self._peak = self._gauge("omentum_job_peak_bytes", "Most memory of a process at work on a job")
        self._at_work = self._gauge("omentum_jobs_in_work", "Jobs that were begun and have not ended")
        self._waiting = self._gauge("omentum_jobs_waiting", "Jobs of this run that were not begun")
        version = Gauge("omentum_build_info", "The program", ["version"], registry=self._registry)
        version.labels(__version__).set(1)
        ProcessCollector(registry=self._registry)
        self._server = None if port is None else self._serve(port)
        self._writer = None if file is None else Thread(target=self._write_often, args=[file], daemon=True)
        if file is not None and self._writer is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_to_textfile(str(file), self._registry)  # what cannot be written is refused at once
            self._writer.start()

    @property
    def port(self) -> int | None:
        """The port at which metrics are served."""
        return None if self._server is None else self._server[0].server_port

    @property
    def address(self) -> str | None:
        """The address at which metrics are served."""
        return None if self._server is None else str(self._server[0].server_address[0])

    def __call__(self, step: str, n_done: int, n_total: int | None, note: str = "", /) -> None:
        """Take note of how far a step is; see `Progress`."""
        del note
        if step in self._steps:  # others have no jobs
            self._steps[step].advance(n_done, n_total)
            self._tell(step)

    def run_began(self, step: str, n_total: int) -> None:
        """Count the jobs of a run that begins."""
        self._steps.setdefault(step, StepState()).start(n_total)
        self._tell(step)

    def job_began(self, step: str, key: str) -> None:
        """Count a job that begins."""
        self._steps.setdefault(step, StepState()).begin(key)
        self._tell(step)

    def job_ended(self, end: JobEnd) -> None:
        """Count a job that ended."""
        self._steps.setdefault(end.step, StepState()).end(end)
        stage = _stage(end.step)
        self._ended.labels(stage, end.outcome).inc()
        if end.seconds is not None:
            self._seconds.labels(stage).observe(end.seconds)
        if end.peak_bytes is not None:
            self._peaks[stage] = max(end.peak_bytes, self._peaks.get(stage, 0))
            self._peak.labels(stage).set(self._peaks[stage])
        self._tell(end.step)

    def close(self) -> None:
        """Serve no more; a file gets the last figures."""
        self._is_over.set()
        if self._writer is not None:
            self._writer.join()
        if self._server is not None:
            server, thread = self._server
            server.shutdown()
            server.server_close()
            thread.join()

    def _serve(self, port: int) -> tuple[WSGIServer, Thread]:
        try:
            return start_http_server(port, addr=_THIS_MACHINE, registry=self._registry)
        except (OSError, OverflowError) as error:
            rule = f"{_THIS_MACHINE} cannot serve there ({error}); name a free port, or 0 for any"
            raise ConfigError("--metrics", port, rule) from None

    def _gauge(self, name: str, about: str) -> Gauge:
        return Gauge(name, about, ["stage"], registry=self._registry)

    def _tell(self, step: str) -> None:
        stage = _stage(step)
        states = [state for name, state in self._steps.items() if _stage(name) == stage]
        self._at_work.labels(stage).set(sum(one.n_at_work for one in states))
        self._waiting.labels(stage).set(sum(one.n_waiting for one in states))

    def _write_often(self, file: Path) -> None:
        """Write the file until all is over, and once more then."""
        while not self._is_over.wait(_WRITE_EVERY_S):
            write_to_textfile(str(file), self._registry)
        write_to_textfile(str(file), self._registry)


def _stage(step: str) -> str:
    return step.split(maxsplit=1)[0] if step.strip() else "work"
