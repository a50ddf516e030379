"""Choose the tasks of a round in order, by a strategy with a name.

`expected-error` is ours. The others are its baselines (benchmarks/effort_curve.py): each shows the reader a
whole organ, without hot spots.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from omentum.errors import ConfigError
from omentum.measures.effort import CostModel
from omentum.records import CaseScore, OrganScore
from omentum.score.class_stratified import stratified
from omentum.score.fill_minutes import fill_minutes
from omentum.score.queue import needy, ranked
from omentum.score.task_selection import SelectedOrgan, planned, worth_a_look

__all__ = ["Strategy", "StrategyInput", "chosen", "left_out", "register", "strategy_names", "strategy_of"]

_PLANNED = "expected-error"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyInput:
    """The input of a strategy, beside the scores.

    Attributes:
        costs: Prices in minutes.
        budget_minutes: How many there are; may be infinite.
        seed: Of what is drawn.
        round_number: Of the project, from 1.
    """

    costs: CostModel
    budget_minutes: float
    seed: int
    round_number: int = 1


Strategy = Callable[[Sequence[CaseScore], StrategyInput], list[SelectedOrgan]]
_STRATEGIES: dict[str, tuple[Strategy, str | None]] = {}


def register(name: str, *, scoring: str | None = None) -> Callable[[Strategy], Strategy]:
    """Offer a strategy by name; `scoring` names the scores that it needs, if any."""

    def add(strategy: Strategy) -> Strategy:
        if name in _STRATEGIES:
            raise ValueError(f"strategy {name!r} is already taken by {_STRATEGIES[name][0].__module__}")
        _STRATEGIES[name] = strategy, scoring
        return strategy

    return add


def strategy_names() -> tuple[str, ...]:
    """Name all strategies."""
    return tuple(sorted(_STRATEGIES))


def strategy_of(name: str, scoring: str) -> str:
    """Give the strategy that a name means with a scoring: `default` is the one named like it.

    Raises:
        ConfigError: There is none of that name, or it needs other scores.

    Example:
        >>> strategy_of("default", scoring="published")
        'published'
    """
    name = scoring if name == "default" else name
    if name not in _STRATEGIES:
        raise ConfigError("strategy", name, f"the strategies are default, {', '.join(strategy_names())}")
    needs = _STRATEGIES[name][1]
    if needs not in (None, scoring):
        rule = f"it needs scoring {needs!r}; set that in omentum.toml, where scoring is {scoring!r}"
        raise ConfigError("strategy", name, rule)
    return name


def chosen(name: str, scores: Iterable[CaseScore], ask: StrategyInput) -> list[SelectedOrgan]:
    """Choose by a strategy; the order of `scores` never matters."""
    strategy, _ = _STRATEGIES[name]
    return strategy(sorted(scores, key=lambda one: one.case_id), ask)


def left_out(
    name: str, scores: Sequence[CaseScore], ask: StrategyInput, paid: Iterable[SelectedOrgan]
) -> list[SelectedOrgan]:
    """Give what the strategy would also select without a limit of minutes."""
    endless = replace(ask, budget_minutes=float("inf"))
    wanted = worth_a_look(scores) if name == _PLANNED else chosen(name, scores, endless)
    have = {(one.case_id, one.organ.organ) for one in paid}
    return [one for one in wanted if (one.case_id, one.organ.organ) not in have]


@register(_PLANNED, scoring="expected-error")
def _expected_error(scores: Sequence[CaseScore], ask: StrategyInput) -> list[SelectedOrgan]:
    """Select what removes most expected error a minute, hot spots first.

    See `task_selection`, and `fill_minutes` for the minutes that hot spots leave.
    """
    plan = planned(scores, ask.costs, ask.budget_minutes)
    return fill_minutes(plan, scores, ask.costs, ask.budget_minutes)


@register("published", scoring="published")
def _published(scores: Sequence[CaseScore], ask: StrategyInput) -> list[SelectedOrgan]:
    """AbdomenAtlas-8K: cases by falling attention, in each the organs that have any by falling priority."""
    wanted = [
        SelectedOrgan(case_id=case.case_id, organ=one) for case in ranked(scores) for one in needy(case)
    ]
    return _paid(wanted, ask)


@register("entropy", scoring="expected-error")
def _entropy(scores: Sequence[CaseScore], ask: StrategyInput) -> list[SelectedOrgan]:
    """Organs by falling entropy of the main network, alone: uncertainty sampling.

    The entropy of voxels is summed over the organ, in mL; a mean over the mask would rank thin organs first.
    """
    wanted = sorted(_all_of(scores), key=lambda one: (-one.organ.entropy_ml, one.case_id, one.organ.organ))
    return _paid(wanted, ask)


@register("class-stratified", scoring="expected-error")
def _class_stratified(scores: Sequence[CaseScore], ask: StrategyInput) -> list[SelectedOrgan]:
    """Organs by noisy entropy, two of three in turn of their classes; see `class_stratified`."""
    wanted = stratified(_all_of(scores), seed=ask.seed, round_number=ask.round_number)
    return _paid(wanted, ask)


@register("random")
def _random(scores: Sequence[CaseScore], ask: StrategyInput) -> list[SelectedOrgan]:
    """All organs of all cases, each order as likely as any other."""
    return _paid(_shuffled(_all_of(scores), ask.seed), ask)


@register("foreground-random", scoring="expected-error")
def _foreground_random(scores: Sequence[CaseScore], ask: StrategyInput) -> list[SelectedOrgan]:
    """Organs in random order, those with an empty mask last.

    After the foreground-aware random of nnActive (arXiv:2511.19183), which draws patches around predicted
    foreground.
    """
    drawn = _shuffled(_all_of(scores), ask.seed)
    return _paid(sorted(drawn, key=lambda one: one.organ.predicted_ml <= 0), ask)


def _all_of(scores: Sequence[CaseScore]) -> list[SelectedOrgan]:
    return [SelectedOrgan(case_id=case.case_id, organ=organ) for case in scores for organ in _by_name(case)]


def _by_name(case: CaseScore) -> list[OrganScore]:
    return sorted(case.organs, key=lambda one: one.organ)


def _shuffled(choices: list[SelectedOrgan], seed: int) -> list[SelectedOrgan]:
    order = np.random.default_rng(seed).permutation(len(choices)).tolist()
    return [choices[place] for place in order]


def _paid(wanted: Sequence[SelectedOrgan], ask: StrategyInput) -> list[SelectedOrgan]:
    """Keep what comes first as far as the minutes go, and at least one; all where errors are not known."""
    kept: list[SelectedOrgan] = []
    open_cases: set[str] = set()
    left = ask.budget_minutes
    for one in wanted:
        left -= ask.costs.of_task(
            one.organ.organ, one.error_ml or 0.0, is_first=one.case_id not in open_cases
        )
        if kept and left < 0 and one.error_ml is not None:
            break
        kept.append(one)
        open_cases.add(one.case_id)
    return kept
