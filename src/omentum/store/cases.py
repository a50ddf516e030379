"""Keep the cases of a project; a `case_id` never stands for two sources.

A case that is excluded stays, and takes no part: `all` gives those that do.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from omentum.errors import CaseClashError, ProjectError, UnknownCaseError
from omentum.records import Case
from omentum.records.audit_log import PROGRAM, LogAction
from omentum.store.record_table import RecordTable
from omentum.store.tables import CaseRow

__all__ = ["Cases", "require_cases"]

_AT_ONCE = 500
"""Names in one question, well below what any database takes."""


class Cases(RecordTable[Case]):
    """The cases of a project."""

    record_type, row_type, order = Case, CaseRow, ("case_id",)

    def add(self, case: Case) -> bool:
        """Add a case; tell whether it is new, which it is not if it came from the same source before.

        Raises:
            CaseClashError: There is one of that name from another source.
        """
        return bool(self.add_all([case]))

    def add_all(self, cases: Iterable[Case]) -> tuple[str, ...]:
        """Add all cases or, where one clashes, none; give the names of those that are new.

        Raises:
            CaseClashError: There is one of that name from another source.
        """
        cases = list(cases)
        with self._database.writing() as session:
            sources = _sources(session, [case.case_id for case in cases])
            new = _unknown(cases, sources)
            if new:
                session.execute(insert(CaseRow), [self._values(case) for case in new])
        return tuple(case.case_id for case in new)

    def get(self, case_id: str) -> Case:
        """Find a case; there being none raises `UnknownCaseError`."""
        case = self._get(case_id)
        if case is None:
            raise UnknownCaseError(case_id)
        return case

    def all(self) -> list[Case]:
        """Give the cases that take part, by name."""
        return self._select(CaseRow.excluded_why.is_(None))

    def some(self, case_ids: Collection[str]) -> list[Case]:
        """Give those of some cases that take part, by name."""
        return self._of_cases(case_ids, CaseRow.excluded_why.is_(None))

    def count(self) -> int:
        """Count the cases that take part."""
        with self._database.reading() as session:
            return session.scalar(select(func.count()).where(CaseRow.excluded_why.is_(None))) or 0

    def of_patient(self, patient_id: str) -> list[Case]:
        """Give the cases of a patient that take part, by name."""
        return [one for one in self._equal(patient_id=patient_id) if one.excluded_why is None]

    def names(self, *, held_out: bool | None = None) -> set[str]:
        """Give the names of the cases that take part; or of those that are, or are not, held out."""
        asked = select(CaseRow.case_id).where(CaseRow.excluded_why.is_(None))
        if held_out is not None:
            asked = asked.where(CaseRow.held_out == held_out)
        with self._database.reading() as session:
            return set(session.scalars(asked))

    def every(self) -> list[Case]:
        """Give all cases, also those that are excluded, by name."""
        return self._select()

    def hold_out(self, patient_ids: Iterable[str], *, held_out: bool = True) -> None:
        """Keep all cases of patients for evaluation, or give them back; a patient is never split.

        Raises:
            ProjectError: The project has no case of a patient.
        """
        with self._database.writing() as session:
            patient_ids = list(patient_ids)
            known = set(session.scalars(select(CaseRow.patient_id).distinct()))
            for patient_id in patient_ids:
                if patient_id not in known:
                    raise ProjectError(
                        f"no case is of patient {patient_id!r}; `omentum cases list` shows them"
                    )
                its_cases = update(CaseRow).where(CaseRow.patient_id == patient_id)
                session.execute(its_cases.values(held_out=held_out))
            if patient_ids:
                patients = sorted(map(self._database.aliases.of, patient_ids))
                about = {"held_out": held_out, "patients": patients}
                self._log(session, PROGRAM, LogAction.HELD_OUT, about)

    def excluded(self) -> dict[str, str]:
        """Give why each case that is excluded takes no part, by name."""
        return dict(self._pairs(CaseRow.case_id, CaseRow.excluded_why, CaseRow.excluded_why.is_not(None)))

    def exclude(self, case_id: str, why: str, *, by: str = PROGRAM) -> None:
        """Let a case take no part from now on; there being none raises `UnknownCaseError`."""
        with self._database.together():
            self._alter(case_id, excluded_why=why)
            about = {"text": self._database.aliases.of_text(why)}
            with self._database.writing() as session:
                self._log(session, by, LogAction.EXCLUDED, about, case_id=case_id)

    def include(self, case_id: str, *, by: str = PROGRAM) -> None:
        """Let a case take part again; there being none raises `UnknownCaseError`."""
        with self._database.together():
            self._alter(case_id, excluded_why=None)
            with self._database.writing() as session:
                self._log(session, by, LogAction.INCLUDED, {}, case_id=case_id)

    def move_source(self, case_id: str, source: str) -> None:
        """Keep where the source of a case is now; there being no case raises `UnknownCaseError`."""
        self._alter(case_id, source=source)

    def _alter(self, case_id: str, **values: str | None) -> None:
        with self._database.writing() as session:
            require_cases(session, [case_id])
            session.execute(update(CaseRow).where(CaseRow.case_id == case_id).values(**values))


def _unknown(cases: Iterable[Case], sources: dict[str, str]) -> list[Case]:
    """Give the cases that are new, each once, where `sources` has that of each that is not."""
    sources = dict(sources)
    new = []
    for case in cases:
        if case.case_id not in sources:
            sources[case.case_id] = case.source
            new.append(case)
        elif sources[case.case_id] != case.source:
            raise CaseClashError(case.case_id, case.source, sources[case.case_id])
    return new


def require_cases(session: Session, case_ids: Iterable[str]) -> None:
    """Refuse names that no case has, with `UnknownCaseError`."""
    names = sorted(set(case_ids))
    known = _sources(session, names)
    for name in names:
        if name not in known:
            raise UnknownCaseError(name)


def _sources(session: Session, case_ids: Sequence[str]) -> dict[str, str]:
    """Give the source of each of these cases that exists."""
    found: dict[str, str] = {}
    for some in _slices(case_ids):
        asked = select(CaseRow.case_id, CaseRow.source).where(CaseRow.case_id.in_(some))
        found.update((case_id, source) for case_id, source in session.execute(asked))
    return found


def _slices(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), _AT_ONCE):
        yield names[start : start + _AT_ONCE]
