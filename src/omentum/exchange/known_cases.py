"""Recognise the cases of a project by source or voxels, also after a move or a new name."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from omentum.exchange.fingerprint import Fingerprint, fingerprint
from omentum.exchange.importers.source import Source
from omentum.records import Arrival, Case
from omentum.volumes.read import read_ct

__all__ = ["KnownCases"]


class KnownCases:
    """The cases that a project has.

    Args:
        cases: All cases, excluded ones too.
        arrivals: Their fingerprints, by case.
        former: Cases by former name.
        recorded: Gives a CT's source as the database keeps it.
    """

    def __init__(
        self,
        cases: Iterable[Case],
        arrivals: Mapping[str, Arrival],
        former: Mapping[str, str],
        recorded: Callable[[Source], str],
    ) -> None:
        self._cases = {case.case_id: case for case in cases}
        self._by_folded_id = {case_id.casefold(): case for case_id, case in self._cases.items()}
        self._arrivals = arrivals
        self._former = former
        self._recorded = recorded
        self._by_source: dict[str, list[str]] = defaultdict(list)
        self._by_voxels: dict[str, list[str]] = defaultdict(list)
        self._by_ct_sha256: dict[str, str] = {}
        self._new: dict[str, Case] = {}
        for case in self._cases.values():
            self._by_source[case.source].append(case.case_id)
            arrival = arrivals.get(case.case_id)
            if arrival is not None and arrival.voxels:
                self._by_voxels[arrival.voxels].append(case.case_id)
            if arrival is not None and arrival.ct_sha256 is not None:
                self._by_ct_sha256.setdefault(arrival.ct_sha256, case.case_id)

    def remember(self, case: Case, seen: Fingerprint) -> None:
        """Recognise a case that has just come in, where a release has the same CT."""
        self._new.setdefault(seen.voxels, case)

    def named(self, source: Source) -> Source:
        """Give a CT the name of its case, if the case was renamed or named by hand, or came another way."""
        if source.released is not None:
            known = self._by_ct_sha256.get(source.released.ct_sha256)
            return source if known is None else replace(source, case_id=known)
        recorded = self._recorded(source)
        of_file = self._by_source.get(recorded, []) if source.path.is_file() else []
        if len(of_file) == 1:
            return replace(source, case_id=of_file[0])
        if source.case_id in self._cases:
            return source
        former = self._cases.get(self._former.get(source.case_id, ""))
        if former is not None and former.source == recorded:
            return replace(source, case_id=former.case_id)
        return source

    def case_of(self, source: Source) -> Case | None:
        """Find the case with a CT's name, whatever its source; upper and lower case are one on some disks."""
        folded = self._by_folded_id.get(source.case_id.casefold())
        return self._cases.get(source.case_id) or folded

    def is_known(self, source: Source) -> bool:
        """Return whether a case has a CT's name and source, or the very file of a release."""
        case = self.case_of(source)
        if source.released is not None and case is not None:
            return self._by_ct_sha256.get(source.released.ct_sha256) == case.case_id
        return case is not None and case.source in (self._recorded(source), str(source.path))

    def is_same_ct(self, case: Case, seen: Fingerprint) -> bool:
        """Return whether a case has the same voxels; reads its CT if their hash is unknown."""
        arrival = self._arrivals.get(case.case_id)
        voxels = arrival.voxels if arrival is not None else ""
        return seen.voxels == (voxels or fingerprint(read_ct(case.ct_path)).voxels)

    def moved(self, source: Source, seen: Fingerprint) -> Case | None:
        """Find the case with a CT's voxels whose source is gone; a source that exists is another copy.

        The CT of a release is the case with its voxels, wherever that came from.
        """
        for case_id in self._by_voxels.get(seen.voxels, ()):
            case = self._cases[case_id]
            if source.released is not None or case.source == self._recorded(source) or _is_gone(case.source):
                return case
        return None if source.released is None else self._new.get(seen.voxels)


def _is_gone(source: str) -> bool:
    """Return whether a source is an absolute path of no file; pseudonyms do not say."""
    return Path(source).is_absolute() and not Path(source).exists()
