"""What waits for whom? The same answer for `omentum round`, `omentum status` and whoever asks in a program.

In:  an open project.
Out: what is due, the first thing first: who has to do it, what it is, and with which command it goes on.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from omentum import loop
from omentum.evaluate.gate_round import candidate_of, pending
from omentum.project.project import Workspace
from omentum.records import Task, TaskState

__all__ = ["Waiting", "waiting"]

_LAST = "omentum assemble --version VERSION, if that is not done: this round may be the last"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One thing that is due."""

    who: str
    """`you` (whoever runs the project) or `readers`."""
    what: str
    command: str

    def __str__(self) -> str:
        """Say it in a line."""
        return f"waiting for {self.who}: {self.what}; {self.command}"


def waiting(workspace: Workspace) -> list[Waiting]:
    """Say what is due, the first thing first; never empty."""
    verdict = pending(workspace)
    if verdict is not None:
        said = f"the verdict on {verdict.network} ({verdict.why})"
        return [
            Waiting(who="you", what=said, command="omentum gate --accept, or omentum gate --reject"),
            *_tasks_out(workspace),
        ]
    if loop.stop_rule(workspace).is_met:
        return [Waiting(who="you", what="the release of this round", command=_LAST), *_tasks_out(workspace)]
    candidate = candidate_of(workspace)
    if candidate is not None:
        said = f"{candidate.name}, to be judged"
        return [Waiting(who="you", what=said, command="omentum gate"), *_tasks_out(workspace)]
    return _due(workspace)


def _due(workspace: Workspace) -> list[Waiting]:
    """Say what is due before a network is tuned."""
    store = workspace.store
    n_cases, n_predicted = len(store.cases.all()), len(workspace.opinions())
    if not n_cases:
        return [Waiting(who="you", what="an empty project", command="omentum add CT...")]
    if n_predicted < n_cases:
        what = f"{_counted(n_cases - n_predicted, 'case')} to predict"
        return [Waiting(who="you", what=what, command="omentum predict")]
    number = store.rounds.current().number
    tasks = store.tasks.of_round(number)
    if not tasks:
        return [Waiting(who="you", what="the queue to make", command="omentum score")]
    found = []
    n_revised = sum(one.round_number == number for one in store.revisions.all())
    if n_revised:
        command = "omentum tune, or go on with omentum review import FOLDER"
        found.append(
            Waiting(who="you", what=f"{_counted(n_revised, 'revision')} to learn from", command=command)
        )
    found += _tasks_out(workspace)
    if not found:
        n_queued = sum(task.state is TaskState.QUEUED for task in tasks)
        what, command = "a round without a task", "omentum score"
        if n_queued:
            what, command = f"{_counted(n_queued, 'task')} to hand out", "omentum review export FOLDER"
        found.append(Waiting(who="you", what=what, command=command))
    return found


def _tasks_out(workspace: Workspace) -> list[Waiting]:
    """Say how many tasks are out with readers, and which of them are not led by a score."""
    number = workspace.store.rounds.current().number
    out = workspace.store.tasks.of_round(number, TaskState.EXPORTED)
    if not out:
        return []
    command = "experts revise, then omentum review import FOLDER"
    return [Waiting(who="readers", what=f"{_counted(len(out), 'task')}{_kinds(out)}", command=command)]


def _kinds(tasks: Sequence[Task]) -> str:
    kinds = Counter(
        "drawn by lot" if task.is_audit else "to judge networks by" for task in tasks if task.is_whole
    )
    return f" ({', '.join(f'{number} {kind}' for kind, number in sorted(kinds.items()))})" if kinds else ""


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
