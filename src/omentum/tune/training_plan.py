"""Plan the labels that continual tuning learns from: revisions, and a few earlier cases replayed."""

import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from omentum.errors import TuneError
from omentum.project.project import Project
from omentum.records import LabelledCase, MaskSource, OrganScore, Revision
from omentum.tune.config import ContinualConfig
from omentum.tune.replay import Earlier, data_set_of, importance_of, replayed
from omentum.volumes.labels import organs_named

__all__ = ["learned_from"]


def learned_from(
    project: Project,
    cases: Sequence[LabelledCase],
    revised: Sequence[Revision],
    config: ContinualConfig,
    known: Sequence[str],
) -> dict[str, dict[str, float]]:
    """Decide for each case which organs' labels are learned from, and what they count.

    Masks that people vouch for are replayed first, by falling importance; then predicted ones, by rising
    importance, for where networks are unsure or disagree a predicted label is probably wrong. By `replay_by`
    `random`, either is in random order.

    Args:
        project: The project.
        cases: Those that may be learned from, with the mask that stands for each organ.
        revised: What is learned now.
        config: How much is replayed, and by which rule.
        known: Organs that the network has a head for.

    Raises:
        TuneError: A case is of a patient kept for evaluation, or there is no revision to learn from.
    """
    current = project.store.rounds.current().number
    if kept := sorted(one.case.case_id for one in cases if one.case.held_out):
        rule = "patients kept for evaluation are never learned from; leave them out"
        raise TuneError(f"{len(kept)} cases to learn from ({', '.join(kept[:3])}) are held out: {rule}")
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
    scores = _last_scores(project)
    plan: dict[str, dict[str, float]] = defaultdict(dict)
    for name in organs:
        own = sorted(case_id for case_id, organ in fresh if organ == name)
        labelled = {case_id: source for (case_id, organ), source in sources.items() if organ == name}
        earlier = _earlier(cases, set(labelled) - set(own), scores.get(name, {}))
        vouched_for, guessed = _by_source(earlier, labelled)
        for case_id in own:
            plan[case_id][name] = 1.0
        for case_id in _replay(vouched_for, guessed, config, name, len(own)):
            is_guess = labelled[case_id] is MaskSource.PREDICTED
            plan[case_id][name] = config.predicted_weight if is_guess else 1.0
    return plan


def _replay(
    vouched_for: Sequence[Earlier],
    guessed: Sequence[Earlier],
    config: ContinualConfig,
    organ: str,
    n_own: int,
) -> list[str]:
    """Choose what is replayed for an organ: as many as the share says, within limits for few and many."""
    n_earlier = len(vouched_for) + len(guessed)
    if not config.replay_share:
        return []
    n_slots = max(1, round(config.replay_share * n_earlier))
    n_slots = max(min(n_slots, config.replay_limit * n_own), config.replay_least)
    seed = zlib.crc32(f"{config.seed} {organ}".encode())
    first = replayed(vouched_for, n_slots, rule=config.replay_by, seed=seed)
    return first + replayed(guessed, n_slots - len(first), rule=config.replay_by, seed=seed)


def _earlier(
    cases: Sequence[LabelledCase], case_ids: set[str], scores: dict[str, OrganScore]
) -> list[Earlier]:
    importance = importance_of({case_id: score for case_id, score in scores.items() if case_id in case_ids})
    return [
        Earlier(
            case_id=one.case.case_id,
            data_set=data_set_of(one.case),
            importance=importance.get(one.case.case_id, 0.0),
        )
        for one in cases
        if one.case.case_id in case_ids
    ]


def _by_source(
    earlier: Sequence[Earlier], sources: dict[str, MaskSource]
) -> tuple[list[Earlier], list[Earlier]]:
    """Tell apart who has a label that people vouch for; importance of a predicted one is negated."""
    vouched_for = [one for one in earlier if sources[one.case_id] is not MaskSource.PREDICTED]
    guessed = [
        replace(one, importance=-one.importance)
        for one in earlier
        if sources[one.case_id] is MaskSource.PREDICTED
    ]
    return vouched_for, guessed


def _last_scores(project: Project) -> dict[str, dict[str, OrganScore]]:
    """Give how each organ of each case scored when it was last scored, by organ and case."""
    found: dict[str, dict[str, OrganScore]] = defaultdict(dict)
    for one in project.store.rounds.all():
        for score in project.store.scores.of_round(one.number):
            for organ in score.organs:
                found[organ.organ][score.case_id] = organ
    return found
