"""Keep what DICOMweb needs as long as the server lives; nothing of DICOM is loaded before it is asked for."""

from collections.abc import Iterable, Mapping
from typing import Annotated, cast

from fastapi import Depends, Request

from omentum.app.server.context import CurrentServer, ServerState
from omentum.app.server.dicomweb.segmentation_files import SegmentationFiles
from omentum.app.server.dicomweb.uids import DicomUids
from omentum.errors import MissingError
from omentum.project.paths import read_secret
from omentum.project.project import Project
from omentum.records import Case
from omentum.store.case_search import CaseQuery

__all__ = ["CurrentDicomWeb", "DicomWeb"]

_MOST_NOTED = 20_000


class DicomWeb:
    """The cases of a project as DICOM studies, one a case.

    Args:
        server: Its project and masks.
    """

    def __init__(self, server: ServerState) -> None:
        self.server = server
        self.uids = DicomUids(read_secret(server.project.folder))
        self.files = SegmentationFiles(server.project.folder.cache_dir / "review" / "dicomweb")
        self._studies: Mapping[str, str] = {}
        self._series: Mapping[str, str] = {}
        self._masks: dict[str, str] = {}

    @property
    def project(self) -> Project:
        """The open project."""
        return self.server.project

    def case(self, study_uid: str) -> Case:
        """Find the case of a study; there being none that takes part raises `MissingError`."""
        case_ids = self.cases_of([study_uid])
        found = self.project.store.cases.get(case_ids[0]) if case_ids else None
        if found is None or found.excluded_why is not None:
            raise MissingError(f"there is no study {study_uid}; ask for /dicomweb/studies")
        return found

    def cases_of(self, study_uids: Iterable[str]) -> tuple[str, ...]:
        """Give the names of the cases of those of the studies that there are."""
        wanted = list(study_uids)
        if not all(uid in self._studies for uid in wanted):
            self._number()
        return tuple(self._studies[uid] for uid in wanted if uid in self._studies)

    def cases_of_series(self, series_uids: Iterable[str]) -> list[Case]:
        """Give the cases of those series that there are; those of masks are known once they were listed."""
        uids = list(series_uids)
        if not all(uid in self._series for uid in uids):
            self._number()
        names = {self._series.get(uid) or self._masks.get(uid) for uid in uids} - {None}
        return self.project.store.case_search.page(
            CaseQuery(case_ids=tuple(sorted(name for name in names if name))), limit=len(names)
        )

    def note_masks(self, series_uid: str, case_id: str) -> None:
        """Remember of which case a series of masks is."""
        self._masks[series_uid] = case_id
        while len(self._masks) > _MOST_NOTED:
            self._masks.pop(next(iter(self._masks)), None)

    def _number(self) -> None:
        """Make the UIDs of all cases anew, as some may have come since."""
        names = self.project.store.cases.names()
        self._studies = {self.uids.study(name): name for name in names}
        self._series = {self.uids.ct_series(name): name for name in names}


def _dicomweb(request: Request, server: CurrentServer) -> DicomWeb:
    state = request.app.state
    if not hasattr(state, "dicomweb"):
        state.dicomweb = DicomWeb(server)
    return cast("DicomWeb", state.dicomweb)


CurrentDicomWeb = Annotated[DicomWeb, Depends(_dicomweb)]
