"""Plan the labels that continual tuning learns from: revisions, and a few earlier cases replayed."""

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence

from omentum.errors import TuneError
from omentum.project.project import Project
from omentum.records import LabelledCase, MaskSource, OrganScore, Revision
from omentum.tune.config import CHOSEN, ContinualConfig
from omentum.tune.replay import ReplayCase, data_set_of, importance_of, replayed
from omentum.volumes.labels import organs_named

__all__ = ["learned_from"]

_FEW_CASES = 8
"""Where the fit is chosen: beside fewer vouched masks, predicted ones of revised cases teach."""


def learned_from(
    project: Project,
    cases: Sequence[LabelledCase],
    revised: Sequence[Revision],
    config: ContinualConfig,
    known: Sequence[str],
    new: Sequence[str] = (),
) -> dict[str, dict[str, float]]:
    """Decide for each case which organs' labels are learned from, and what they count.

    Masks that people vouch for are replayed first, by falling importance; then predicted ones, by rising
    importance, for where networks are unsure or disagree a predicted label is probably wrong. By `replay_by`
    `random`, either is in random order.

    Args:
        project: The project.
        cases: Those that may be learned from, with the mask that stands for each organ.
        revised: What is learned now, where the settings name no organs.
        config: Organs, how much is replayed, and by which rule.
        known: Organs that the network has a head for.
        new: Those of them that are learned from every mask that people vouch for.

    Raises:
        TuneError: There is no revision to learn from.
    """
    sources = {(one.case.case_id, mask.organ): mask.source for one in cases for mask in one.masks}
    whole = {*new, *(row.name for row in organs_named(config.organs))}
    fresh = {key for key, source in sources.items() if key[1] in whole and source is not MaskSource.PREDICTED}
    if not config.organs:
        fresh |= sources.keys() & {(one.case_id, one.organ) for one in revised}
    organs = sorted({name for _, name in fresh} & set(known))
    if not organs:
        number = project.store.rounds.current().number
        cure = "import one with `omentum review import FOLDER`; held-out patients are never learned from"
        raise TuneError(f"round {number} has no revision to tune on; {cure}")
    scores = _last_scores(project)
    plan: dict[str, dict[str, float]] = defaultdict(dict)
    for name in organs:
        own = sorted(case_id for case_id, organ in fresh if organ == name)
        if config.trainable == CHOSEN:
            own = sorted({*own, *_revised(sources, name)})
        earlier = [one for one in cases if one.case.case_id not in own]
        vouched_for, guessed = _earlier(earlier, name, scores.get(name, {}))
        for case_id in own:
            plan[case_id][name] = 1.0
        if config.trainable == CHOSEN:
            guessed = _of_revised_cases(guessed, sources, len(own) + len(vouched_for))
        for case_id in _replay(vouched_for, guessed, config, name, len(own)):
            is_guess = sources[case_id, name] is MaskSource.PREDICTED
            plan[case_id][name] = config.predicted_weight if is_guess else 1.0
    return plan


def _revised(sources: Mapping[tuple[str, str], MaskSource], organ: str) -> set[str]:
    """Give the cases in which people revised an organ, in whatever round."""
    return {
        case for (case, name), source in sources.items() if name == organ and source is MaskSource.REVISED
    }


def _of_revised_cases(
    guessed: Sequence[ReplayCase], sources: Mapping[tuple[str, str], MaskSource], n_vouched: int
) -> list[ReplayCase]:
    """Keep predicted masks of cases in which another organ was revised, as many as few others leave room for.

    The trunk sees these cases anyway.
    """
    revised = {case_id for (case_id, _), source in sources.items() if source is MaskSource.REVISED}
    own = sorted((one for one in guessed if one.case_id in revised), key=lambda one: one.case_id)
    return own[: max(0, _FEW_CASES - n_vouched)]


def _replay(
    vouched_for: Sequence[ReplayCase],
    guessed: Sequence[ReplayCase],
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
    cases: Sequence[LabelledCase], organ: str, scores: Mapping[str, OrganScore]
) -> tuple[list[ReplayCase], list[ReplayCase]]:
    """List the cases with an organ's label: vouched for, and predicted ones with importance negated."""
    labels = [(one.case, mask.source) for one in cases for mask in one.masks if mask.organ == organ]
    known = {case.case_id: scores[case.case_id] for case, _ in labels if case.case_id in scores}
    importance = importance_of(known)
    vouched_for: list[ReplayCase] = []
    guessed: list[ReplayCase] = []
    for case, source in labels:
        is_guess = source is MaskSource.PREDICTED
        value = importance.get(case.case_id, 0.0)
        one = ReplayCase(
            case_id=case.case_id, data_set=data_set_of(case), importance=-value if is_guess else value
        )
        (guessed if is_guess else vouched_for).append(one)
    return vouched_for, guessed


def _last_scores(project: Project) -> dict[str, dict[str, OrganScore]]:
    """Give how each organ of each case scored when it was last scored, by organ and case."""
    found: dict[str, dict[str, OrganScore]] = defaultdict(dict)
    for one in project.store.rounds.all():
        for score in project.store.scores.of_round(one.number):
            for organ in score.organs:
                found[organ.organ][score.case_id] = organ
    return found
