"""Search the cases that take part by their names, page by page, in the database."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from omentum.records import Case
from omentum.store.record_table import RecordTable
from omentum.store.review_tables import RevisionRow
from omentum.store.tables import CaseRow, PredictionRow

__all__ = ["ANY_CASE", "CaseQuery", "CaseSearch"]

_ESCAPE = "\\"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseQuery:
    """Which cases are asked for.

    Attributes:
        case_ids: Only of these names; `None` for any.
        case_like: Patterns that the name fits: `*` stands for any letters, `?` for one.
        patient_like: Patterns that the patient's pseudonym fits.
        has_masks: Whether there is to be any mask.

    Patterns with `*` or `?` do not tell capital letters from small ones, on any database.
    """

    case_ids: tuple[str, ...] | None = None
    case_like: tuple[str, ...] = ()
    patient_like: tuple[str, ...] = ()
    has_masks: bool = False


ANY_CASE = CaseQuery()


class CaseSearch(RecordTable[Case]):
    """The cases of a project that take part, by pages."""

    record_type, row_type, order = Case, CaseRow, ("case_id",)

    def page(self, query: CaseQuery = ANY_CASE, *, limit: int, offset: int = 0) -> list[Case]:
        """Give some of the cases that are asked for, by name.

        Args:
            query: Which.
            limit: Most cases.
            offset: How many are passed over.
        """
        asked = select(CaseRow).where(*_conditions(query)).order_by(CaseRow.case_id)
        with self._database.reading() as session:
            return [self._record(row) for row in session.scalars(asked.limit(limit).offset(offset))]

    def count(self, query: CaseQuery = ANY_CASE) -> int:
        """Count the cases that are asked for."""
        with self._database.reading() as session:
            return session.scalar(select(func.count()).select_from(CaseRow).where(*_conditions(query))) or 0


def _conditions(query: CaseQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [CaseRow.excluded_why.is_(None)]
    if query.case_ids is not None:
        found.append(CaseRow.case_id.in_(query.case_ids))
    found += [_like(CaseRow.case_id, pattern) for pattern in query.case_like]
    found += [_like(CaseRow.patient_id, pattern) for pattern in query.patient_like]
    if query.has_masks:
        predicted = select(PredictionRow.case_id).where(PredictionRow.case_id == CaseRow.case_id).exists()
        revised = select(RevisionRow.case_id).where(RevisionRow.case_id == CaseRow.case_id).exists()
        found.append(or_(CaseRow.original_label_path.is_not(None), predicted, revised))
    return found


def _like(column: InstrumentedAttribute[str], pattern: str) -> ColumnElement[bool]:
    if not {"*", "?"} & set(pattern):
        return column == pattern
    text = pattern.lower()
    for special in (_ESCAPE, "%", "_"):
        text = text.replace(special, _ESCAPE + special)
    return func.lower(column).like(text.replace("*", "%").replace("?", "_"), escape=_ESCAPE)
