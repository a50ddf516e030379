"""Draw the tasks of a round that two readers read independently, and record the draw.

Each task has a number that follows from the project's secret, the round and its organ, so that no one can
tell beforehand which ones are drawn: those with the lowest numbers. What was drawn before stays drawn.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from omentum.project.paths import read_secret
from omentum.project.project import Project
from omentum.records import Task

__all__ = ["DRAW_KEY", "drawn_twice", "keys_drawn", "seed_of"]

DRAW_KEY = "double_reading"
"""Where the draw is in `queue.json`."""
Key = tuple[str, str]
"""Case and organ."""


def seed_of(project: Project, round_number: int) -> str:
    """Derive the seed of a round's draw from the project's secret, as hexadecimal digits."""
    secret = read_secret(project.folder)
    return hmac.new(secret, f"double reading {round_number}".encode(), hashlib.sha256).hexdigest()[:16]


def keys_drawn(
    keys: Collection[Key], share: float, seed: str, before: Collection[Key] = ()
) -> tuple[Key, ...]:
    """Draw a share of organs, rounded to the nearest number, first from those that were drawn before.

    Args:
        keys: Case and organ of each task.
        share: Which share, in [0, 1].
        seed: Of the draw.
        before: What was drawn before in the round.

    Example:
        >>> len(keys_drawn([("a", "liver"), ("b", "liver"), ("c", "liver")], 0.5, "0f"))
        2
    """
    first = frozenset(before)
    in_order = sorted(keys, key=lambda key: (key not in first, _number(seed, key), key))
    return tuple(in_order[: int(share * len(in_order) + 0.5)])


def drawn_twice(
    project: Project, tasks: Sequence[Task], queue_path: Path
) -> tuple[list[Task], dict[str, Any]]:
    """Let two readers read a share of tasks; the same call gives the same again.

    Args:
        project: The project, whose setting `double_reading_share` says which share.
        tasks: Those of the round that may be drawn.
        queue_path: Record of the round's queue, with the draw before, if there is one.

    Returns:
        The tasks, and the draw for the record.
    """
    seed = seed_of(project, project.store.rounds.current().number)
    before = _before(queue_path, seed)
    share = project.settings.double_reading_share
    drawn = keys_drawn([task.key for task in tasks], share, seed, before)
    kept = list(dict.fromkeys([*drawn, *before])) if share else []
    chosen = frozenset(drawn)
    twice = [replace(task, n_readings=2) if task.key in chosen else task for task in tasks]
    return twice, {"seed": seed, "share": share, "drawn": [list(key) for key in kept]}


def _before(queue_path: Path, seed: str) -> list[Key]:
    with suppress(OSError, ValueError, KeyError, TypeError):
        draw = json.loads(queue_path.read_text(encoding="utf-8"))[DRAW_KEY]
        if draw["seed"] == seed:
            return [(str(case_id), str(organ)) for case_id, organ in draw["drawn"]]
    return []


def _number(seed: str, key: Key) -> bytes:
    return hashlib.sha256(json.dumps([seed, *key]).encode()).digest()
