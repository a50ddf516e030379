"""Compare the readings of a task that disagree, make one mask of them, and decide which mask stands.

Readings have letters, in the order in which they came in. The mask that a person chooses or draws becomes the
last word; every reading stays as it was handed in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from omentum.choices import OWNER
from omentum.errors import ConfigError, HiddenError, ReviewError
from omentum.project.conflicts import open_conflicts
from omentum.project.project import Project
from omentum.project.reading_agreement import agreement_of, revision_part
from omentum.project.standing import CaseFacts, facts_of_case
from omentum.records import Decision, ReaderAnswer, Revision, Task, TaskState
from omentum.records.people import Role, may
from omentum.review.decide import adjudicate, decided_already
from omentum.review.tasks import required_task
from omentum.volumes.boxes import BoxedMask

__all__ = [
    "Adjudication",
    "Reading",
    "adjudications",
    "decide_task",
    "made_part",
    "may_adjudicate",
    "readings_of",
    "require_adjudicator",
    "sources_of",
]

_LEAST_FOR_MAJORITY = 3
_MADE = ("common", "majority", "staple")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reader's last answer to a task."""

    label: str
    """A letter that stands for the reader."""
    revision: Revision

    @property
    def source(self) -> str:
        """The name under which its mask is shown."""
        return f"revision:{self.revision.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjudication:
    """A task whose readings disagree, and how far."""

    task: Task
    n_readings: int
    differ_ml: float
    """The largest volume in which two of the readings differ."""
    dice: float | None
    """The lowest Dice of two of the readings."""


def adjudications(project: Project) -> list[Adjudication]:
    """List the tasks whose readings disagree, in all rounds, the largest difference first."""
    waiting = project.store.tasks.in_state(TaskState.IN_ADJUDICATION)
    excluded = project.store.cases.excluded()
    found = [_compared(project, task) for task in waiting if task.case_id not in excluded]
    return sorted(found, key=lambda one: (-one.differ_ml, one.task.number or 0))


def readings_of(project: Project, task: Task, facts: CaseFacts | None = None) -> tuple[Reading, ...]:
    """Give the readings of a task: of each reader the last revision, lettered in order of submission.

    They are those that were handed in for the task, and those of its organ that contradict each other and
    wait for a decision.
    """
    facts = facts or facts_of_case(project, task.case_id)
    revisions = facts.revisions_of(task.organ)
    waiting = open_conflicts(revisions, facts.decisions_of(task.organ))
    numbers = {one.number for one in waiting} | {one.conflicts_with for one in waiting}
    meant = [one for one in revisions if one.task_number == task.number or one.number in numbers]
    last = {one.reader: one for one in meant}
    in_order = sorted(last.values(), key=lambda one: one.number or 0)
    return tuple(Reading(label=_letter(place), revision=one) for place, one in enumerate(in_order))


def sources_of(readings: Sequence[Reading]) -> tuple[str, ...]:
    """Name the masks that can stand: each reading, and what is made of all of them; none without readings.

    A majority and an estimate by STAPLE need three readings.
    """
    if not readings:
        return ()
    made = _MADE if len(readings) >= _LEAST_FOR_MAJORITY else _MADE[:1]
    return (*(one.source for one in readings), *made)


def made_part(
    readings: Sequence[Reading],
    source: str,
    read: Callable[[Revision], BoxedMask | None] = revision_part,
) -> BoxedMask | None:
    """Give the mask of a source, in its box; `None` where it is empty.

    Args:
        readings: Of the task.
        source: One of `sources_of`.
        read: Reads the mask of a revision.

    Raises:
        ConfigError: There is no such source.
    """
    from omentum.measures.joint_readings import common_part, majority, staple  # slow to import

    _require_source(readings, source)
    own = next((one for one in readings if one.source == source), None)
    if own is not None:
        return read(own.revision)
    make = {"common": common_part, "majority": majority, "staple": staple}[source]
    return make([read(one.revision) for one in readings])


def may_adjudicate(project: Project, task: Task, person: str, readings: Sequence[Reading]) -> bool:
    """Tell whether a person with the role may decide about a task: see `require_adjudicator`."""
    is_own = any(one.revision.reader == person for one in readings)
    is_waiting = task.state is TaskState.IN_ADJUDICATION
    return is_waiting and not (is_own and _other_adjudicators(project, person))


def require_adjudicator(project: Project, task: Task, person: str, readings: Sequence[Reading]) -> None:
    """Refuse someone who may not decide about a task.

    Who read it may not, unless there is no one else: no other person who is an adjudicator or an admin.

    Raises:
        ReviewError: The readings of the task do not wait for a decision.
        HiddenError: The person read the task, and somebody else can decide.
    """
    if task.state is not TaskState.IN_ADJUDICATION:
        raise ReviewError(
            f"task {task.number} is {task.state}, and only one whose readings disagree is adjudicated; "
            "`omentum review list` shows those in adjudication"
        )
    if not may_adjudicate(project, task, person, readings):
        others = _other_adjudicators(project, person)
        raise HiddenError(
            f"{person} read task {task.number}, and who read a task does not decide between its readings "
            f"while another adjudicator can; leave it to {' or '.join(others[:3])}"
        )


def decide_task(project: Project, number: int, stands: str, *, by: str = OWNER, why: str = "") -> Decision:
    """Decide which mask stands where the readings of a task disagree.

    A reading stands as it is. A mask that is made of the readings is handed in first, as a revision of who
    decides; it belongs to no task, so that it is no reading.

    Args:
        project: The project.
        number: Of the task.
        stands: One of `sources_of`.
        by: Pseudonym of who decides.
        why: For people.

    Raises:
        ReviewError: There is no such task, its readings do not wait for a decision, or a mask that is made of
            them has no voxel though no reader said that the organ is absent.
        HiddenError: This person may not decide about it.
        ConfigError: There is no such source.
    """
    task = required_task(project, number)
    readings = readings_of(project, task)
    require_adjudicator(project, task, by, readings)
    _require_source(readings, stands)
    own = next((one.revision for one in readings if one.source == stands), None)
    if own is not None:
        with project.store.together():
            if not project.store.tasks.await_decision(task.case_id, task.organ):
                raise decided_already(task.case_id, task.organ)
            return adjudicate(project, task.case_id, task.organ, own.number or 0, by=by, why=why)
    of = ", ".join(str(one.revision.number) for one in readings)
    said = f"{stands} of the revisions {of}" + (f"; {why}" if why else "")
    part = made_part(readings, stands)
    if part is None and all(one.revision.says is not ReaderAnswer.ABSENT for one in readings):
        raise ReviewError(
            f"the mask {stands!r} of task {number} has no voxel, and no reader said that {task.organ} is "
            "absent; let a reading stand, or draw the mask"
        )
    return _hand_in_made(project, task, part, by=by, said=said)


def _hand_in_made(project: Project, task: Task, part: BoxedMask | None, *, by: str, said: str) -> Decision:
    from omentum.review.hand_in import hand_in  # what measures masks is slow to import
    from omentum.review.handed_in import HandIn

    geometry = project.store.cases.get(task.case_id).geometry
    mask = np.zeros(geometry.shape, dtype=bool, order="F")
    if part is not None:
        part.put(mask)
    made = HandIn(
        case_id=task.case_id,
        organ=task.organ,
        mask=mask,
        reader=by,
        base_sha256=task.shown_sha256,
        network=task.network,
        round_number=task.round_number,
        decides=True,
        is_aside=True,
        comment=said,
    )
    (kept,) = hand_in(project, [made])
    decisions = project.store.decisions.of_case(task.case_id)
    return [one for one in decisions if one.revision_number == kept.revision.number][-1]


def _compared(project: Project, task: Task) -> Adjudication:
    facts = facts_of_case(project, task.case_id)
    readings = [one.revision for one in readings_of(project, task, facts)]
    pairs = [
        agreement_of(project, facts.case, a, b) for place, a in enumerate(readings) for b in readings[:place]
    ]
    known = [one.dice for one in pairs if one.dice is not None]
    return Adjudication(
        task=task,
        n_readings=len(readings),
        differ_ml=max((one.differ_ml for one in pairs), default=0.0),
        dice=min(known, default=None),
    )


def _require_source(readings: Sequence[Reading], source: str) -> None:
    known = sources_of(readings)
    if source not in known:
        raise ConfigError("stands", source, f"the task's masks are {', '.join(known)}")


def _other_adjudicators(project: Project, person: str) -> list[str]:
    """Name the other people who may decide; none where the project has no people."""
    people = [one for one in project.store.people.all() if not one.is_disabled and one.name != person]
    return sorted(one.name for one in people if may(one.roles, Role.ADJUDICATOR))


def _letter(place: int) -> str:
    """Give A to Z, then A2 to Z2 and so on.

    Example:
        >>> _letter(0), _letter(26)
        ('A', 'A2')
    """
    return chr(ord("A") + place % 26) + ("" if place < 26 else str(place // 26 + 1))
