"""Recognise the cases of a project, also where their sources have moved or they have another name.

In:  a CT that may come in, and the cases that there are.
Out: the case that it is, by its source, or by its voxels.
"""

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
        cases: All, also those that are excluded.
        arrivals: What was seen of each, by case.
        former: The case that had each former name.
        recorded: Says where a CT is from, as it is kept of a case.
    """

    def __init__(
        self,
        cases: Iterable[Case],
        arrivals: Mapping[str, Arrival],
        former: Mapping[str, str],
        recorded: Callable[[Source], str],
    ) -> None:
        self._cases = {case.case_id: case for case in cases}
        self._arrivals = arrivals
        self._former = former
        self._recorded = recorded
        self._by_source: dict[str, list[str]] = defaultdict(list)
        self._by_voxels: dict[str, list[str]] = defaultdict(list)
        for case in self._cases.values():
            self._by_source[case.source].append(case.case_id)
            if case.case_id in arrivals and arrivals[case.case_id].voxels:
                self._by_voxels[arrivals[case.case_id].voxels].append(case.case_id)

    def named(self, source: Source) -> Source:
        """Give a CT the name that its case has, if it is of a case that was renamed or named by hand."""
        if source.case_id in self._cases:
            return source
        recorded = self._recorded(source)
        former = self._cases.get(self._former.get(source.case_id, ""))
        if former is not None and former.source == recorded:
            return replace(source, case_id=former.case_id)
        of_file = self._by_source.get(recorded, []) if source.path.is_file() else []
        return replace(source, case_id=of_file[0]) if len(of_file) == 1 else source

    def case_of(self, source: Source) -> Case | None:
        """Give the case that has a CT's name, wherever it is from."""
        return self._cases.get(source.case_id)

    def is_known(self, source: Source) -> bool:
        """Tell whether a CT is a case already: by its name and where it is from."""
        case = self.case_of(source)
        return case is not None and case.source in (self._recorded(source), str(source.path))

    def is_same_ct(self, case: Case, seen: Fingerprint) -> bool:
        """Tell whether a case has the very same voxels; its CT is read where they were not kept."""
        arrival = self._arrivals.get(case.case_id)
        voxels = arrival.voxels if arrival is not None else ""
        return seen.voxels == (voxels or fingerprint(read_ct(case.ct_path)).voxels)

    def moved(self, source: Source, seen: Fingerprint) -> Case | None:
        """Find the case that a CT of another name is: the same voxels, and its own source is gone.

        A source that is still there is another copy, and two copies may be two cases.
        """
        for case_id in self._by_voxels.get(seen.voxels, ()):
            case = self._cases[case_id]
            if case.source == self._recorded(source) or _is_gone(case.source):
                return case
        return None


def _is_gone(source: str) -> bool:
    """Tell whether a path is kept and nothing is there; a pseudonym or a relative path does not say."""
    return Path(source).is_absolute() and not Path(source).exists()
