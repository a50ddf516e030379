"""What was drawn by lot, to bound what is still wrong?

In:  the draw of a round (score).
Out: draws, of a round or all. There is one a round. From when its first task goes out to people it is never
     changed: whoever could draw again then could draw until the bound is pleasing.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from omentum.records import Audit, TaskKind, TaskState
from omentum.store.cases import require_cases
from omentum.store.database import Database
from omentum.store.review_tables import TaskRow
from omentum.store.rounds import require_round
from omentum.store.tables import AuditRow

__all__ = ["Audits"]


class Audits:
    """The audits of a project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, audit: Audit) -> Audit:
        """Keep the draw of a round, or give the one that it has if a task of that went out to people.

        Raises:
            ProjectError: There is no such round.
            UnknownCaseError: There is no such case.
        """
        with self._database.writing() as session:
            require_round(session, audit.round_number)
            first = session.get(AuditRow, audit.round_number)
            if first is not None and _is_begun(session, first):
                return _record(first)
            require_cases(session, audit.frame)
            session.merge(_row(audit))
        return audit

    def of_round(self, round_number: int) -> Audit | None:
        """Give the draw of a round; `None` where nothing was drawn."""
        with self._database.reading() as session:
            row = session.get(AuditRow, round_number)
            return None if row is None else _record(row)

    def all(self) -> list[Audit]:
        """Give all draws, by round."""
        with self._database.reading() as session:
            rows = session.scalars(select(AuditRow).order_by(AuditRow.round_number))
            return [_record(row) for row in rows]


def _is_begun(session: Session, row: AuditRow) -> bool:
    drawn = {(case_id, organ) for case_id, organ in row.drawn}
    begun = select(TaskRow.case_id, TaskRow.organ).where(
        TaskRow.round_number == row.round_number,
        TaskRow.kind == TaskKind.AUDIT.value,
        TaskRow.state != TaskState.QUEUED.value,
    )
    return any((case_id, organ) in drawn for case_id, organ in session.execute(begun))


def _row(audit: Audit) -> AuditRow:
    return AuditRow(
        round_number=audit.round_number,
        network=audit.network,
        weights_sha256=audit.weights_sha256,
        seed=audit.seed,
        frame={case_id: list(organs) for case_id, organs in audit.frame.items()},
        n_cases_drawn=audit.n_cases_drawn,
        drawn=[list(key) for key in audit.drawn],
        time=audit.time,
    )


def _record(row: AuditRow) -> Audit:
    return Audit(
        round_number=row.round_number,
        network=row.network,
        weights_sha256=row.weights_sha256,
        seed=row.seed,
        frame={case_id: tuple(organs) for case_id, organs in sorted(row.frame.items())},
        n_cases_drawn=row.n_cases_drawn,
        drawn=tuple((case_id, organ) for case_id, organ in row.drawn),
        time=row.time,
    )
