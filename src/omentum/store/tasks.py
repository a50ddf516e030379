"""Keep the review tasks of each round and their states.

A new queue never removes a task that has begun. Leases say who may have a task.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, func, select, update

from omentum.errors import ReviewError
from omentum.records import Task, TaskKind, TaskState
from omentum.records.audit_log import PROGRAM, LogAction
from omentum.store.cases import require_cases
from omentum.store.database import Database
from omentum.store.leases import Leases, Offer
from omentum.store.record_table import RecordTable
from omentum.store.review_tables import TaskRow
from omentum.store.rounds import require_round

__all__ = ["Tasks", "pool_of"]

_AT_ONCE = 10_000
"""Numbers in one statement, below what any database takes."""
_TABLE = TaskRow.metadata.tables[TaskRow.__tablename__]
_ENDED = (TaskState.IN_ADJUDICATION.value, TaskState.DONE.value, TaskState.SKIPPED.value)
_NOTE_CLAIMED = (
    update(_TABLE)
    .where(_TABLE.c.number == bindparam("of"), _TABLE.c.state.not_in(_ENDED))
    .values(state=TaskState.CLAIMED.value, network=bindparam("by"), shown_sha256=bindparam("shown"))
)
"""Made once, as it is sent for each claim."""


def pool_of(round_number: int) -> str:
    """Name the pool of leases for the tasks of a round."""
    return f"tasks {round_number}"


class Tasks(RecordTable[Task]):
    """The tasks of all rounds."""

    record_type, row_type, order = Task, TaskRow, ("round_number", "rank")

    def __init__(self, database: Database, leases: Leases) -> None:
        super().__init__(database)
        self._leases = leases

    def replace(self, round_number: int, tasks: Iterable[Task]) -> list[Task]:
        """Give a round a new queue, and give it back as it is kept.

        Tasks that anyone has begun, or that are reserved, keep their number and state; those that the new
        queue leaves out come after it, in their old order. So do tasks that a person asked for. A task that
        is given with its number keeps it.

        Raises:
            ProjectError: There is no such round.
            UnknownCaseError: There is no such case.
        """
        tasks = sorted(tasks, key=lambda task: task.rank)
        with self._database.together():
            with self._database.writing() as session:
                require_round(session, round_number)
                require_cases(session, (task.case_id for task in tasks))
            before = self.of_round(round_number)
            touched = self._leases.touched(pool_of(round_number))
            given = {task.number for task in tasks}
            kept = [
                task for task in before if _stays(task) or task.number in given or str(task.number) in touched
            ]
            queue = _joined(round_number, tasks, kept)
            gone = {task.number for task in before} - {task.number for task in queue}
            self._leases.withdraw(pool_of(round_number), [str(number) for number in gone])
            self._delete(TaskRow.number.in_(gone))
            return self._keep(queue)

    def add(self, task: Task, *, by: str = PROGRAM) -> Task:
        """Add one task behind the queue of its round, and give it as it is kept; `by` is who asks for it."""
        with self._database.together():
            with self._database.writing() as session:
                require_round(session, task.round_number)
                require_cases(session, [task.case_id])
                of_round = TaskRow.round_number == task.round_number
                last = session.scalar(select(func.max(TaskRow.rank)).where(of_round)) or 0
            (kept,) = self._keep([replace(task, rank=last + 1)])
            if task.kind is TaskKind.REQUESTED:
                about = {"organ": task.organ, "readings": task.n_readings, "task": kept.number}
                with self._database.writing() as session:
                    self._log(session, by, LogAction.REQUESTED, about, case_id=task.case_id)
        return kept

    def get(self, number: int) -> Task | None:
        """Find a task; `None` where there is none of that number."""
        return self._get(number)

    def await_decision(self, case_id: str, organ: str) -> bool:
        """Tell whether a task of an organ is in adjudication; no one else decides before this block ends."""
        waiting = TaskRow.state == TaskState.IN_ADJUDICATION.value
        asked = select(TaskRow.number).where(TaskRow.case_id == case_id, TaskRow.organ == organ, waiting)
        with self._database.writing() as session:
            return bool(list(session.scalars(asked.with_for_update())))

    def of_round(self, round_number: int, state: TaskState | None = None) -> list[Task]:
        """Give the tasks of a round by rank, or those in one state."""
        conditions = [] if state is None else [TaskRow.state == state.value]
        return self._select(TaskRow.round_number == round_number, *conditions)

    def of_case(self, case_id: str) -> list[Task]:
        """Give the tasks of a case, in all rounds."""
        return self._equal(case_id=case_id)

    def open_of(self, case_id: str, organ: str) -> list[Task]:
        """Give the tasks of an organ that are neither done nor skipped, the latest round first."""
        ended = (TaskState.DONE.value, TaskState.SKIPPED.value)
        found = self._select(TaskRow.case_id == case_id, TaskRow.organ == organ, TaskRow.state.not_in(ended))
        return sorted(found, key=lambda task: (-task.round_number, task.rank))

    def out_before(self, round_number: int) -> list[Task]:
        """Give the tasks of earlier rounds that readers still have, or whose readings disagree."""
        waiting = (TaskState.CLAIMED.value, TaskState.IN_ADJUDICATION.value)
        return self._select(TaskRow.round_number < round_number, TaskRow.state.in_(waiting))

    def in_state(self, state: TaskState) -> list[Task]:
        """Give the tasks of all rounds that are in a state."""
        return self._equal(state=state.value)

    def of_several(self) -> list[Task]:
        """Give the tasks of all rounds that several readers are to read."""
        return self._select(TaskRow.n_readings > 1)

    def read_by_several(self, round_number: int) -> dict[int, TaskState]:
        """Give the states of a round's tasks that several readers read and that have not ended, by number."""
        ended = (TaskState.DONE.value, TaskState.SKIPPED.value)
        several = (TaskRow.n_readings > 1, TaskRow.state.not_in(ended))
        found = self._pairs(TaskRow.number, TaskRow.state, TaskRow.round_number == round_number, *several)
        return {number: TaskState(state) for number, state in found}

    def counts(self, round_number: int) -> dict[TaskState, int]:
        """Count the tasks of a round by state."""
        asked = select(TaskRow.state, func.count()).where(TaskRow.round_number == round_number)
        with self._database.reading() as session:
            found = session.execute(asked.group_by(TaskRow.state))
            return {TaskState(state): n for state, n in found}

    def numbers_of(self, *kinds: TaskKind) -> set[int]:
        """Give the numbers of the tasks of some kinds, in all rounds."""
        asked = select(TaskRow.number).where(TaskRow.kind.in_([kind.value for kind in kinds]))
        with self._database.reading() as session:
            return set(session.scalars(asked))

    def set_state(
        self, numbers: Iterable[int], state: TaskState, *, reason: str | None = None, by: str = PROGRAM
    ) -> None:
        """Say how far tasks are; all of them or, with an error, none.

        Args:
            numbers: Of the tasks.
            state: How far they are. Tasks that ended can be claimed no more.
            reason: Why; what was said before stays where it is `None`.
            by: Pseudonym of who says so; the audit log has who skipped tasks.

        Raises:
            ReviewError: There is no such task.
        """
        numbers = sorted(set(numbers))
        values: dict[str, Any] = {"state": state.value} | ({} if reason is None else {"reason": reason})
        with self._database.together():
            with self._database.writing() as session:
                rows = list(session.scalars(select(TaskRow).where(TaskRow.number.in_(numbers))))
                if len(rows) < len(numbers):
                    missing = sorted(set(numbers) - {row.number for row in rows})
                    raise ReviewError(f"there is no task {missing[0]}; `omentum score` lists them")
                session.execute(update(TaskRow).where(TaskRow.number.in_(numbers)).values(**values))
                by_pool = _by_pool(map(self._record, rows))
                if state is TaskState.SKIPPED and numbers:
                    text = self._database.aliases.of_text(reason or "")
                    self._log(session, by, LogAction.SKIPPED, {"tasks": numbers, "text": text})
            if state in (TaskState.IN_ADJUDICATION, TaskState.DONE, TaskState.SKIPPED):
                for pool, tasks in by_pool.items():
                    self._leases.withdraw(pool, [str(task.number) for task in tasks])

    def left_by(self, task: Task, reader: str, why: str) -> None:
        """Note that one of the readers of a task leaves it out; another reader may have it instead."""
        pool, key = pool_of(task.round_number), str(task.number)
        with self._database.together():
            self._leases.end(pool, key, reader)
            n_slots = sum(one.key == key for one in self._leases.slots(pool))
            self._leases.offer(pool, [Offer(key=key, rank=task.rank, n_slots=n_slots + 1)])
            with self._database.writing() as session:
                text = self._database.aliases.of_text(why)
                self._log(session, reader, LogAction.SKIPPED, {"tasks": [task.number], "text": text})

    def claimed(self, task: Task) -> None:
        """Note that a reader has a task and what it shows, unless the task has ended meanwhile."""
        values = {"of": task.number, "by": task.network, "shown": task.shown_sha256}
        with self._database.claiming() as session:  # one row, which need not wait for who writes others
            session.flush()
            session.execute(_NOTE_CLAIMED, values)
            session.expire_all()

    def reserve(self, numbers: Collection[int], reader: str | None, *, by: str = PROGRAM) -> None:
        """Let only one reader claim tasks, or anyone again; `by` is who says so."""
        with self._database.together():
            for pool, tasks in _by_pool(self._select(TaskRow.number.in_(numbers))).items():
                self._leases.reserve(pool, [str(task.number) for task in tasks], reader)
            with self._database.writing() as session:
                action = LogAction.UNASSIGNED if reader is None else LogAction.ASSIGNED
                self._log(session, by, action, {"reader": reader, "tasks": sorted(numbers)})

    def want_readings(self, number: int, n_readings: int, *, by: str = PROGRAM) -> None:
        """Let so many readers revise a task, and open it again if it has had fewer; `by` is who asks."""
        with self._database.together():
            with self._database.writing() as session:
                row = session.get(TaskRow, number)
                assert row is not None
                row.n_readings = n_readings
                row.state = TaskState.QUEUED.value
                task = self._record(row)
                about = {"readings": n_readings, "task": number}
                self._log(session, by, LogAction.READINGS_WANTED, about)
            self._offer([task])

    def _keep(self, queue: Sequence[Task]) -> list[Task]:
        """Write tasks, those with a number over what they were, and offer what is open."""
        numbers = [task.number for task in queue if task.number is not None]
        with self._database.writing() as session:
            known: list[TaskRow] = []  # while the session has these rows, `merge` asks for none of them
            for start in range(0, len(numbers), _AT_ONCE):
                some = select(TaskRow).where(TaskRow.number.in_(numbers[start : start + _AT_ONCE]))
                known += session.scalars(some)
            rows = [session.merge(TaskRow(**self._values(task))) for task in queue]
            session.flush()
            kept = [self._record(row) for row in rows]
        self._offer([task for task in kept if task.state.is_open])
        return kept

    def _offer(self, tasks: Sequence[Task]) -> None:
        for pool, own in _by_pool(tasks).items():
            offers = (Offer(key=str(one.number), rank=one.rank, n_slots=one.n_readings) for one in own)
            self._leases.offer(pool, offers)


def _by_pool(tasks: Iterable[Task]) -> dict[str, list[Task]]:
    found: dict[str, list[Task]] = {}
    for task in tasks:
        found.setdefault(pool_of(task.round_number), []).append(task)
    return found


def _stays(task: Task) -> bool:
    """Tell whether a task stays whatever the new queue holds."""
    return task.state is not TaskState.QUEUED or task.kind is TaskKind.REQUESTED


def _joined(round_number: int, tasks: list[Task], kept: list[Task]) -> list[Task]:
    open_last = sorted(kept, key=lambda task: task.state.is_open)
    begun = {task.key: task for task in open_last}
    named = {task.key for task in tasks}
    left_out = [task for task in kept if task.key not in named or begun[task.key] is not task]
    queue = [*(_with_state_of(task, begun.get(task.key)) for task in tasks), *left_out]
    return [replace(task, round_number=round_number, rank=rank) for rank, task in enumerate(queue, start=1)]


def _with_state_of(task: Task, begun: Task | None) -> Task:
    """Keep what people know of a task that they have begun: its number, kind, and what it shows."""
    if begun is None:
        return task
    return replace(
        task,
        number=begun.number,
        kind=begun.kind,
        state=begun.state,
        network=begun.network,
        shown_sha256=begun.shown_sha256,
        n_readings=begun.n_readings,
    )
