"""Which data sets were released?

In:  releases, once their files are in place (assemble).
Out: releases by version or all. None is ever changed or removed.
"""

from sqlalchemy import select

from omentum.errors import ReleaseError
from omentum.records import Release
from omentum.store.database import Database
from omentum.store.paths import Paths
from omentum.store.tables import ReleaseRow

__all__ = ["Releases"]


class Releases:
    """The releases of a project."""

    def __init__(self, database: Database, paths: Paths) -> None:
        self._database = database
        self._paths = paths

    def add(self, release: Release) -> None:
        """Add a release; a version that is taken raises `ReleaseError`."""
        with self._database.writing() as session:
            if session.get(ReleaseRow, release.version) is not None:
                seen = f"version {release.version!r} was released already"
                raise ReleaseError(f"{seen}, and releases never change; name another version")
            session.add(
                ReleaseRow(
                    version=release.version,
                    folder=self._paths.stored(release.folder),
                    n_cases=release.n_cases,
                    manifest_sha256=release.manifest_sha256,
                    time=release.time,
                )
            )

    def get(self, version: str) -> Release:
        """Find a release; there being none raises `ReleaseError`."""
        with self._database.reading() as session:
            row = session.get(ReleaseRow, version)
            if row is None:
                known = ", ".join(sorted(session.scalars(select(ReleaseRow.version)))) or "none"
                raise ReleaseError(f"there is no release {version!r}; released are {known}")
            return self._record(row)

    def all(self) -> list[Release]:
        """Give all releases, by time."""
        with self._database.reading() as session:
            rows = session.scalars(select(ReleaseRow)).all()
            return [self._record(row) for row in sorted(rows, key=lambda row: (row.time, row.version))]

    def _record(self, row: ReleaseRow) -> Release:
        return Release(
            version=row.version,
            folder=self._paths.given(row.folder),
            n_cases=row.n_cases,
            manifest_sha256=row.manifest_sha256,
            time=row.time,
        )
