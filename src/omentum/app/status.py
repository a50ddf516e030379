"""Summarise a project: how far it is, what rules found, what readers disagree about, what is left out."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from omentum.app.next_steps import n_predicted_cases, next_steps
from omentum.evaluate.audit import StopRule, stop_rule
from omentum.evaluate.stop_forecast import stop_forecast
from omentum.project.conflicts import open_conflicts
from omentum.project.ct_findings import open_ct_findings
from omentum.project.project import Project
from omentum.project.standing import CaseFacts, case_facts, standing_case, unconfirmed
from omentum.records import LabelledCase, MaskFinding, TaskState
from omentum.score.round_queue import queue_path, read_queue

__all__ = ["Gathered", "case_lines", "confirm_command", "gather", "summary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What a summary is made from, beside single questions to the database."""

    facts: Sequence[CaseFacts]
    """Of every case that takes part, or of those of which a rule says something."""
    labelled: Sequence[LabelledCase]
    """Of each case, what stands; of the organs of which a rule says something at least."""
    stop: StopRule


def gather(project: Project) -> Gathered:
    """Gather what is known of every case that takes part, and whether the round is the last."""
    facts = case_facts(project)
    labelled = [standing_case(one) for one in facts]
    return Gathered(facts=facts, labelled=labelled, stop=stop_rule(project))


def _gather_found(project: Project) -> Gathered:
    """Gather what is known of the cases of which a rule says something; of most it says nothing."""
    store, network = project.store, project.networks[0]
    case_ids = {
        *store.predictions.cases_with_findings(network),
        *store.labels.cases_with_findings(),
        *store.revisions.cases_with_findings(),
        *store.arrivals.with_findings(),
    }
    facts = case_facts(project, network=network, case_ids=case_ids)
    labelled = [standing_case(one, _organs_found(one)) for one in facts]
    return Gathered(facts=facts, labelled=labelled, stop=stop_rule(project))


def _organs_found(facts: CaseFacts) -> set[str]:
    sources = [one for one in (facts.label, facts.prediction, *facts.revisions) if one is not None]
    return {said.organ for one in sources for said in one.findings}


def summary(project: Project, *, gathered: Gathered | None = None) -> dict[str, Any]:
    """Give all that `omentum status` tells.

    Args:
        project: The project; it may be open for reading only.
        gathered: What `gather` gives, where that is known; without it only findings are gathered.

    Returns:
        Numbers and words by name; lists of findings, masks held back, conflicts, who has tasks, cases that
        are excluded or failed.
    """
    store = project.store
    current = store.rounds.current()
    gathered = gathered or _gather_found(project)
    facts, labelled, stop = gathered.facts, gathered.labelled, gathered.stop
    forecast = stop_forecast(project, stop.audit)
    n_predicted = n_predicted_cases(project)
    due = next_steps(project, stop=stop, n_predicted=n_predicted)
    n_revisions, minutes = store.revisions.totals(current.number)
    excluded = store.cases.excluded()
    failures = store.ledger.failures_by_stage()
    failed = {
        stage: {one.key: one.reason for one in found if one.key not in excluded}
        for stage, found in failures.items()
    }
    return {
        "round": current.number,
        "network": current.network,
        "second_opinion": ", ".join(project.networks[1:]) or "none",
        "cases": store.cases.count(),
        "cases_excluded": len(excluded),
        "predicted": n_predicted,
        **_task_counts(project),
        "revisions_in_round": n_revisions,
        "minutes_in_round": round(minutes, 3),
        "releases": ", ".join(release.version for release in store.releases.all()) or "none",
        "audit": stop.why,
        "forecast": forecast.said,
        "bound_by_hours": [asdict(one) for one in forecast.later],
        "left_out_by_budget": _left_out(project),
        "holders": _holders(project),
        "conflicts": _conflicts(project, excluded),
        **_found(project, facts, labelled),
        "label_findings": _label_findings(facts),
        "excluded": [{"case": case_id, "why": why} for case_id, why in sorted(excluded.items())],
        "failed": {stage: found for stage, found in failed.items() if found},
        "waiting": [asdict(one) for one in due],
        "next": due[0].command,
    }


def case_lines(project: Project) -> list[dict[str, Any]]:
    """Give a line for each case that takes part."""
    return [
        {
            "case": case.case_id,
            "shape": " x ".join(map(str, case.geometry.shape)),
            "spacing (mm)": " x ".join(f"{edge:.3g}" for edge in case.geometry.spacing_mm),
            "axes": case.geometry.orientation,
            "original organs": len(case.original_organs),
            "held out": "yes" if case.held_out else "",
        }
        for case in project.store.cases.all()
    ]


def confirm_command(rule: str, case_id: str, organ: str = "") -> str:
    """Give the command by which a person says that what a rule found is right as it is.

    Example:
        >>> confirm_command("wrong_side", "BTCV_01", "spleen")
        'omentum review confirm --rule wrong_side --cases BTCV_01 --organs spleen'
    """
    whose = f" --organs {organ}" if organ else ""
    return f"omentum review confirm --rule {rule} --cases {case_id}{whose}"


def _task_counts(project: Project) -> dict[str, int]:
    """Count the tasks of this round by state, with those of earlier rounds that are not over."""
    tasks, number = project.store.tasks, project.store.rounds.current().number
    counts = Counter(tasks.counts(number)) + Counter(one.state for one in tasks.out_before(number))
    return {f"tasks_{state.value.replace(' ', '_')}": counts.get(state, 0) for state in TaskState}


def _left_out(project: Project) -> dict[str, Any]:
    """Give what the budget of this round's queue does not pay for."""
    made = read_queue(project) if queue_path(project).is_file() else {}
    left_out = made.get("left_out", {"tasks": 0, "minutes": 0.0})
    return {**left_out, "budget_minutes": made.get("budget_minutes")}


def _holders(project: Project) -> list[dict[str, Any]]:
    """Say who has how many tasks, of whatever round, until when."""
    holders = project.store.holders.of_tasks()
    return [{"holder": one.name, "tasks": one.n, "until": one.until} for one in holders]


def _conflicts(project: Project, excluded: Collection[str]) -> list[dict[str, Any]]:
    """Give what readers disagree about and no person has decided, with the command that decides."""
    revisions = project.store.revisions.in_conflict()
    decisions = project.store.decisions.of_cases({one.case_id for one in revisions})
    found = open_conflicts(revisions, decisions)
    return [
        {
            "case": one.case_id,
            "organ": one.organ,
            "revision": one.number,
            "reader": one.reader,
            "contradicts": one.conflicts_with,
            "command": f"omentum review adjudicate {one.case_id} {one.organ} --revision {one.number}",
        }
        for one in found
        if one.case_id not in excluded
    ]


def _found(
    project: Project, facts: Sequence[CaseFacts], labelled: Sequence[LabelledCase]
) -> dict[str, list[dict[str, Any]]]:
    """Give open findings: of whole CTs, of masks that are held back, and of masks that stand."""
    of_ct = open_ct_findings(project, facts)
    findings = [_row(case_id, one, "ct") for case_id, found in of_ct.items() for one in found]
    findings += [
        _row(one.case.case_id, said, mask.source.value)
        for one in labelled
        for masks in (one.held, one.masks)
        for mask in masks
        for said in mask.findings
    ]
    return {"findings": findings, "held": _held(labelled)}


def _row(case_id: str, finding: MaskFinding, source: str) -> dict[str, Any]:
    return {
        "case": case_id,
        "organ": finding.organ,
        "rule": finding.rule,
        "said": finding.said,
        "severity": finding.severity,
        "holds": finding.holds,
        "source": source,
    }


def _held(labelled: Iterable[LabelledCase]) -> list[dict[str, Any]]:
    return [
        {
            "case": one.case.case_id,
            "organ": mask.organ,
            "source": mask.source.value,
            "rule": said.rule,
            "said": said.said,
            "command": confirm_command(said.rule, one.case.case_id, mask.organ),
        }
        for one in labelled
        for mask in one.held
        for said in mask.findings
    ]


def _label_findings(facts: Iterable[CaseFacts]) -> Mapping[str, list[str]]:
    """Give what the plausibility rules say of original labels, by case; nothing was changed for it."""
    found = {
        one.case.case_id: [str(said) for said in unconfirmed(one.label.findings, one.confirmations)]
        for one in facts
        if one.label is not None
    }
    return {case_id: said for case_id, said in found.items() if said}
