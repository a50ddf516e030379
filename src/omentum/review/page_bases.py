"""Say for each organ of a task which mask an edit begins with, and whether the task may change it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from omentum.project.project import Project
from omentum.project.standing import CaseFacts, facts_of_case, standing_case
from omentum.records import HeldBackMask, MaskSource, Revision, StandingMask, Task, TaskState
from omentum.records.catch_trials import CatchTrial
from omentum.review.catch_view import as_shown, trials_in
from omentum.store.leases import Lease
from omentum.store.tasks import pool_of
from omentum.volumes.labels import organ, organs_named

__all__ = [
    "OrganBase",
    "TaskFacts",
    "bases_of",
    "facts_of_task",
    "is_read_twice",
    "revision_base",
    "shows_attention",
    "waited_for",
    "why_locked",
]

_ENDED = (TaskState.DONE, TaskState.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganBase:
    """The mask of an organ that a reader is shown, and from which an edit begins."""

    organ: str
    sha256: str | None = None
    """`None` where there is no mask, or an older version did not keep its hash."""
    source: MaskSource | None = None
    """`None` where there is no mask: an edit begins empty."""
    path: Path | None = None
    """File that it is in."""
    network: str = ""
    """Whose prediction it is."""
    revision: Revision | None = None
    """The revision that it is."""
    is_apart: bool = False
    """Whether the file holds this mask alone, 0/1, though it stands for a prediction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """All that a page has to know of a task's case."""

    task: Task
    reader: str
    facts: CaseFacts
    tasks: tuple[Task, ...]
    """Of the same case, in all rounds."""
    leases: Mapping[int, tuple[Lease, ...]] = field(default_factory=dict)
    """Who has those tasks, by number."""
    planted: Mapping[str, CatchTrial] = field(default_factory=dict)
    """Trials whose mask is shown in the place of the network's, by organ."""

    @property
    def network(self) -> str:
        """Whose predictions are shown where no person drew; empty where there is none."""
        return "" if self.facts.prediction is None else self.facts.prediction.network

    def open_tasks_of(self, name: str) -> list[Task]:
        """Give the other tasks of an organ that have not ended."""
        return [
            one
            for one in self.tasks
            if one.organ == name and one.number != self.task.number and one.state not in _ENDED
        ]

    def holder_of(self, task: Task) -> Lease | None:
        """Give another reader's lease on a task."""
        found = self.leases.get(task.number or 0, ())
        return next((one for one in found if one.holder != self.reader), None)


def facts_of_task(project: Project, task: Task, reader: str) -> TaskFacts:
    """Gather what is known of a task's case; no file is opened."""
    with project.store.reading_together():
        return _facts_of_task(project, task, reader)


def _facts_of_task(project: Project, task: Task, reader: str) -> TaskFacts:
    facts = facts_of_case(project, task.case_id, network=task.network or None)
    tasks = tuple(waited_for(project, project.store.tasks.of_case(task.case_id)))
    leases: dict[int, tuple[Lease, ...]] = {}
    open_tasks = [one for one in tasks if one.state not in _ENDED]
    for number in {one.round_number for one in open_tasks}:
        keys = [str(one.number) for one in open_tasks if one.round_number == number]
        leases |= {int(key): found for key, found in project.store.leases.all(pool_of(number), keys).items()}
    trials = trials_in(project, task, reader)
    return TaskFacts(
        task=task,
        reader=reader,
        facts=as_shown(facts, trials),
        tasks=tasks,
        leases=leases,
        planted={one.trial.organ: one.trial for one in trials},
    )


def waited_for(project: Project, tasks: Iterable[Task]) -> list[Task]:
    """Leave out tasks of earlier rounds that no one has and no one can claim any more."""
    current = project.store.rounds.current().number
    idle = (TaskState.QUEUED, TaskState.SUBMITTED)
    return [one for one in tasks if one.round_number == current or one.state not in idle]


def is_read_twice(tasks: Iterable[Task], name: str) -> bool:
    """Tell whether readers of an organ must not see each other's masks yet."""
    return any(one.organ == name and one.n_readings > 1 and one.state not in _ENDED for one in tasks)


def bases_of(project: Project, about: TaskFacts) -> dict[str, OrganBase]:
    """Give for each organ what the reader of a task is shown, by the order of the label table.

    It is what stands or is held back. The reader's own last revision for this task comes before it as long
    as no other reader changed the organ since. Where an organ is read twice, it is what its task shows.
    """
    labelled = standing_case(about.facts)
    masks: list[StandingMask | HeldBackMask] = [*labelled.masks, *labelled.held]
    chosen = {one.organ: one for one in masks}
    names = {*chosen, *project.settings.organs} | ({about.task.organ} - {"whole_ct"})
    planted = {name: trial.planted_sha256 for name, trial in about.planted.items()}
    hashes = {**_predicted_hashes(project, about.facts), **planted}
    found = {}
    for row in organs_named(names):
        base = _own(about, row.name) or _blinded(about, row.name, hashes)
        found[row.name] = base or _chosen(about, row.name, chosen.get(row.name), hashes)
    return found


def why_locked(about: TaskFacts, name: str) -> str:
    """Say why a task may not change an organ; empty where it may."""
    if name == about.task.organ:
        return ""
    for task in about.open_tasks_of(name):
        if task.is_whole or task.n_readings > 1:  # in the same words, as readers do not know of each other
            return f"task {task.number} is about the whole {name}, so that it is changed there alone"
        if (lease := about.holder_of(task)) is not None:
            return f"{lease.holder} has task {task.number} of {name} until {lease.until:%Y-%m-%d %H:%M} UTC"
    return ""


def shows_attention(about: TaskFacts) -> bool:
    """Tell whether a task shows its organ's attention and hot spots.

    They are kept by case and organ, so that no task shows them while another one looks at the whole organ, or
    while its reader must not know of a catch trial of the organ, which shows its own.
    """
    task = about.task
    if task.is_whole or task.is_of_ct:
        return False
    if task.is_catch:
        return True
    return task.organ not in about.planted and not any(
        one.is_whole for one in about.open_tasks_of(task.organ)
    )


def revision_base(revision: Revision) -> OrganBase:
    """Describe a revision's mask."""
    return OrganBase(
        organ=revision.organ,
        sha256=revision.sha256,
        source=MaskSource.REVISED,
        path=revision.path,
        revision=revision,
    )


def _own(about: TaskFacts, name: str) -> OrganBase | None:
    """Give the reader's own last revision for the task, if it is the organ's last word."""
    revisions = about.facts.revisions_of(name)
    own = [one for one in revisions if _is_own(about, one)]
    if not own:
        return None
    blinded = _is_blinded(about, name)
    decided = any(one.time >= own[-1].time for one in about.facts.decisions_of(name))
    later = any((one.number or 0) > (own[-1].number or 0) for one in revisions)
    return revision_base(own[-1]) if blinded or not (decided or later) else None


def _is_own(about: TaskFacts, one: Revision) -> bool:
    """Tell whether a revision is the reader's own of the task, or of another one that is blinded."""
    blinded = {task.number for task in about.tasks if task.n_readings > 1 and task.state not in _ENDED}
    return one.reader == about.reader and one.task_number in {about.task.number, *blinded}


def _is_blinded(about: TaskFacts, name: str) -> bool:
    return is_read_twice(about.tasks, name) or (name == about.task.organ and about.task.n_readings > 1)


def _blinded(about: TaskFacts, name: str, hashes: Mapping[str, str]) -> OrganBase | None:
    """Give what the task shows that asks for independent readings; `None` where nothing is hidden."""
    if not _is_blinded(about, name):
        return None
    of_organ = [one for one in about.tasks if one.organ == name and one.n_readings > 1]
    shown = of_organ[-1].shown_sha256 if of_organ else None
    if shown is None:  # no reader has claimed it yet
        return None
    if hashes.get(name) == shown:
        return _predicted(about, name, hashes)
    revision = next((one for one in about.facts.revisions_of(name) if one.sha256 == shown), None)
    if revision is not None:
        return revision_base(revision)
    return _original(about, name, shown)


def _chosen(
    about: TaskFacts, name: str, chosen: StandingMask | HeldBackMask | None, hashes: Mapping[str, str]
) -> OrganBase:
    match None if chosen is None else chosen.source:
        case MaskSource.PREDICTED:
            return _predicted(about, name, hashes)
        case MaskSource.ORIGINAL:
            return _original(about, name, None)
        case MaskSource.REVISED:
            assert chosen is not None
            assert chosen.revision is not None
            return revision_base(chosen.revision)
        case None:
            return OrganBase(organ=name)


def _predicted(about: TaskFacts, name: str, hashes: Mapping[str, str]) -> OrganBase:
    made, trial = about.facts.prediction, about.planted.get(name)
    assert made is not None
    return OrganBase(
        organ=name,
        sha256=hashes.get(name),
        source=MaskSource.PREDICTED,
        path=made.masks_path if trial is None else trial.path,
        network=made.network,
        is_apart=trial is not None,
    )


def _original(about: TaskFacts, name: str, sha256: str | None) -> OrganBase:
    path = about.facts.case.original_label_path
    return OrganBase(organ=organ(name).name, sha256=sha256, source=MaskSource.ORIGINAL, path=path)


def _predicted_hashes(project: Project, facts: CaseFacts) -> Mapping[str, str]:
    if facts.prediction is None:
        return {}
    return project.store.predictions.hashes_of(facts.case.case_id, facts.prediction.network)
