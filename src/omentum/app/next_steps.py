"""List what is due next and who has to do it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from omentum.app.say_queue import why_queued
from omentum.evaluate.audit import StopRule, stop_rule
from omentum.evaluate.gate_stage import candidate_of, pending
from omentum.project.conflicts import open_conflicts
from omentum.project.project import Project
from omentum.records import Task, TaskState

__all__ = ["NextStep", "n_predicted_cases", "next_steps"]

_LAST = "omentum assemble --version VERSION, if that is not done: this round may be the last"


@dataclass(frozen=True, slots=True, kw_only=True)
class NextStep:
    """One thing that is due."""

    who: str
    """`you` (the person who runs the project) or `readers`."""
    what: str
    command: str

    def __str__(self) -> str:
        """Say it in a line."""
        return f"waiting for {self.who}: {self.what}; {self.command}"


def next_steps(
    project: Project, *, stop: StopRule | None = None, n_predicted: int | None = None
) -> list[NextStep]:
    """List what is due, the next thing first; never empty. No volume is opened and no file is hashed.

    Args:
        project: The project.
        stop: Whether the round is the last, where that is known.
        n_predicted: What `n_predicted_cases` gives, where that is known.
    """
    return [*_of_round(project, stop or stop_rule(project), n_predicted), *_conflicts(project)]


def n_predicted_cases(project: Project) -> int:
    """Count the cases that take part and that every network of the round has predicted."""
    return project.store.predictions.count_complete(project.networks)


def _of_round(project: Project, stop: StopRule, n_predicted: int | None) -> list[NextStep]:
    verdict = pending(project)
    if verdict is not None:
        said = f"the verdict on {verdict.network} ({verdict.why})"
        return [
            NextStep(who="you", what=said, command="omentum gate --accept, or omentum gate --reject"),
            *_tasks_out(project),
        ]
    if stop.is_met:
        return [NextStep(who="you", what="the release of this round", command=_LAST), *_tasks_out(project)]
    candidate = candidate_of(project)
    if candidate is not None:
        said = f"{candidate.name}, to be judged"
        return [NextStep(who="you", what=said, command="omentum gate"), *_tasks_out(project)]
    return _due(project, n_predicted_cases(project) if n_predicted is None else n_predicted)


def _due(project: Project, n_predicted: int) -> list[NextStep]:
    """Say what is due before a network is tuned."""
    store = project.store
    n_cases = store.cases.count()
    if not n_cases:
        return [NextStep(who="you", what="an empty project", command="omentum add CT...")]
    if n_predicted < n_cases:
        what = f"{_counted(n_cases - n_predicted, 'case')} to predict"
        return [NextStep(who="you", what=what, command="omentum predict")]
    counts = store.tasks.counts(store.rounds.current().number)
    if not counts:
        return [NextStep(who="you", what="the queue to make", command="omentum score")]
    found = []
    n_revised = _n_to_learn(project)
    if n_revised:
        command = "omentum tune, or go on with omentum review import FOLDER"
        found.append(
            NextStep(who="you", what=f"{_counted(n_revised, 'revision')} to learn from", command=command)
        )
    found += _tasks_out(project)
    if not found:
        n_queued = counts.get(TaskState.QUEUED, 0)
        what, command = "a round without a task", "omentum score"
        if n_queued:
            what, command = f"{_counted(n_queued, 'task')} to hand out", "omentum review export FOLDER"
        found.append(NextStep(who="you", what=what, command=command))
    return found


def _n_to_learn(project: Project) -> int:
    """Count the revisions that stand and that tuning would learn from now."""
    draw = project.store.audits.draw_of_round(project.store.rounds.current().number)
    drawn = set() if draw is None else set(draw.drawn)
    kept = project.store.cases.names(held_out=True)
    return sum(one.key not in drawn and one.case_id not in kept for one in project.unlearned())


def _conflicts(project: Project) -> list[NextStep]:
    """Say how many masks contradict what another reader made meanwhile."""
    store = project.store
    in_conflict = store.revisions.in_conflict()
    decisions = store.decisions.of_cases({one.case_id for one in in_conflict})
    excluded = store.cases.excluded()
    n_open = sum(one.case_id not in excluded for one in open_conflicts(in_conflict, decisions))
    if not n_open:
        return []
    command = "omentum review adjudicate CASE ORGAN --revision NUMBER; omentum status lists them"
    return [NextStep(who="you", what=f"{_counted(n_open, 'mask')} in conflict with another", command=command)]


def _tasks_out(project: Project) -> list[NextStep]:
    """Say how many tasks are out with readers, and how many of them were drawn whatever their score."""
    number = project.store.rounds.current().number
    out = project.store.tasks.of_round(number, TaskState.CLAIMED)
    if not out:
        return []
    command = "omentum review serve; or, for folders, omentum review import FOLDER"
    return [NextStep(who="readers", what=f"{_counted(len(out), 'task')}{_kinds(out)}", command=command)]


def _kinds(tasks: Sequence[Task]) -> str:
    kinds = Counter(why_queued(task) for task in tasks if task.is_whole)
    return f" ({', '.join(f'{number} {kind}' for kind, number in sorted(kinds.items()))})" if kinds else ""


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
