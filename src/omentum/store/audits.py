"""Keep the random draw of each round, from which the audit bounds the errors that are left.

A round has one draw. It never changes once a reader has begun one of its tasks: a draw that could be
repeated would no longer be random.
"""

import hashlib
from dataclasses import fields
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from omentum.records import Audit, AuditDraw, TaskKind, TaskState
from omentum.records.audit_log import PROGRAM, LogAction, canonical_json
from omentum.store.cases import require_cases
from omentum.store.record_table import ListedTable
from omentum.store.review_tables import TaskRow
from omentum.store.rounds import require_round
from omentum.store.score_state import begin_score_state
from omentum.store.tables import AuditRow

__all__ = ["Audits"]

_SIZES = ("n_cases", "n_organs", "most_organs")
"""What is kept of the frame's size, as the frame of many cases takes long to read."""


class Audits(ListedTable[Audit]):
    """The audits of a project."""

    record_type, row_type, order = Audit, AuditRow, ("round_number",)

    def keep(self, audit: Audit) -> Audit:
        """Keep the draw of a round, or give the draw that it has if one of its tasks has begun.

        Raises:
            ProjectError: There is no such round.
            UnknownCaseError: There is no such case.
        """
        with self._database.writing() as session:
            require_round(session, audit.round_number)
            first = session.get(AuditRow, audit.round_number)
            if first is not None and _is_begun(session, first):
                return self._record(first)
            require_cases(session, audit.frame)
            about = self._about(audit)
            if first is None or self._about(self._record(first)) != about:
                self._log(session, PROGRAM, LogAction.AUDIT_DRAWN, about)
            begin_score_state(session)
            sizes = {name: getattr(audit, name) for name in _SIZES}
            session.merge(AuditRow(**self._values(audit, **sizes)))
        return audit

    def draws(self) -> list[AuditDraw]:
        """Give what was drawn in each round, without all that it was drawn from."""
        return _Draws(self._database).all()

    def draw_of_round(self, round_number: int) -> AuditDraw | None:
        """Give what was drawn in a round, without all that it was drawn from; `None` where nothing was."""
        return _Draws(self._database).of_round(round_number)

    def of_round(self, round_number: int) -> Audit | None:
        """Give the draw of a round; `None` where nothing was drawn."""
        return self._get(round_number)

    def _about(self, audit: Audit) -> dict[str, Any]:
        alias = self._database.aliases.of
        frame = sorted([alias(case_id), list(organs)] for case_id, organs in audit.frame.items())
        return {
            "drawn": [[alias(case_id), organ] for case_id, organ in audit.drawn],
            "frame": hashlib.sha256(canonical_json(frame).encode("ascii")).hexdigest(),
            "n_frame": sum(len(organs) for _, organs in frame),
            "network": audit.network,
            "round": audit.round_number,
            "seed": audit.seed,
            "weights": audit.weights_sha256,
        }


class _Draws(ListedTable[AuditDraw]):
    record_type, row_type, order = AuditDraw, AuditRow, ("round_number",)
    columns = tuple(one.name for one in fields(AuditDraw))

    def of_round(self, round_number: int) -> AuditDraw | None:
        return next(iter(self._select(AuditRow.round_number == round_number)), None)


def _is_begun(session: Session, row: AuditRow) -> bool:
    drawn = {(case_id, organ) for case_id, organ in row.drawn}
    begun = select(TaskRow.case_id, TaskRow.organ).where(
        TaskRow.round_number == row.round_number,
        TaskRow.kind == TaskKind.AUDIT.value,
        TaskRow.state != TaskState.QUEUED.value,
    )
    return any((case_id, organ) in drawn for case_id, organ in session.execute(begun))
