"""Say in a line what was decided about a network, and what follows."""

from omentum.records.promotions import GateOutcome, Promotion

__all__ = ["said_of"]


def said_of(verdict: Promotion) -> str:
    """Say a verdict in a line, with what follows from it."""
    match verdict.outcome:
        case GateOutcome.PROMOTED:
            follows = f"{verdict.network} is in use from round {verdict.round_number + 1} on"
        case GateOutcome.KEPT_OUT:
            follows = f"{verdict.instead_of} stays in use"
        case GateOutcome.UNDECIDED:
            follows = "say `omentum gate --accept` or `omentum gate --reject`"
        case GateOutcome.ROLLED_BACK:
            follows = f"{verdict.network} is in use again, from round {verdict.round_number + 1} on"
    return f"{verdict.network}: {verdict.outcome.value} by {verdict.by} ({verdict.why}); {follows}"
