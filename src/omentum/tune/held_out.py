"""Measure the mean Dice of held-out patients during training, to say when to stop.

The gate judges later, on the CTs' own grids (evaluate).
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from omentum.measures.overlap import dice
from omentum.networks.infer import organ_probabilities
from omentum.networks.network import Network
from omentum.records import MaskSource
from omentum.tune.prepared_cases import PreparedCase

__all__ = ["HeldOutDice"]

_HALF = 127
"""Probabilities of more than this, of 255, are the organ."""


class HeldOutDice:
    """Measures a network: the mean over organs of the mean over cases.

    Args:
        cases: At the network's spacing.
        organs: To measure. Masks that a network predicted are left out, and so is an organ of a case that
            has none of it.

    Example:
        >>> HeldOutDice([], ["liver"]).case_ids
        []
    """

    def __init__(self, cases: Sequence[PreparedCase], organs: Sequence[str]) -> None:
        measured = [(case, _measured(case, organs)) for case in cases]
        self._measured = [(case, names) for case, names in measured if names]

    @property
    def case_ids(self) -> list[str]:
        """Cases that it compares with; with none there is nothing to measure."""
        return [case.case_id for case, _ in self._measured]

    @property
    def key(self) -> str:
        """Names all that the number depends on, besides the network."""
        text = "\n".join(f"{case.key} {' '.join(names)}" for case, names in self._measured)
        return hashlib.sha256(text.encode()).hexdigest()

    def __call__(self, network: Network) -> float:
        """Measure a network in evaluation mode, on the device it is on.

        Raises:
            ConfigError: Nothing in a CT is denser than air.
        """
        by_organ: dict[str, list[float]] = defaultdict(list)
        for case, names in self._measured:
            hu = case.hu.astype(np.float32)
            found: npt.NDArray[np.bool_] = np.zeros((len(names), *hu.shape), dtype=bool)
            for z, probabilities in organ_probabilities(network, hu, names):
                found[..., z] = probabilities > _HALF
            for name, mask in zip(names, found, strict=True):
                by_organ[name].append(dice(mask, case.masks.mask(name)) or 0.0)
        return float(np.mean([np.mean(values) for values in by_organ.values()]))


def _measured(case: PreparedCase, organs: Sequence[str]) -> list[str]:
    return [
        name
        for name in organs
        if case.sources.get(name, MaskSource.PREDICTED) is not MaskSource.PREDICTED
        and case.masks.mask(name).any()
    ]
