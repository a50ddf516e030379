"""Keep what people decided: which mask stands, and which finding is no error. None is ever removed."""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import select

from omentum.records import Confirmation, Decision, DecisionKind, MaskSource
from omentum.store.cases import require_cases
from omentum.store.database import Database
from omentum.store.review_tables import ConfirmationRow, DecisionRow

__all__ = ["Confirmations", "Decisions"]


class Decisions:
    """Decisions about which mask stands; the last one about an organ counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, decision: Decision) -> Decision:
        """Add a decision, and give it with its number.

        Raises:
            UnknownCaseError: There is no such case.
        """
        with self._database.writing() as session:
            require_cases(session, [decision.case_id])
            row = DecisionRow(
                case_id=decision.case_id,
                organ=decision.organ,
                kind=decision.kind.value,
                stands=decision.stands.value,
                revision_number=decision.revision_number,
                by=decision.by,
                why=decision.why,
                time=decision.time,
            )
            session.add(row)
            session.flush()
            return replace(decision, number=row.number)

    def all(self) -> list[Decision]:
        """Give all decisions, in the order in which they fell."""
        with self._database.reading() as session:
            rows = session.scalars(select(DecisionRow).order_by(DecisionRow.number))
            return [_decision(row) for row in rows]

    def of_case(self, case_id: str) -> list[Decision]:
        """Give the decisions about a case, in the order in which they fell."""
        asked = select(DecisionRow).where(DecisionRow.case_id == case_id)
        with self._database.reading() as session:
            return [_decision(row) for row in session.scalars(asked.order_by(DecisionRow.number))]

    def of_organ(self, case_id: str, organ: str) -> list[Decision]:
        """Give the decisions about an organ of a case, in the order in which they fell."""
        asked = select(DecisionRow).where(DecisionRow.case_id == case_id, DecisionRow.organ == organ)
        with self._database.reading() as session:
            return [_decision(row) for row in session.scalars(asked.order_by(DecisionRow.number))]


class Confirmations:
    """Words of people that a finding is no error."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, confirmations: Iterable[Confirmation]) -> None:
        """Add confirmations; all of them or, with an error, none.

        Raises:
            UnknownCaseError: There is no such case.
        """
        confirmations = list(confirmations)
        with self._database.writing() as session:
            require_cases(session, (one.case_id for one in confirmations))
            session.add_all(
                ConfirmationRow(
                    case_id=one.case_id,
                    organ=one.organ,
                    rule=one.rule,
                    mask_sha256=one.mask_sha256,
                    by=one.by,
                    why=one.why,
                    time=one.time,
                )
                for one in confirmations
            )

    def all(self) -> list[Confirmation]:
        """Give all confirmations, in the order in which they came."""
        with self._database.reading() as session:
            rows = session.scalars(select(ConfirmationRow).order_by(ConfirmationRow.number))
            return [_confirmation(row) for row in rows]

    def of_case(self, case_id: str) -> list[Confirmation]:
        """Give the confirmations of a case, in the order in which they came."""
        asked = select(ConfirmationRow).where(ConfirmationRow.case_id == case_id)
        with self._database.reading() as session:
            rows = session.scalars(asked.order_by(ConfirmationRow.number))
            return [_confirmation(row) for row in rows]


def _decision(row: DecisionRow) -> Decision:
    return Decision(
        case_id=row.case_id,
        organ=row.organ,
        kind=DecisionKind(row.kind),
        stands=MaskSource(row.stands),
        revision_number=row.revision_number,
        by=row.by,
        why=row.why,
        time=row.time,
        number=row.number,
    )


def _confirmation(row: ConfirmationRow) -> Confirmation:
    return Confirmation(
        case_id=row.case_id,
        organ=row.organ,
        rule=row.rule,
        mask_sha256=row.mask_sha256,
        by=row.by,
        why=row.why,
        time=row.time,
    )
