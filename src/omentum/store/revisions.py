"""Which masks did experts draw or accept?

In:  revisions, once their files are in place (review).
Out: revisions, all or of a case; the latest of each organ. None is ever changed or removed.
"""

from sqlalchemy import ColumnElement, select

from omentum.records import Revision
from omentum.store.cases import require_cases
from omentum.store.database import Database
from omentum.store.paths import Paths
from omentum.store.rounds import require_round
from omentum.store.tables import RevisionRow

__all__ = ["Revisions"]


class Revisions:
    """The revisions of a project."""

    def __init__(self, database: Database, paths: Paths) -> None:
        self._database = database
        self._paths = paths

    def add(self, revision: Revision) -> Revision:
        """Add a revision; the same mask again in the same round changes nothing and gives the first.

        Raises:
            UnknownCaseError: There is no such case.
            ProjectError: There is no such round.
        """
        same = select(RevisionRow).where(
            RevisionRow.case_id == revision.case_id,
            RevisionRow.organ == revision.organ,
            RevisionRow.sha256 == revision.sha256,
            RevisionRow.round_number == revision.round_number,
        )
        with self._database.writing() as session:
            require_cases(session, [revision.case_id])
            require_round(session, revision.round_number)
            first = session.scalars(same).first()
            if first is not None:
                return self._record(first)
            session.add(self._row(revision))
        return revision

    def all(self) -> list[Revision]:
        """Give all revisions, by time."""
        return self._found()

    def of_case(self, case_id: str) -> list[Revision]:
        """Give the revisions of a case, by time."""
        return self._found(RevisionRow.case_id == case_id)

    def latest(self) -> dict[tuple[str, str], Revision]:
        """Give the latest revision of each organ that has one, by `(case_id, organ)`."""
        return {(revision.case_id, revision.organ): revision for revision in self.all()}

    def _found(self, *conditions: ColumnElement[bool]) -> list[Revision]:
        asked = select(RevisionRow).where(*conditions).order_by(RevisionRow.time, RevisionRow.number)
        with self._database.reading() as session:
            return [self._record(row) for row in session.scalars(asked)]

    def _row(self, revision: Revision) -> RevisionRow:
        minutes, dice = revision.minutes, revision.dice_to_before
        return RevisionRow(
            case_id=revision.case_id,
            organ=revision.organ,
            path=self._paths.stored(revision.path),
            sha256=revision.sha256,
            round_number=revision.round_number,
            reader=revision.reader,
            minutes=None if minutes is None else float(minutes),
            added_ml=float(revision.added_ml),
            removed_ml=float(revision.removed_ml),
            dice_to_before=None if dice is None else float(dice),
            network=revision.network,
            time=revision.time,
        )

    def _record(self, row: RevisionRow) -> Revision:
        return Revision(
            case_id=row.case_id,
            organ=row.organ,
            path=self._paths.given(row.path),
            sha256=row.sha256,
            round_number=row.round_number,
            reader=row.reader,
            minutes=row.minutes,
            added_ml=row.added_ml,
            removed_ml=row.removed_ml,
            dice_to_before=row.dice_to_before,
            network=row.network,
            time=row.time,
        )
