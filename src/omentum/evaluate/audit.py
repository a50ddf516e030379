"""Bound the share of organs that still need a major revision, by the audit of a round."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from omentum.evaluate.catch_misses import misses_by_reader
from omentum.measures.finite_population_bound import CONFIDENCE, Clustered, least_sample, most_bad
from omentum.measures.missed_errors import Misses, corrected_share, missed_limit
from omentum.project.project import Project
from omentum.project.standing import standing_revision
from omentum.records import AuditDraw, Decision, MaskSource, ReaderAnswer, Revision
from omentum.volumes.labels import organ

__all__ = ["AuditPlan", "AuditResult", "StopRule", "audit_plan", "audit_result", "is_major", "stop_rule"]

_SHOWN = 5

Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditResult:
    """The result of a round's audit; tasks are named by case and organ.

    Attributes:
        network: Its predictions were audited.
        n_organs: Organs that were drawn from.
        n_drawn: Tasks that were drawn.
        major: Tasks whose mask needed a major revision.
        missing: Tasks whose mask has not come back.
        gone: Tasks whose case was excluded or erased.
        share: Greatest share of the organs that may need a major revision; `None` where none can be stated.
            Where there are catch trials, it takes in what readers miss.
        seen_share: The same by what readers saw alone.
        missed_share: Greatest share of major errors that the readers of the audit may miss, by catch trials;
            `None` where there are none.
        statement: The bound in a sentence, or why there is none.
    """

    network: str
    n_organs: int = 0
    n_drawn: int = 0
    major: tuple[Key, ...] = ()
    missing: tuple[Key, ...] = ()
    gone: tuple[Key, ...] = ()
    share: float | None = None
    seen_share: float | None = None
    missed_share: float | None = None
    statement: str

    @property
    def n_done(self) -> int:
        """Tasks whose mask has come back."""
        return self.n_drawn - len(self.missing) - len(self.gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPlan:
    """How many tasks a bound needs, if no mask that is drawn needs a major revision.

    Attributes:
        n_organs: Organs without a revision.
        n_cases: Their cases.
        n_tasks: Tasks needed; `None` where one organ of each case is not enough.
        least_share: Least bound, with one organ of every case; `None` where there is no organ.
    """

    n_organs: int = 0
    n_cases: int = 0
    n_tasks: int | None = None
    least_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRule:
    """Whether the round is the last."""

    is_met: bool
    audit: AuditResult
    why: str
    """In a sentence, for people."""


def is_major(revision: Revision) -> bool:
    """Tell whether a revision is major: Dice to the mask that was shown is below `major_below_dice`.

    A mask that was added or removed is major; two empty masks are not. Where the mask that was shown is gone,
    every revision that was not an acceptance is.
    """
    dice = revision.dice_to_base
    if dice is None:
        return revision.added_ml is None and revision.says is not ReaderAnswer.ACCEPTED
    return dice < organ(revision.organ).major_below_dice


def audit_plan(project: Project, share: float) -> AuditPlan:
    """Plan how many tasks bound the share (in [0, 1]) of organs that need a major revision."""
    draw = project.store.audits.draw_of_round(project.store.rounds.current().number)
    frame = project.unrevised() if draw is None else {}
    if draw is None and not frame:
        return AuditPlan()
    population = _population_of(frame) if draw is None else _population(draw)
    n_cases = least_sample(population, share)
    # Of the cases drawn, some hold a blank where they have fewer organs left than others.
    filled = population.n_members / population.n_places
    return AuditPlan(
        n_organs=population.n_members,
        n_cases=population.n_clusters,
        n_tasks=None if n_cases is None else math.ceil(n_cases * filled),
        least_share=most_bad(population, population.n_clusters, 0) / population.n_members,
    )


def audit_result(project: Project, round_number: int, *, count_missing: bool = False) -> AuditResult:
    """Bound the share of organs that still need a major revision, as far as the audit of a round goes.

    A task whose case was excluded or erased before its mask came back counts as a major revision, since a
    case may be excluded because its mask is wrong.

    Args:
        project: The project.
        round_number: Whose audit.
        count_missing: Count a task that has not come back as a major revision, which only widens the bound;
            else there is no bound while one is missing, as readers may have chosen which.
    """
    audit = project.store.audits.draw_of_round(round_number)
    if audit is None or not audit.n_cases_drawn:
        return _nothing_drawn(project, round_number)
    revisions = _audited_revisions(project, audit)
    taking_part = {case.case_id for case in project.store.cases.some({case_id for case_id, _ in audit.drawn})}
    unread = sorted(set(audit.drawn) - revisions.keys())
    gone = tuple(key for key in unread if key[0] not in taking_part)
    missing = tuple(key for key in unread if key[0] in taking_part)
    major = tuple(sorted(key for key, one in revisions.items() if is_major(one)))
    bound, statement = _Bound(), _why_stale(project, audit)
    if not statement and missing and not count_missing:
        statement = f"no bound: {_why_missing(audit, missing)}"
    if not statement:
        n_bad = len(major) + len(missing) + len(gone)
        bound = _bound(audit, n_bad, revisions.values(), misses_by_reader(project))
        statement = _statement(audit, bound, len(major), len(missing), len(gone))
    return AuditResult(
        network=audit.network,
        n_organs=audit.n_organs,
        n_drawn=len(audit.drawn),
        major=major,
        missing=missing,
        gone=gone,
        share=bound.share,
        seen_share=bound.seen_share,
        missed_share=bound.missed_share,
        statement=statement,
    )


def stop_rule(project: Project) -> StopRule:
    """Tell whether this round may be the last: whether its audit's bound is at most `audit_bound`.

    The bound holds for this round's predictions; those of a tuned network need an audit of their own.
    """
    wanted = project.settings.audit_bound
    result = audit_result(project, project.store.rounds.current().number)
    if wanted == 0.0 or result.share is None:
        return StopRule(is_met=False, audit=result, why=result.statement)
    is_met = result.share <= wanted
    verdict = f"{'no more than' if is_met else 'more than'} the {wanted:.1%} of audit_bound"
    so = "this round may be the last" if is_met else "another round is needed"
    return StopRule(is_met=is_met, audit=result, why=f"{result.statement}; that is {verdict}, so {so}")


def _audited_revisions(project: Project, audit: AuditDraw) -> dict[Key, Revision]:
    """Give the revision of each drawn organ that stands among those of the audit's round.

    Revisions of another person's mask are left out, as they do not judge the network.
    """
    drawn = set(audit.drawn)
    case_ids = {case_id for case_id, _ in drawn}
    of_round: dict[Key, list[Revision]] = defaultdict(list)
    for one in project.store.revisions.of_round_in(audit.round_number, case_ids):
        is_of_network = one.network == audit.network and one.base_source in (None, MaskSource.PREDICTED)
        if one.key in drawn and is_of_network:
            of_round[one.key].append(one)
    decisions: dict[Key, list[Decision]] = defaultdict(list)
    for decision in project.store.decisions.of_cases(case_ids):
        decisions[decision.case_id, decision.organ].append(decision)
    return {
        key: standing_revision(found, decisions[key]) or standing_revision(found, ()) or found[-1]
        for key, found in of_round.items()
    }


def _population(audit: AuditDraw) -> Clustered:
    return Clustered(n_members=audit.n_organs, n_clusters=audit.n_cases, size=audit.most_organs)


def _population_of(frame: Mapping[str, tuple[str, ...]]) -> Clustered:
    sizes = [len(organs) for organs in frame.values()]
    return Clustered(n_members=sum(sizes), n_clusters=len(sizes), size=max(sizes))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """The limits of an audit; none where none can be stated."""

    share: float | None = None
    seen_share: float | None = None
    missed_share: float | None = None


def _bound(audit: AuditDraw, n_bad: int, read: Iterable[Revision], misses: Mapping[str, Misses]) -> _Bound:
    """Bound the share by what readers saw, and by what they miss where there are catch trials."""
    seen_share = _seen_share(audit, n_bad)
    if not misses:
        return _Bound(share=seen_share, seen_share=seen_share)
    readers = Counter(one.reader for one in read)
    shares = {reader: n / readers.total() for reader, n in readers.items()}
    most = corrected_share(_population(audit), audit.n_cases_drawn, n_bad, shares, misses)
    missed = missed_limit(shares, misses, risk=(1.0 - CONFIDENCE) / 2)
    return _Bound(share=max(most, seen_share), seen_share=seen_share, missed_share=missed)


def _seen_share(audit: AuditDraw, n_bad: int) -> float:
    """Bound the share as if readers missed nothing; organs that came back clean are not among the bad."""
    n_clean = len(audit.drawn) - n_bad
    most = most_bad(_population(audit), audit.n_cases_drawn, n_bad)
    return min(most, audit.n_organs - n_clean) / audit.n_organs


def _percent(share: float | None) -> str:
    """Write a limit, rounded up."""
    return f"{math.ceil((share or 0.0) * 1000 - 1e-9) / 10:.1f} %"


def _statement(audit: AuditDraw, bound: _Bound, n_major: int, n_missing: int, n_gone: int) -> str:
    missing = f", and {n_missing} that have not come back count as if they did" if n_missing else ""
    gone = f", as do {n_gone} of cases that were excluded or erased" if n_gone else ""
    missed = "major errors that readers missed are not in it"
    if bound.missed_share is not None:
        missed = (
            f"by what readers saw alone {_percent(bound.seen_share)}, and by catch trials they miss at most "
            f"{_percent(bound.missed_share)} of major errors"
        )
    sure = f"with {100 * CONFIDENCE:.0f} % confidence at most {_percent(bound.share)}"
    return (
        f"{sure} of the {audit.n_organs} organs "
        f"without a revision still need a major one, as predicted by {audit.network} "
        f"({n_major} of {len(audit.drawn)} drawn at random did{missing}{gone}; {missed})"
    )


def _nothing_drawn(project: Project, round_number: int) -> AuditResult:
    network = next(one.network for one in project.store.rounds.all() if one.number == round_number)
    earlier = [one for one in project.store.audits.draws() if one.round_number < round_number and one.drawn]
    holds = f"; that of round {earlier[-1].round_number} is about {earlier[-1].network}" if earlier else ""
    cure = "`omentum score` draws, as many as audit_share of the minutes pay for"
    seen = f"no bound: nothing was drawn at random from the predictions of {network}"
    return AuditResult(network=network, statement=f"{seen}{holds}; {cure}")


def _why_stale(project: Project, audit: AuditDraw) -> str:
    """Say which predictions are not those that the audit drew from; empty where all are."""
    stale = project.store.predictions.not_by_weights(audit.network, audit.weights_sha256)
    whole = project.store.audits.of_round(audit.round_number) if stale else None
    others = [] if whole is None else [case_id for case_id in whole.frame if case_id in stale]
    if not others:
        return ""
    seen = (
        f"{len(others)} cases ({_some(others)}) are not predicted any more by the weights of {audit.network}"
    )
    return f"no bound: {seen} that were audited ({audit.weights_sha256[:12]}); the next round draws anew"


def _why_missing(audit: AuditDraw, missing: tuple[Key, ...]) -> str:
    named = _some([f"{organ_name} of {case_id}" for case_id, organ_name in missing])
    return (
        f"{len(missing)} of {len(audit.drawn)} organs drawn at random have not come back ({named}), "
        "and which ones do may be no accident; take them in, or count them as wrong "
        "with `omentum audit --count-missing`"
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
