"""Keep what readers handed in; append-only, in the order in which it came."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from omentum.records import MaskFinding, MaskSource, Revision, Says
from omentum.store.cases import require_cases
from omentum.store.database import Database
from omentum.store.findings import finding_rows, findings_of
from omentum.store.paths import Paths
from omentum.store.review_tables import RevisionRow
from omentum.store.rounds import require_round

__all__ = ["Revisions"]


class Revisions:
    """The revisions of a project. None is ever removed unless its case is erased."""

    def __init__(self, database: Database, paths: Paths) -> None:
        self._database = database
        self._paths = paths

    def add(self, revision: Revision) -> Revision:
        """Add a revision, and give it with its number.

        Raises:
            UnknownCaseError: There is no such case.
            ProjectError: There is no such round.
        """
        with self._database.writing() as session:
            require_cases(session, [revision.case_id])
            require_round(session, revision.round_number)
            row = RevisionRow(**self._values(revision))
            session.add(row)
            session.flush()
            return replace(revision, number=row.number)

    def get(self, number: int) -> Revision | None:
        """Find a revision; `None` where there is none of that number."""
        found = self._found(RevisionRow.number == number)
        return found[0] if found else None

    def all(self) -> list[Revision]:
        """Give all revisions, in the order in which they were handed in."""
        return self._found()

    def of_case(self, case_id: str) -> list[Revision]:
        """Give the revisions of a case, in the order in which they were handed in."""
        return self._found(RevisionRow.case_id == case_id)

    def of_organ(self, case_id: str, organ: str) -> list[Revision]:
        """Give the revisions of an organ of a case, in the order in which they were handed in."""
        return self._found(RevisionRow.case_id == case_id, RevisionRow.organ == organ)

    def of_task(self, task_number: int) -> list[Revision]:
        """Give what was handed in for a task, in order."""
        return self._found(RevisionRow.task_number == task_number)

    def of_round(self, round_number: int) -> list[Revision]:
        """Give what was handed in for the tasks of a round, in order."""
        return self._found(RevisionRow.round_number == round_number)

    def organs_by_case(self) -> dict[str, tuple[str, ...]]:
        """Give the organs that readers handed in for each case, sorted, by case."""
        found: dict[str, set[str]] = {}
        asked = select(RevisionRow.case_id, RevisionRow.organ).distinct()
        with self._database.reading() as session:
            for case_id, organ in session.execute(asked):
                found.setdefault(case_id, set()).add(organ)
        return {case_id: tuple(sorted(organs)) for case_id, organs in found.items()}

    def with_voxels(self, case_id: str, sha256: str) -> Revision | None:
        """Find a revision of a case by the hash of its mask."""
        found = self._found(RevisionRow.case_id == case_id, RevisionRow.sha256 == sha256)
        return found[0] if found else None

    def last_number(self) -> int:
        """Give the number of the last revision; 0 where there is none."""
        with self._database.reading() as session:
            return session.scalar(select(func.max(RevisionRow.number))) or 0

    def keep_findings(self, number: int, findings: Iterable[MaskFinding]) -> None:
        """Keep what the plausibility rules say of a revision, once they have looked at it."""
        row = update(RevisionRow).where(RevisionRow.number == number)
        with self._database.writing() as session:
            session.execute(row.values(findings=finding_rows(findings)))

    def keep_comment(self, number: int, comment: str) -> None:
        """Keep what people say of a revision."""
        row = update(RevisionRow).where(RevisionRow.number == number)
        with self._database.writing() as session:
            session.execute(row.values(comment=comment))

    def _found(self, *conditions: ColumnElement[bool]) -> list[Revision]:
        asked = select(RevisionRow).where(*conditions).order_by(RevisionRow.number)
        with self._database.reading() as session:
            return [self._record(row) for row in session.scalars(asked)]

    def _values(self, revision: Revision) -> dict[str, Any]:
        return {
            "case_id": revision.case_id,
            "organ": revision.organ,
            "path": self._paths.stored(revision.path),
            "sha256": revision.sha256,
            "round_number": revision.round_number,
            "reader": revision.reader,
            "says": revision.says.value,
            "base_sha256": revision.base_sha256,
            "base_source": None if revision.base_source is None else revision.base_source.value,
            "network": revision.network,
            "task_number": revision.task_number,
            "minutes": _number(revision.minutes),
            "added_ml": _number(revision.added_ml),
            "removed_ml": _number(revision.removed_ml),
            "dice_to_base": _number(revision.dice_to_base),
            "conflicts_with": revision.conflicts_with,
            "findings": finding_rows(revision.findings),
            "comment": revision.comment,
            "origin": revision.origin,
            "time": revision.time,
        }

    def _record(self, row: RevisionRow) -> Revision:
        return Revision(
            case_id=row.case_id,
            organ=row.organ,
            path=self._paths.given(row.path),
            sha256=row.sha256,
            round_number=row.round_number,
            reader=row.reader,
            says=Says(row.says),
            base_sha256=row.base_sha256,
            base_source=None if row.base_source is None else MaskSource(row.base_source),
            network=row.network,
            task_number=row.task_number,
            minutes=row.minutes,
            added_ml=row.added_ml,
            removed_ml=row.removed_ml,
            dice_to_base=row.dice_to_base,
            conflicts_with=row.conflicts_with,
            findings=findings_of(row.findings),
            comment=row.comment,
            origin=row.origin,
            time=row.time,
            number=row.number,
        )


def _number(value: float | None) -> float | None:
    """Give a number that every database takes, also for one of NumPy's."""
    return None if value is None else float(value)
