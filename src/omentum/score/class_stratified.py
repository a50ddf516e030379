"""Order organs class by class, by noisy uncertainty: the order of strategy `class-stratified`.

After ClaSP PE (Lüth et al. 2026, arXiv:2601.13677), which selects patches of CTs for nnU-Net: two thirds of
them class by class, by predictive entropy, to whose logarithm noise is added that falls from round to round.
Here a candidate is one organ of one case, and its class is the organ.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from omentum.score.task_selection import SelectedOrgan

__all__ = ["noise_scale", "stratified"]

TURNS_OF_CLASSES = 2
"""Of three candidates, those from the classes in turn (the paper: 66 %); the third is the best of all."""
FIRST_NOISE = 1.0
NOISE_DECAY = 0.5
"""Noise of the first round, and its factor from round to round; chosen, as the paper's setting is one for
patches and ten rounds."""
_LEAST_ML = 1e-9


def noise_scale(round_number: int) -> float:
    """Give the scale of the noise on log-entropy in a round, counted from 1.

    Example:
        >>> noise_scale(1), noise_scale(3)
        (1.0, 0.25)
    """
    return FIRST_NOISE * NOISE_DECAY ** (round_number - 1)


def stratified(candidates: Sequence[SelectedOrgan], *, seed: int, round_number: int) -> list[SelectedOrgan]:
    """Order candidates: two of three by their class, the classes in turn, and the third from all.

    Within a class, and among all, they are ordered by log(entropy) + noise, where the entropy is that of the
    main network, summed over the organ. With Gumbel noise of scale 1/b this draws without replacement in
    proportion to entropy to the power of b (power noise).

    Args:
        candidates: Each organ of each case once, in an order that depends on nothing but names.
        seed: Of the noise.
        round_number: From 1; noise falls with it.

    Source:
        Lüth et al. 2026, arXiv:2601.13677; the noise is that of Kirsch et al. 2023, arXiv:2106.12059.
    """
    noisy = _noisy_scores(candidates, seed, round_number)
    order = [candidates[place] for place in np.argsort(-noisy, kind="stable").tolist()]
    in_classes = _by_class_in_turn(order)
    return list(_mixed(order, in_classes))


def _noisy_scores(
    candidates: Sequence[SelectedOrgan], seed: int, round_number: int
) -> npt.NDArray[np.float64]:
    entropies = np.array([one.organ.entropy_ml for one in candidates])
    noise = np.random.default_rng(seed).gumbel(scale=noise_scale(round_number), size=len(candidates))
    return np.asarray(np.log(np.maximum(entropies, _LEAST_ML)) + noise, dtype=np.float64)


def _by_class_in_turn(order: Sequence[SelectedOrgan]) -> list[SelectedOrgan]:
    """Take the first of each class, then the second of each; classes come as their first ones do."""
    seen: dict[str, int] = defaultdict(int)
    turns: list[tuple[int, SelectedOrgan]] = []
    for one in order:
        turns.append((seen[one.organ.organ], one))
        seen[one.organ.organ] += 1
    return [one for _, one in sorted(turns, key=lambda turn: turn[0])]


def _mixed(order: Sequence[SelectedOrgan], in_classes: Sequence[SelectedOrgan]) -> Iterator[SelectedOrgan]:
    """Take `TURNS_OF_CLASSES` of one list, then one of the other; what was taken is passed over."""
    by_class, of_all = iter(in_classes), iter(order)
    taken: set[tuple[str, str]] = set()
    for number in range(len(order)):
        source = by_class if number % (TURNS_OF_CLASSES + 1) < TURNS_OF_CLASSES else of_all
        one = next(one for one in source if (one.case_id, one.organ.organ) not in taken)
        taken.add((one.case_id, one.organ.organ))
        yield one
