"""Summarise what arms came to: gains by organ, losses, shares of full training's gain.

In:  of each site, arm and number of masks the Dice of each organ and patient, and what the fit took.
Out: means over patients, sites and organs. Minutes and times are sums over rounds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from curve.plan import FULL, NOTHING, ORGANS, OURS

__all__ = ["Measured", "Results", "gained_share", "lost", "mean_gain", "worse_rounds"]

MADE_WORSE = 0.01
"""A loss of Dice, in the mean over a site's held-out patients, by which a round made an organ worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """An arm at one site after so many masks.

    Attributes:
        dice: Mean over patients, by organ.
        surface: Surface Dice likewise.
        minutes: Of the reader, from the first mask on.
        seconds: Of all fits from the first mask on; of full training that of the one fit.
        cpu_seconds: Of the processor, likewise.
    """

    dice: Mapping[str, float]
    surface: Mapping[str, float]
    minutes: float = 0.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


Results = Mapping[tuple[str, str, int], Measured]
"""By site, arm and number of masks."""


def mean_gain(results: Results, site: str, arm: str, n: int, organs: Sequence[str] = ORGANS) -> float:
    """Give the gain in Dice over the shipped network, in the mean over organs."""
    after, before = results[site, arm, n].dice, results[site, NOTHING, 0].dice
    return float(np.mean([after[name] - before[name] for name in organs]))


def gained_share(results: Results, n: int, n_full: int) -> float | None:
    """Give the gain of ours after `n` masks as a share of what full training gains after `n_full`.

    In the mean over the sites at which full training was measured; `None` where it was not, or gains nothing.
    """
    sites = [site for site, arm, size in results if arm == FULL and size == n_full]
    sites = [site for site in sites if (site, OURS, n) in results and (site, NOTHING, 0) in results]
    ours = sum(mean_gain(results, site, OURS, n) for site in sites)
    full = sum(mean_gain(results, site, FULL, n_full) for site in sites)
    return ours / full if full > 0 else None


def lost(results: Results, arm: str) -> tuple[float, str, int]:
    """Give the organ that is worst at any point, in the mean over sites: its gain, its name, the masks."""
    found = []
    for n in sorted({size for _, own, size in results if own == arm}):
        sites = [site for site, own, size in results if own == arm and size == n]
        found += [
            (float(np.mean([mean_gain(results, site, arm, n, [name]) for site in sites])), name, n)
            for name in ORGANS
        ]
    return min(found)


def worse_rounds(results: Results, arm: str) -> tuple[int, int]:
    """Count the rounds of an arm that made any organ worse, and all its rounds.

    Example:
        >>> def at(liver):
        ...     return Measured(dice={**dict.fromkeys(ORGANS, 0.8), "liver": liver}, surface={})
        >>> rounds = {("a", "ours", 4): at(0.85), ("a", "ours", 8): at(0.83), ("a", "nothing", 0): at(0.8)}
        >>> worse_rounds(rounds, "ours")
        (1, 2)
    """
    n_worse, n_rounds = 0, 0
    for site in sorted({site for site, own, _ in results if own == arm}):
        before = results[site, NOTHING, 0].dice
        for n in sorted(size for place, own, size in results if (place, own) == (site, arm)):
            after = results[site, arm, n].dice
            n_worse += any(before[name] - after[name] > MADE_WORSE for name in ORGANS)
            n_rounds += 1
            before = after
    return n_worse, n_rounds
