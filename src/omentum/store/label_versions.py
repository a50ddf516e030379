"""Keep every version of the label that a data set gives for a case; the last one counts."""

from typing import Any

from sqlalchemy import select, update

from omentum.records import LabelVersion
from omentum.store.cases import require_cases
from omentum.store.database import Database
from omentum.store.findings import finding_rows, findings_of
from omentum.store.paths import Paths
from omentum.store.tables import CaseRow, LabelVersionRow

__all__ = ["LabelVersions"]


class LabelVersions:
    """The original labels of a project's cases, in all their versions."""

    def __init__(self, database: Database, paths: Paths) -> None:
        self._database = database
        self._paths = paths

    def add(self, version: LabelVersion) -> None:
        """Add a version, which the case has from now on.

        Raises:
            UnknownCaseError: There is no such case.
        """
        with self._database.writing() as session:
            require_cases(session, [version.case_id])
            session.add(LabelVersionRow(**self._values(version)))
            of_case = update(CaseRow).where(CaseRow.case_id == version.case_id)
            path = self._paths.stored(version.path)
            session.execute(of_case.values(original_label_path=path, original_organs=list(version.organs)))

    def current(self) -> dict[str, LabelVersion]:
        """Give the last version of each case that has a label, by case."""
        with self._database.reading() as session:
            rows = session.scalars(select(LabelVersionRow).order_by(LabelVersionRow.number))
            return {row.case_id: self._record(row) for row in rows}

    def of_case(self, case_id: str) -> list[LabelVersion]:
        """Give the versions of a case, the first one first."""
        of_it = select(LabelVersionRow).where(LabelVersionRow.case_id == case_id)
        with self._database.reading() as session:
            return [self._record(row) for row in session.scalars(of_it.order_by(LabelVersionRow.number))]

    def keep_hash(self, number: int, sha256: str) -> None:
        """Keep the hash of a version's file, which an older version of the program did not."""
        with self._database.writing() as session:
            row = update(LabelVersionRow).where(LabelVersionRow.number == number)
            session.execute(row.values(sha256=sha256))

    def keep_stamp(self, number: int, stamp: str) -> None:
        """Keep what the source of a version looks like, once its content was found to be the same."""
        with self._database.writing() as session:
            row = update(LabelVersionRow).where(LabelVersionRow.number == number)
            session.execute(row.values(source_stamp=stamp))

    def _values(self, version: LabelVersion) -> dict[str, Any]:
        return {
            "case_id": version.case_id,
            "path": self._paths.stored(version.path),
            "sha256": version.sha256,
            "organs": list(version.organs),
            "source": version.source,
            "source_stamp": version.source_stamp,
            "source_sha256": version.source_sha256,
            "notes": list(version.notes),
            "findings": finding_rows(version.findings),
            "time": version.time,
        }

    def _record(self, row: LabelVersionRow) -> LabelVersion:
        return LabelVersion(
            case_id=row.case_id,
            path=self._paths.given(row.path),
            sha256=row.sha256,
            organs=tuple(row.organs),
            source=row.source,
            source_stamp=row.source_stamp,
            source_sha256=row.source_sha256,
            notes=tuple(row.notes),
            findings=findings_of(row.findings),
            time=row.time,
            number=row.number,
        )
