"""Keep every version of the label that a data set gives for a case; the last one counts."""

from collections.abc import Collection

from sqlalchemy import select, update

from omentum.records import LabelVersion
from omentum.store.cases import require_cases
from omentum.store.record_table import RecordTable, has_findings
from omentum.store.tables import CaseRow, LabelVersionRow

__all__ = ["LabelVersions"]


class LabelVersions(RecordTable[LabelVersion]):
    """The original labels of a project's cases, in all their versions."""

    record_type, row_type, order = LabelVersion, LabelVersionRow, ("number",)

    def add(self, version: LabelVersion) -> None:
        """Add a version, which the case has from now on.

        Raises:
            UnknownCaseError: There is no such case.
        """
        values = self._values(version, number=None)
        of_case = update(CaseRow).where(CaseRow.case_id == version.case_id)
        with self._database.writing() as session:
            require_cases(session, [version.case_id])
            session.add(LabelVersionRow(**values))
            session.execute(
                of_case.values(original_label_path=values["path"], original_organs=values["organs"])
            )

    def current(self) -> dict[str, LabelVersion]:
        """Give the last version of each case that has a label, by case."""
        return {one.case_id: one for one in self._select()}

    def of_cases(self, case_ids: Collection[str]) -> dict[str, LabelVersion]:
        """Give the last version of each of some cases that has a label, by case."""
        return {one.case_id: one for one in self._of_cases(case_ids)}

    def cases_with_findings(self) -> set[str]:
        """Give the cases of which a version has findings."""
        asked = select(LabelVersionRow.case_id).where(has_findings(LabelVersionRow.findings))
        with self._database.reading() as session:
            return set(session.scalars(asked))

    def of_case(self, case_id: str) -> list[LabelVersion]:
        """Give the versions of a case, the first one first."""
        return self._equal(case_id=case_id)

    def keep_hash(self, number: int, sha256: str) -> None:
        """Keep the hash of a version's file, which an older version of the program did not."""
        self._change(LabelVersionRow.number == number, sha256=sha256)

    def keep_stamp(self, number: int, stamp: str) -> None:
        """Keep the new stamp of a version's source, whose content was found to be the same."""
        self._change(LabelVersionRow.number == number, source_stamp=stamp)
