"""Gather what plausibility rules say of whole CTs and no person has confirmed."""

from collections.abc import Iterable

from omentum.project.project import Project
from omentum.project.standing import CaseFacts, unconfirmed
from omentum.records import Arrival, MaskFinding

__all__ = ["ct_findings_of", "open_ct_findings"]


def open_ct_findings(project: Project, facts: Iterable[CaseFacts]) -> dict[str, tuple[MaskFinding, ...]]:
    """Give what is open about the CT of each case, by case; cases without a finding are left out.

    No file is opened.

    Args:
        project: The project.
        facts: Of the cases that are asked about, as `standing.case_facts` gives them.
    """
    arrivals = project.store.arrivals.with_findings()
    found = {one.case.case_id: ct_findings_of(one, arrivals.get(one.case.case_id)) for one in facts}
    return {case_id: findings for case_id, findings in found.items() if findings}


def ct_findings_of(facts: CaseFacts, arrival: Arrival | None) -> tuple[MaskFinding, ...]:
    """Give what is open about the CT of one case, of each rule the surest finding, by falling severity.

    Findings come from when the CT came in, from its original label, and from what a network made of it.
    """
    sources = (arrival, facts.label, facts.prediction)
    said = [one for source in sources if source is not None for one in source.findings if one.is_of_ct]
    said.sort(key=lambda one: (-one.severity, one.rule))
    surest = {one.rule: one for one in reversed(said)}
    still = unconfirmed(surest.values(), facts.confirmations)
    return tuple(sorted(still, key=lambda one: (-one.severity, one.rule)))
