"""Keep the releases of a project. None is ever changed or removed."""

from sqlalchemy import select

from omentum.errors import ReleaseError
from omentum.records import Release
from omentum.records.audit_log import PROGRAM, LogAction
from omentum.store.record_table import ListedTable
from omentum.store.tables import ReleaseRow

__all__ = ["Releases"]


class Releases(ListedTable[Release]):
    """The releases of a project."""

    record_type, row_type, order = Release, ReleaseRow, ("time", "version")

    def add(self, release: Release) -> None:
        """Add a release; a version that is taken raises `ReleaseError`."""
        with self._database.writing() as session:
            if session.get(ReleaseRow, release.version) is not None:
                seen = f"version {release.version!r} was released already"
                raise ReleaseError(f"{seen}, and releases never change; name another version")
            session.add(ReleaseRow(**self._values(release)))
            about = {
                "manifest": release.manifest_sha256,
                "n_cases": release.n_cases,
                "version": release.version,
            }
            self._log(session, PROGRAM, LogAction.RELEASED, about)

    def get(self, version: str) -> Release:
        """Find a release; there being none raises `ReleaseError`."""
        with self._database.reading() as session:
            row = session.get(ReleaseRow, version)
            if row is None:
                known = ", ".join(sorted(session.scalars(select(ReleaseRow.version)))) or "none"
                raise ReleaseError(f"there is no release {version!r}; released are {known}")
            return self._record(row)
