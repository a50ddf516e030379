"""Say which mask of each organ of a case a reader is shown, just as the review page shows them.

An organ with an open task is shown as that task shows it, so that readings stay blinded; any other as it
stands.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from omentum.app.server.context import ServerState
from omentum.records import WHOLE_CT, Case, Task, TaskKind, TaskState
from omentum.review.page_bases import OrganBase, TaskFacts
from omentum.volumes.boxes import BoxedMask

__all__ = ["ShownOrgans", "shown_organs"]

_ENDED = (TaskState.DONE, TaskState.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownOrgans:
    """The masks of a case that a reader is shown.

    Attributes:
        server: Reads them.
        case: The case.
        bases: Of each organ that has a mask, by the order of the label table, with the task that shows it.
    """

    server: ServerState
    case: Case
    bases: tuple[tuple[TaskFacts, OrganBase], ...]

    @property
    def content(self) -> str:
        """Hash of what is shown, 32 hexadecimal digits; empty where nothing is."""
        if not self.bases:
            return ""
        rows = [[one.organ, one.sha256, str(one.source), one.network] for _, one in self.bases]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:32]

    def part(self, number: int) -> BoxedMask | None:
        """Read a mask by its place in `bases`; `None` where it is empty.

        Raises:
            ImageError: Its file is gone or damaged.
        """
        about, base = self.bases[number]
        return self.server.masks.part(about, base)


def shown_organs(server: ServerState, case: Case, reader: str) -> ShownOrgans:
    """Find the masks of a case that a reader is shown."""
    standing = server.masks.about(_of_no_organ(server, case), reader)
    found = {name: (standing, base) for name, base in server.masks.bases(standing).items()}
    for name in found:
        open_tasks = [one for one in standing.tasks if one.organ == name and one.state not in _ENDED]
        if open_tasks:
            about = server.masks.about(_preferred(standing, open_tasks), reader)
            found[name] = about, server.masks.bases(about)[name]
    bases = tuple(one for one in found.values() if one[1].source is not None)
    return ShownOrgans(server=server, case=case, bases=bases)


def _of_no_organ(server: ServerState, case: Case) -> Task:
    """Make a task, kept nowhere, of which no organ is the task's own."""
    return Task(
        round_number=server.project.store.rounds.current().number,
        case_id=case.case_id,
        organ=WHOLE_CT,
        rank=0,
        attention_ml=0.0,
        kind=TaskKind.REQUESTED,
    )


def _preferred(about: TaskFacts, tasks: Sequence[Task]) -> Task:
    """Choose the task that the reader has, else the latest."""
    return max(tasks, key=lambda one: (_has(about, one), one.round_number, one.number or 0))


def _has(about: TaskFacts, task: Task) -> bool:
    return any(one.holder == about.reader for one in about.leases.get(task.number or 0, ()))
