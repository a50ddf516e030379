"""Show how far a command is: live bars on a terminal, plain lines in a log."""

import sys
import time
from collections.abc import Callable, Iterable
from threading import RLock
from types import TracebackType
from typing import Any, Self

import typer
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from omentum.app.step_state import StepState
from omentum.runners.job_events import JobEnd

__all__ = ["LiveView"]

_LONG = 100
"""A step of so many items is worth lines in a log at each tenth."""
_SILENCE_S = 60.0
"""A log of a step in which items take long gets a line after so long without one."""


class LiveView:
    """A `Progress` and a `JobWatcher` for people; each step has a bar, and lines below while it works.

    In a log, a long step has a line for each tenth, and one at least each minute in which an item ended. A
    message, which has a total of 0, is always a line.

    Args:
        is_terminal: Whether to draw bars; by default, if stderr is a terminal.
        now: Gives the time in seconds.
    """

    def __init__(self, *, is_terminal: bool | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._lock = now, RLock()
        self._is_terminal = sys.stderr.isatty() if is_terminal is None else is_terminal
        self._steps: dict[str, StepState] = {}
        self._began, self._last_line = now(), dict[str, float]()
        self._bars: dict[str, TaskID] = {}
        console = Console(stderr=True, highlight=False, soft_wrap=not self._is_terminal)
        self._shown = _BarsWithLines(self.lines, console=console, disable=not self._is_terminal)

    def __enter__(self) -> Self:
        self._shown.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bars as they are, without the lines below."""
        with self._lock:
            self._steps.clear()
        self._shown.stop()

    def __call__(self, step: str, n_done: int, n_total: int | None, note: str = "", /) -> None:
        """Show how far a step is; see `Progress`."""
        with self._lock:
            if n_total == 0:
                self._shown.console.print(f"{step}: {note}", markup=False)
                return
            state = self._state(step)
            state.advance(n_done, n_total)
            if self._is_terminal:
                self._draw(step, state, note)
            elif self._is_due(step, n_done, n_total):
                self._last_line[step] = self._now()
                said = [f"{n_done} of {n_total}" if n_total else str(n_done), note, state.pace_in_words()]
                failed = [f"{state.n_failed} failed"] if state.n_failed else []
                typer.echo(f"{step}: {', '.join(filter(None, [*said, *failed]))}", err=True)

    def run_began(self, step: str, n_total: int) -> None:
        """Show a bar for a step that begins, or that goes over other items than before."""
        with self._lock:
            state = self._state(step)
            state.start(n_total)
            if self._is_terminal and n_total:
                self._draw(step, state, "")

    def job_began(self, step: str, key: str) -> None:
        """Show that an item is at work."""
        with self._lock:
            self._state(step).begin(key)

    def job_ended(self, end: JobEnd) -> None:
        """Show that an item is no more at work, and why it failed if it did."""
        with self._lock:
            self._state(end.step).end(end)

    def _state(self, step: str) -> StepState:
        return self._steps.setdefault(step, StepState(self._now))

    def _is_due(self, step: str, n_done: int, n_total: int | None) -> bool:
        is_tenth = (
            n_total is not None and n_total >= _LONG and n_done * 10 // n_total > (n_done - 1) * 10 // n_total
        )
        return is_tenth or self._now() - self._last_line.get(step, self._began) >= _SILENCE_S

    def _draw(self, step: str, state: StepState, note: str) -> None:
        if step not in self._bars:
            self._bars[step] = self._shown.add_task(step, total=state.n_total, last="", pace="")
        self._shown.update(
            self._bars[step],
            completed=state.n_ended,
            total=state.n_total,
            last=note,
            pace=state.pace_in_words(),
        )

    def lines(self) -> list[str]:
        """Return what the lines below the bars say now."""
        with self._lock:
            open_steps = [one for one in self._steps.values() if one.n_at_work or one.n_failed]
            return [
                line
                for one in open_steps
                for line in (*filter(None, [one.at_work_in_words()]), *one.failures_in_words())
            ]


class _BarsWithLines(Progress):
    """Bars, and lines below that change."""

    def __init__(self, lines: Callable[[], list[str]], **how: Any) -> None:
        self._below = lines
        super().__init__(
            TextColumn("{task.description:<14}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[pace]}"),
            TextColumn("{task.fields[last]}"),
            **how,
        )

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        for line in self._below():
            yield Text(line, no_wrap=True, overflow="ellipsis")
