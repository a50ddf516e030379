"""Keep what people decided: which mask stands, and which finding is no error. None is ever removed."""

from collections.abc import Collection, Iterable
from dataclasses import replace

from omentum.records import Confirmation, Decision
from omentum.records.audit_log import LogAction
from omentum.store.cases import require_cases
from omentum.store.logged_records import about_record
from omentum.store.record_table import ListedTable
from omentum.store.review_tables import ConfirmationRow, DecisionRow

__all__ = ["Confirmations", "Decisions"]


class Decisions(ListedTable[Decision]):
    """Decisions about which mask stands, in the order in which they were made; the last one counts."""

    record_type, row_type, order = Decision, DecisionRow, ("number",)

    def add(self, decision: Decision) -> Decision:
        """Add a decision, and give it with its number.

        Raises:
            UnknownCaseError: There is no such case.
        """
        with self._database.writing() as session:
            require_cases(session, [decision.case_id])
            values = self._values(decision, number=None)
            row = DecisionRow(**values)
            session.add(row)
            session.flush()
            about = about_record(self._database, LogAction.DECISION, row.number, values)
            self._log(session, decision.by, LogAction.DECISION, about, case_id=decision.case_id)
            return replace(decision, number=row.number)

    def of_cases(self, case_ids: Collection[str]) -> list[Decision]:
        """Give the decisions about some cases, in the order in which they were made."""
        return self._of_cases(case_ids)

    def of_case(self, case_id: str) -> list[Decision]:
        """Give the decisions about a case."""
        return self._equal(case_id=case_id)


class Confirmations(ListedTable[Confirmation]):
    """Confirmations by people that a finding is no error, in the order in which they came."""

    record_type, row_type, order = Confirmation, ConfirmationRow, ("number",)

    def add(self, confirmations: Iterable[Confirmation]) -> None:
        """Add confirmations; all of them or, with an error, none.

        Raises:
            UnknownCaseError: There is no such case.
        """
        confirmations = list(confirmations)
        with self._database.writing() as session:
            require_cases(session, (one.case_id for one in confirmations))
            for one in confirmations:
                values = self._values(one)
                row = ConfirmationRow(**values)
                session.add(row)
                session.flush()
                about = about_record(self._database, LogAction.CONFIRMATION, row.number, values)
                self._log(session, one.by, LogAction.CONFIRMATION, about, case_id=one.case_id)

    def of_cases(self, case_ids: Collection[str]) -> list[Confirmation]:
        """Give the confirmations of some cases."""
        return self._of_cases(case_ids)

    def of_case(self, case_id: str) -> list[Confirmation]:
        """Give the confirmations of a case."""
        return self._equal(case_id=case_id)
