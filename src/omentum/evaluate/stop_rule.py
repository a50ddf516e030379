"""Tell whether a round may be the last: whether its audit bounds what is still wrong well enough."""

from dataclasses import dataclass

from omentum.evaluate.audit import AuditResult, audit_result
from omentum.project.project import Project

__all__ = ["StopRule", "stop_rule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRule:
    """Whether the round is the last."""

    is_met: bool
    audit: AuditResult
    why: str
    """In a sentence, for people."""


def stop_rule(project: Project) -> StopRule:
    """Tell whether this round may be the last: whether its audit bounds what is still wrong well enough.

    The bound that is well enough is `audit_bound` of the settings. It is about this round's predictions:
    those of a tuned network need an audit of their own.
    """
    wanted = project.settings.audit_bound
    result = audit_result(project, project.store.rounds.current().number)
    if wanted == 0.0 or result.share is None:
        return StopRule(is_met=False, audit=result, why=result.statement)
    is_met = result.share <= wanted
    verdict = f"{'no more than' if is_met else 'more than'} the {wanted:.1%} of audit_bound"
    so = "this round may be the last" if is_met else "another round is needed"
    return StopRule(is_met=is_met, audit=result, why=f"{result.statement}; that is {verdict}, so {so}")
