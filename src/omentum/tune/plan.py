"""Which labels does continual tuning learn from? Revisions of this round, and a few earlier ones replayed.

In:  an open project, its labelled cases, what was revised in this round.
Out: for each case the organs whose labels are learned from, and what each counts.
"""

from collections import defaultdict
from collections.abc import Sequence

from omentum.errors import TuneError
from omentum.records import LabelledCase, MaskSource, Revision
from omentum.tune.config import ContinualConfig
from omentum.tune.replay import replayed
from omentum.volumes.labels import organs_named
from omentum.workspace import Workspace

__all__ = ["learned_from"]


def learned_from(
    workspace: Workspace,
    cases: Sequence[LabelledCase],
    revised: Sequence[Revision],
    config: ContinualConfig,
    known: Sequence[str],
) -> dict[str, dict[str, float]]:
    """Decide for each case which organs' labels are learned from, and what they count.

    Masks that people vouch for are replayed first, those that drew most attention before the others; then
    predicted ones, those that drew least before the others, for the rest are probably wrong.
    """
    current = workspace.store.rounds.current().number
    attention = _attention(workspace)
    sources = {(one.case.case_id, mask.organ): mask.source for one in cases for mask in one.masks}
    fresh = {(one.case_id, one.organ) for one in revised if (one.case_id, one.organ) in sources}
    if config.organs:
        wanted = {row.name for row in organs_named(config.organs)}
        vouched = {key for key, source in sources.items() if source is not MaskSource.PREDICTED}
        fresh = {(case_id, name) for case_id, name in vouched if name in wanted}
    organs = sorted({name for _, name in fresh} & set(known))
    if not organs:
        cure = "import one with `omentum review import FOLDER`; held-out patients are never learned from"
        raise TuneError(f"round {current} has no revision to tune on; {cure}")
    plan: dict[str, dict[str, float]] = defaultdict(dict)
    for name in organs:
        earlier = [case_id for case_id, organ in sources if organ == name and (case_id, name) not in fresh]
        is_guess = {case_id: sources[case_id, name] is MaskSource.PREDICTED for case_id in earlier}
        drawn = {case_id: attention.get((case_id, name), 0.0) for case_id in earlier}
        importance = {one: -1.0 - drawn[one] if is_guess[one] else drawn[one] for one in earlier}
        own = [case_id for case_id, organ in fresh if organ == name]
        replay = replayed(earlier, importance, config.replay_share)[: config.replay_limit * len(own)]
        for case_id in own + replay:
            plan[case_id][name] = config.predicted_weight if is_guess.get(case_id) else 1.0
    return plan


def _attention(workspace: Workspace) -> dict[tuple[str, str], float]:
    """Give the attention in mL that each organ of each case drew when it was last scored."""
    return {
        (score.case_id, organ.organ): organ.attention_ml
        for one in workspace.store.rounds.all()
        for score in workspace.store.scores.of_round(one.number)
        for organ in score.organs
    }
