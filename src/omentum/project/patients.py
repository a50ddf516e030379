"""Tell which cases count as one patient and why, and which perhaps should.

Out: what `omentum status --patients` shows and `omentum add` warns of. No file is opened, nothing is changed.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from omentum.project.project import Project
from omentum.records import Arrival, Case, LinkKind, PatientLink, Shared

__all__ = ["on_the_other_side", "patient_summary", "perhaps_of_one_patient", "similar_names"]

_MOST_SCANS = 8
"""Larger groups of names are a numbering of patients, not of one patient's scans."""
_QUALIFIER = re.compile(
    r"""(?:[._-]|(?<=\d))(?:
        [a-f] | pre | post | art(?:erial)? | ap | ven(?:ous)? | portal(?:[._-]?venous)? | pvp?
        | delay(?:ed)? | late | native | nc | ce | non[._-]?contrast | unenhanced | enhanced | contrast
        | plain | copy | rescan | baseline | bl | fu\d* | follow[._-]?up\d*
        | (?:scan|series|ser|phase|visit|acq|rep|ph|tp)[._-]?\d*
        | [sptv]\d{1,2}
    )$""",
    re.VERBOSE | re.IGNORECASE,
)
"""An ending that says which scan of a patient it is: a letter, a phase, a visit, a series."""
_RUNNING_NUMBER = re.compile(r"(?<=\d)[._-](?:0?[1-9]|1\d)$")
"""A short number after another number, as in `case_012_2`."""


def similar_names(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Group names that differ only in which scan of a patient they may be, such as `_a`, `_pre` or `_2`.

    Example:
        >>> similar_names(["liver_12_pre", "liver_12_post", "liver_13", "liver_14"])
        [('liver_12_post', 'liver_12_pre')]
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[_without_scan(name)].append(name)
    return sorted(tuple(sorted(group)) for group in groups.values() if 1 < len(group) <= _MOST_SCANS)


def perhaps_of_one_patient(cases: Iterable[Case], asked: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Give, for each case that is asked about, the cases of other patients whose names differ little."""
    patient_of = {case.case_id: case.patient_id for case in cases}
    wanted = set(asked)
    found = {}
    for group in similar_names(patient_of):
        for name in wanted.intersection(group):
            others = tuple(one for one in group if patient_of[one] != patient_of[name])
            if others:
                found[name] = others
    return found


def on_the_other_side(case: Case, arrival: Arrival, cases: Mapping[str, Case]) -> list[str]:
    """Give the cases that may be of a case's patient, of which one is held out and the other trains."""
    others = [link.other for link in _links(arrival) if link.other in cases]
    return sorted({one for one in others if cases[one].held_out != case.held_out})


def patient_summary(project: Project) -> dict[str, Any]:
    """Give patients with several cases and why these were joined, and what a person should look at.

    Args:
        project: The project; it may be open for reading only.

    Returns:
        `patients`, with cases, side and links of each; `apart`, links between cases that count as several
        patients; `contradictions`, links between cases of one patient; `perhaps`, groups of similar names.
    """
    cases = {case.case_id: case for case in project.store.cases.every()}
    arrivals = project.store.arrivals.all()
    of_patient: dict[str, list[Case]] = defaultdict(list)
    for case in cases.values():
        of_patient[case.patient_id].append(case)
    links = {
        name: [link for link in _links(arrivals.get(name, Arrival(case_id=name))) if link.other in cases]
        for name in cases
    }
    flat = [(cases[name], link) for name, found in links.items() for link in found]
    patient_of = {name: case.patient_id for name, case in cases.items()}
    groups = [one for one in similar_names(cases) if len({patient_of[name] for name in one}) > 1]
    return {
        "patients": [
            _patient(patient_id, its, links) for patient_id, its in of_patient.items() if len(its) > 1
        ],
        "apart": [
            _row(case, link, cases)
            for case, link in flat
            if link.kind in {LinkKind.APART, LinkKind.SPLIT, LinkKind.WORN_OUT}
        ],
        "contradictions": [
            _row(case, link, cases) for case, link in flat if link.kind is LinkKind.CONTRADICTS
        ],
        "perhaps": [
            {"cases": list(group), "on_both_sides": len({cases[name].held_out for name in group}) > 1}
            for group in groups
        ],
    }


def _without_scan(name: str) -> str:
    """Cut off what may say which scan it is, as long as a number is left to say who."""
    shorter = _QUALIFIER.sub("", name)
    if shorter == name:
        shorter = _RUNNING_NUMBER.sub("", name)
    return shorter if re.search(r"\d", shorter) else name


def _links(arrival: Arrival) -> Sequence[PatientLink]:
    """Give what ties a case to others, also one of an older version."""
    if arrival.links:
        return arrival.links
    kind = LinkKind.APART if arrival.patients_conflict else LinkKind.JOINED
    by_picture = ((arrival.same_voxels_as, Shared.VOXELS), (arrival.likely_patient_of, Shared.THUMBNAIL))
    return [PatientLink(other=one, why=why, kind=kind) for one, why in by_picture if one is not None]


def _patient(
    patient_id: str, its: Sequence[Case], links: Mapping[str, Sequence[PatientLink]]
) -> dict[str, Any]:
    joined = []
    for case in its:
        found = [link for link in links[case.case_id] if link.kind is LinkKind.JOINED]
        joined += [{"case": case.case_id, "other": link.other, "why": str(link.why)} for link in found]
    if not joined:  # of an older version, which joined by name and kept no link
        first, *others = its
        joined = [{"case": one.case_id, "other": first.case_id, "why": str(Shared.NAME)} for one in others]
    sides = {case.held_out for case in its}
    return {
        "patient": patient_id,
        "cases": [case.case_id for case in its],
        "held_out": sides == {True},
        "joined": joined,
    }


def _row(case: Case, link: PatientLink, cases: Mapping[str, Case]) -> dict[str, Any]:
    return {
        "case": case.case_id,
        "other": link.other,
        "why": link.why,
        "said": str(link),
        "on_both_sides": cases[link.other].held_out != case.held_out,
    }
