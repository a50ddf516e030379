"""Bound the share of organs that still need a major revision, by the audit of a round."""

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from omentum.measures.finite_population_bound import CONFIDENCE, Clustered, least_sample, most_bad
from omentum.project.project import Project
from omentum.project.standing import standing_revision
from omentum.records import Audit, Decision, MaskSource, Revision, Says
from omentum.volumes.labels import organ

__all__ = ["AuditPlan", "AuditResult", "audit_plan", "audit_result", "is_major"]

_SHOWN = 5

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditResult:
    """What the audit of a round says."""

    network: str
    """Whose predictions it is about."""
    n_organs: int
    """That were drawn from."""
    n_drawn: int
    """Tasks."""
    major: tuple[Key, ...]
    """Tasks whose mask needed a major revision, by case and organ."""
    missing: tuple[Key, ...]
    """Tasks whose mask has not come back."""
    gone: tuple[Key, ...]
    """Tasks that can no longer come back, as their case was excluded or erased."""
    share: float | None
    """Greatest share of the organs that may need a major revision; `None` where none can be stated."""
    statement: str
    """The bound in a sentence, or why there is none."""

    @property
    def n_done(self) -> int:
        """Tasks whose mask has come back."""
        return self.n_drawn - len(self.missing) - len(self.gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPlan:
    """What a bound takes, if no mask that is drawn needs a major revision."""

    n_organs: int
    n_cases: int
    n_tasks: int | None
    """`None` where at most one organ a case is not enough."""
    least_share: float | None
    """Least bound that one organ of every case would give; `None` where there is no organ."""


def is_major(revision: Revision) -> bool:
    """Tell whether a mask was so wrong that its organ's threshold (`major_below_dice`) counts it.

    A mask drawn where none was shown is, and one that was removed; where both are empty, nothing was wrong.
    Where the mask that was shown is no longer there to compare with, whatever was not accepted counts.
    """
    dice = revision.dice_to_base
    if dice is None:
        return revision.added_ml is None and revision.says is not Says.ACCEPTED
    return dice < organ(revision.organ).major_below_dice


def audit_plan(project: Project, share: float) -> AuditPlan:
    """Say how many tasks bound the share of organs that need a major revision; exact for this project.

    Args:
        project: The project.
        share: In [0, 1].
    """
    audit = project.store.audits.of_round(project.store.rounds.current().number)
    frame = audit.frame if audit is not None else project.unrevised()
    if not frame:
        return AuditPlan(n_organs=0, n_cases=0, n_tasks=None, least_share=None)
    population = _population(frame)
    n_cases = least_sample(population, share)
    # Of the cases drawn, some hold a blank where they have fewer organs left than others.
    filled = population.n_members / population.n_places
    return AuditPlan(
        n_organs=population.n_members,
        n_cases=len(frame),
        n_tasks=None if n_cases is None else math.ceil(n_cases * filled),
        least_share=most_bad(population, len(frame), 0) / population.n_members,
    )


def audit_result(project: Project, round_number: int, *, count_missing: bool = False) -> AuditResult:
    """Bound the share of organs that still need a major revision, as far as the audit of a round goes.

    A task whose case was excluded or erased before its mask came back counts as a major revision, since a
    case may be excluded because its mask is wrong.

    Args:
        project: The project.
        round_number: Whose audit.
        count_missing: Count a task that has not come back as a major revision, which can only widen the
            bound; else there is none while one is missing, as readers may have chosen which.
    """
    audit = project.store.audits.of_round(round_number)
    if audit is None or not audit.n_cases_drawn:
        return _nothing_drawn(project, round_number)
    words = _words(project, audit)
    taking_part = project.store.cases.names()
    unread = sorted(set(audit.drawn) - words.keys())
    gone = tuple(key for key in unread if key[0] not in taking_part)
    missing = tuple(key for key in unread if key[0] in taking_part)
    major = tuple(sorted(key for key in audit.drawn if key in words and is_major(words[key])))
    share, statement = None, _why_stale(project, audit, taking_part)
    if not statement and missing and not count_missing:
        statement = f"no bound: {_why_missing(audit, missing)}"
    if not statement:
        share = _share(audit, len(major) + len(missing) + len(gone))
        statement = _statement(audit, share, len(major), len(missing), len(gone))
    return AuditResult(
        network=audit.network,
        n_organs=audit.n_organs,
        n_drawn=len(audit.drawn),
        major=major,
        missing=missing,
        gone=gone,
        share=share,
        statement=statement,
    )


def _words(project: Project, audit: Audit) -> dict[Key, Revision]:
    """Give what counts of each drawn organ: of what was handed in for the audit's round, whenever it came.

    Masks that began from another person's mask say nothing of the network's. Of several the one counts that
    stands among them: the one that a person decided for, else the last that is in no conflict.
    """
    drawn = set(audit.drawn)
    of_round: dict[Key, list[Revision]] = defaultdict(list)
    for one in project.store.revisions.of_round(audit.round_number):
        is_of_network = one.network == audit.network and one.base_source in (None, MaskSource.PREDICTED)
        if one.key in drawn and is_of_network:
            of_round[one.key].append(one)
    decisions: dict[Key, list[Decision]] = defaultdict(list)
    for decision in project.store.decisions.all():
        decisions[decision.case_id, decision.organ].append(decision)
    return {
        key: standing_revision(found, decisions[key]) or standing_revision(found, ()) or found[-1]
        for key, found in of_round.items()
    }


def _population(frame: Mapping[str, tuple[str, ...]]) -> Clustered:
    sizes = [len(organs) for organs in frame.values()]
    return Clustered(n_members=sum(sizes), n_clusters=len(sizes), size=max(sizes))


def _share(audit: Audit, n_bad: int) -> float:
    """Bound the share; those that came back clean are known not to be among the bad."""
    n_clean = len(audit.drawn) - n_bad
    most = most_bad(_population(audit.frame), audit.n_cases_drawn, n_bad)
    return min(most, audit.n_organs - n_clean) / audit.n_organs


def _statement(audit: Audit, share: float, n_major: int, n_missing: int, n_gone: int) -> str:
    percent = math.ceil(share * 1000 - 1e-9) / 10
    missing = f", and {n_missing} that have not come back count as if they did" if n_missing else ""
    gone = f", as do {n_gone} of cases that were excluded or erased" if n_gone else ""
    return (
        f"with {100 * CONFIDENCE:.0f} % confidence at most {percent:.1f} % of the {audit.n_organs} organs "
        f"that nobody revised still need a major revision, as predicted by {audit.network} "
        f"({n_major} of {len(audit.drawn)} drawn by lot did{missing}{gone})"
    )


def _nothing_drawn(project: Project, round_number: int) -> AuditResult:
    network = next(one.network for one in project.store.rounds.all() if one.number == round_number)
    earlier = [one for one in project.store.audits.all() if one.round_number < round_number and one.drawn]
    holds = f"; that of round {earlier[-1].round_number} is about {earlier[-1].network}" if earlier else ""
    cure = "`omentum score` draws, as many as audit_share of the minutes pay for"
    return AuditResult(
        network=network,
        n_organs=0,
        n_drawn=0,
        major=(),
        missing=(),
        gone=(),
        share=None,
        statement=f"no bound: nothing was drawn by lot from the predictions of {network}{holds}; {cure}",
    )


def _why_stale(project: Project, audit: Audit, taking_part: Collection[str]) -> str:
    """Say which predictions are not those that the audit drew from; empty where all are."""
    weights = project.store.predictions.weights(audit.network)
    others = [
        case_id
        for case_id in audit.frame
        if case_id in taking_part and weights.get(case_id) != audit.weights_sha256
    ]
    if not others:
        return ""
    seen = (
        f"{len(others)} cases ({_some(others)}) are not predicted any more by the weights of {audit.network}"
    )
    return f"no bound: {seen} that were audited ({audit.weights_sha256[:12]}); the next round draws anew"


def _why_missing(audit: Audit, missing: tuple[Key, ...]) -> str:
    named = _some([f"{organ_name} of {case_id}" for case_id, organ_name in missing])
    return (
        f"{len(missing)} of {len(audit.drawn)} organs drawn by lot have not come back ({named}), "
        "and which ones do may be no accident; take them in, or count them as wrong "
        "with `omentum audit --count-missing`"
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
