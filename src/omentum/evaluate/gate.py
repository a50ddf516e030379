"""Test whether a new network is not inferior to its parent, on paired differences of Dice.

A network is promoted if, for every organ that changed, the one-sided 95 % bound of the mean difference is
above -0.01 Dice, and the organs that were revised gain on average. The bounds are of a paired bootstrap
over patients, their levels Holm's over organs. One organ that fails keeps the network out; else an organ
with under 8 patients leaves the verdict to a person. The draws are seeded, and the order of patients never
matters.
"""

import math
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import numpy.typing as npt

from omentum.errors import ConfigError
from omentum.records.promotions import LEAST_PATIENTS, GateOutcome, OrganGain
from omentum.volumes.labels import organ, organs_named

__all__ = ["MARGIN", "Paired", "Verdict", "differences_of", "judged", "lower_bound"]

MARGIN = -0.01
"""Non-inferiority margin, in Dice."""
CONFIDENCE = 0.95
_DRAWS = 20_000
_AT_ONCE = 2_000_000
"""Numbers drawn at a time, so that thousands of patients fit into memory."""

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Dice of two networks on one held-out mask; `None` where prediction and mask are both empty."""

    organ: str
    patient_id: str
    parent: float | None
    candidate: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict on a network."""

    outcome: GateOutcome
    why: str
    """In a sentence, for people."""
    organs: tuple[OrganGain, ...]
    """By rising index."""


def differences_of(pairs: Iterable[Paired]) -> dict[str, tuple[float, ...]]:
    """Give the differences of Dice, candidate minus parent, one for each patient, by organ.

    The differences of several CTs of a patient are averaged, as they are not independent. A pair where both
    networks and the mask are empty is left out; where the mask and one network alone are empty, the Dice of
    that network counts as 1.

    Returns:
        By organ; patients in the order of their names.

    Example:
        >>> one = Paired(organ="liver", patient_id="a", parent=0.5, candidate=0.75)
        >>> invented = Paired(organ="liver", patient_id="b", parent=None, candidate=0.0)
        >>> differences_of([one, invented])
        {'liver': (0.25, -1.0)}
    """
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for pair in pairs:
        if pair.parent is None and pair.candidate is None:
            continue
        parent = 1.0 if pair.parent is None else pair.parent
        candidate = 1.0 if pair.candidate is None else pair.candidate
        found[pair.organ][pair.patient_id].append(candidate - parent)
    return {
        name: tuple(math.fsum(values) / len(values) for _, values in sorted(patients.items()))
        for name, patients in found.items()
    }


def lower_bound(differences: Sequence[float], *, confidence: float = CONFIDENCE, seed: int = 0) -> float:
    """Bound the mean of differences from below, by a bootstrap over patients.

    The percentile bootstrap of few numbers is too narrow: it takes their own spread for that of the
    population, and the normal distribution for Student's. So its level is widened to
    Phi(sqrt(n / (n - 1)) t), with t Student's quantile (the expanded percentile interval of Hesterberg 2015,
    The American Statistician 69:371). A level that the draws do not resolve gives the least difference, for
    no resample has a lower mean.

    Args:
        differences: At least two, one a patient.
        confidence: Chance that the bound is below the true mean.
        seed: Of the draws.

    Raises:
        ConfigError: There are fewer than two, or one is not finite.

    Example:
        >>> lower_bound([0.0] * 8), lower_bound([0.1, 0.2] * 10) > 0.12
        (0.0, True)
    """
    values = _checked(differences)
    return _bound(values, _means(values, seed), 1.0 - confidence)


def judged(
    differences: Mapping[str, Sequence[float]],
    *,
    changed: Collection[str],
    revised: Collection[str],
    seed: int = 0,
) -> Verdict:
    """Decide whether a network takes its parent's place.

    Args:
        differences: As of `differences_of`.
        changed: Organs whose heads, or whose trunk, differ from the parent's; all others are the same to
            the last bit and are not looked at.
        revised: Organs that people revised since the parent was made; where none of them changed, all that
            changed have to gain.
        seed: Of the draws.

    Raises:
        ConfigError: No organ changed.
    """
    names = [row.name for row in organs_named(changed)]
    if not names:
        raise ConfigError("changed", list(changed), "a network that changed no organ cannot be judged")
    wanted = set(revised) & set(names) or set(names)
    measured = {name: _checked(differences.get(name, ()), least=0) for name in names}
    bounds = _holm_bounds({name: one for name, one in measured.items() if len(one) >= LEAST_PATIENTS}, seed)
    gains = tuple(
        OrganGain(
            organ=name,
            differences=tuple(measured[name].tolist()),
            mean=fmean(measured[name].tolist()) if len(measured[name]) else None,
            bound=bounds[name][0] if name in bounds else None,
            outcome=_of_organ(bounds.get(name)),
            is_revised=name in wanted,
        )
        for name in names
    )
    outcome, why = _decided(gains)
    return Verdict(outcome=outcome, why=why, organs=gains)


def _checked(differences: Sequence[float], least: int = 2) -> Reals:
    values = np.asarray(differences, dtype=np.float64)
    if len(values) < least or not np.isfinite(values).all():
        rule = f"it takes at least {least} numbers, all of them finite"
        raise ConfigError("differences", list(differences), rule)
    return values


def _means(values: Reals, seed: int) -> Reals:
    """Draw patients again and again, with replacement; give the means of the draws, rising."""
    rng = np.random.default_rng(seed)
    rows = max(1, _AT_ONCE // len(values))
    # Sorted first, so that the order of patients does not change what is drawn.
    values = np.sort(values)
    parts = [
        values[rng.integers(len(values), size=(min(rows, _DRAWS - begun), len(values)))].mean(axis=1)
        for begun in range(0, _DRAWS, rows)
    ]
    return np.sort(np.concatenate(parts))


def _bound(values: Reals, means: Reals, risk: float) -> float:
    from scipy import special  # slow to import, and few commands need it

    n = len(values)
    widened = float(special.ndtr(math.sqrt(n / (n - 1)) * special.stdtrit(n - 1, risk)))
    place = math.floor(widened * (len(means) + 1))
    return float(means[place - 1] if place else values.min())


def _risk_of_margin(values: Reals, means: Reals) -> float:
    """Give the least risk at which the bound is above the margin: the p-value; the inverse of `_bound`."""
    from scipy import special

    if values.min() > MARGIN:
        return 0.0
    n = len(values)
    share = (np.searchsorted(means, MARGIN, side="right") + 1) / (len(means) + 1)
    return float(special.stdtr(n - 1, special.ndtri(min(share, 1.0)) * math.sqrt((n - 1) / n)))


def _holm_bounds(measured: Mapping[str, Reals], seed: int) -> dict[str, tuple[float, bool]]:
    """Bound each organ at the level that Holm's procedure gives it; say whether it is above the margin.

    The organ with the least p-value is held to a risk of 5 % by the number of organs, the next to 5 % by one
    less, and so on; from the first that fails on, all fail (Holm 1979, Scand. J. Statist. 6:65).
    """
    means = {name: _means(values, _seed_of(name, seed)) for name, values in measured.items()}
    risks = {name: _risk_of_margin(values, means[name]) for name, values in measured.items()}
    found: dict[str, tuple[float, bool]] = {}
    is_open = True
    for place, name in enumerate(sorted(measured, key=lambda one: (risks[one], one))):
        risk = (1.0 - CONFIDENCE) / (len(measured) - place)
        bound = _bound(measured[name], means[name], risk)
        is_open = is_open and bound > MARGIN
        found[name] = bound, is_open
    return found


def _seed_of(name: str, seed: int) -> int:
    return zlib.crc32(f"{seed} {name}".encode())


def _of_organ(bounded: tuple[float, bool] | None) -> GateOutcome:
    if bounded is None:
        return GateOutcome.UNDECIDED
    return GateOutcome.PROMOTED if bounded[1] else GateOutcome.KEPT_OUT


def _decided(gains: Sequence[OrganGain]) -> tuple[GateOutcome, str]:
    failed = [one for one in gains if one.outcome is GateOutcome.KEPT_OUT]
    if failed:
        named = ", ".join(f"{_shown(one)} (bound {one.bound:+.3f})" for one in failed)
        return GateOutcome.KEPT_OUT, f"it may be worse by more than {-MARGIN:g} Dice in {named}"
    few = [one for one in gains if one.outcome is GateOutcome.UNDECIDED]
    if few:
        named = ", ".join(f"{_shown(one)} ({one.n_patients})" for one in few)
        seen = f"fewer than {LEAST_PATIENTS} held-out patients have a mask of {named}"
        return GateOutcome.UNDECIDED, f"{seen}, so that a person has to decide"
    means = [one.mean for one in gains if one.is_revised and one.mean is not None]
    gain = fmean(means)
    about = f"the revised organs change by {gain:+.4f} Dice on average"
    if gain <= 0.0:
        return GateOutcome.KEPT_OUT, f"{about}, which is no gain"
    return GateOutcome.PROMOTED, f"{about}, and no organ that changed is worse by more than {-MARGIN:g}"


def _shown(one: OrganGain) -> str:
    return organ(one.organ).display_name
