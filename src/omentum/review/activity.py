"""Measure the minutes that a reader is at work on a task.

In:  signs of work that the review page sends while a reader uses it.
Out: minutes of each hand-in, to which the prices of the queue are fitted.

What counts is when signs arrive, by the clock of the database, and not what a page says of its time: a page
that crashes loses the time since its last sign, and none can report more time than has passed.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from omentum.errors import ReviewError
from omentum.project.project import Project
from omentum.records.activity import Activity
from omentum.review.tasks import required_task

__all__ = ["IDLE_AFTER", "MOST_ACTIONS", "MOST_TOOLS", "measured_minutes", "note_activity"]

IDLE_AFTER = timedelta(seconds=60)
"""A longer time without a sign of work is a break."""

_TOOL = re.compile(r"[a-z][a-z0-9-]{0,39}")
MOST_TOOLS = 50
MOST_ACTIONS = 10_000


def note_activity(
    project: Project, task_number: int, reader: str, actions: Mapping[str, int] | None = None
) -> Activity:
    """Note that a reader is at work on a task now.

    Args:
        project: The project.
        task_number: Of the task.
        reader: Pseudonym.
        actions: How often each tool was used since the last sign, by a name such as `threshold-brush`.

    Raises:
        ReviewError: There is no such task, or the actions cannot be right.
    """
    task = required_task(project, task_number)
    actions = actions or {}
    _check(actions)
    return project.store.activities.add(task, reader, actions, idle_after=IDLE_AFTER)


def measured_minutes(project: Project, task_number: int, reader: str, *, until: datetime) -> float | None:
    """Give the minutes that a reader was at work on a task since that reader's last hand-in for it.

    Args:
        project: The project.
        task_number: Of the task.
        reader: Pseudonym.
        until: When the reader hands in.

    Returns:
        Minutes above 0; `None` where nothing was measured.
    """
    own = [one.time for one in project.store.revisions.of_task(task_number) if one.reader == reader]
    since = max(own, default=None)
    seconds = project.store.activities.seconds(task_number, reader, since=since, until=until)
    return seconds / 60.0 or None


def _check(actions: Mapping[str, int]) -> None:
    """Refuse actions that no page counts."""
    if len(actions) > MOST_TOOLS:
        raise ReviewError(f"actions of {len(actions)} tools were sent; send at most {MOST_TOOLS}")
    for tool, n_times in actions.items():
        if _TOOL.fullmatch(tool) is None:
            rule = "a tool's name has small letters, digits and hyphens, at most 40"
            raise ReviewError(f"actions of the tool {tool[:60]!r} were sent; {rule}")
        if not 0 <= n_times <= MOST_ACTIONS:
            rule = f"send the number since the last sign, from 0 to {MOST_ACTIONS}"
            raise ReviewError(f"{n_times} actions of the tool {tool!r} were sent; {rule}")
