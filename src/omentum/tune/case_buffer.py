"""Hold the cases of a training step: those of the project, and synthetic ones that come and go.

They follow from the seed and the step alone, so a resumed run sees the same. One thread renders ahead.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from omentum.networks.starter import overview
from omentum.phantoms.anatomy_map import AnatomyMap
from omentum.phantoms.phantom import LABELLED
from omentum.phantoms.rendered import render_pair
from omentum.records import MaskSource
from omentum.tune.config import FullConfig
from omentum.tune.prepared_cases import PreparedCase
from omentum.volumes.masks import MaskSet

__all__ = ["CasePool", "rendered_case"]

_SEEDS = 1_000_000
"""Synthetic patients a training seed; those of evaluation have seeds below this."""


class CasePool:
    """Hands out a case and its overview for each patch.

    Args:
        cases: Of the project, at the network's spacing.
        maps: Anatomy that synthetic patients are rendered from, besides the modelled one.
        organs: The network's, as is `spacing_mm`.
        spacing_mm: Edge of a voxel.
        config: Shares, sizes, seed.
    """

    def __init__(
        self,
        cases: Sequence[PreparedCase],
        maps: Sequence[AnatomyMap],
        organs: Sequence[str],
        spacing_mm: float,
        config: FullConfig,
    ) -> None:
        self._cases = [(case, _overview(case)) for case in cases]
        self._maps, self._organs, self._spacing_mm, self._config = maps, organs, spacing_mm, config
        self._rendered: dict[int, Future[tuple[PreparedCase, Tensor]]] = {}
        self._thread = ThreadPoolExecutor(1)

    def pick(self, step: int, rng: np.random.Generator) -> tuple[PreparedCase, Tensor]:
        """Draw a case for a patch of a step, and give it with its overview `(1, ...)`."""
        config = self._config
        if self._cases and rng.random() >= config.rendered_share:
            return self._cases[int(rng.integers(len(self._cases)))]
        first = step // config.pool_steps
        self._render_ahead(first)
        number = first + int(rng.integers(config.pool_cases))
        return self._rendered[number].result()

    def close(self) -> None:
        """Stop rendering ahead."""
        self._thread.shutdown(cancel_futures=True)

    def _render_ahead(self, first: int) -> None:
        for number in range(first, first + self._config.pool_cases + 1):
            if number not in self._rendered:
                self._rendered[number] = self._thread.submit(self._render, number)
        for number in [number for number in self._rendered if number < first]:
            del self._rendered[number]

    def _render(self, number: int) -> tuple[PreparedCase, Tensor]:
        seed = _SEEDS * (self._config.seed + 1) + number
        case = rendered_case(seed, self._maps, self._organs, self._spacing_mm, self._config.made_share)
        return case, _overview(case)


def rendered_case(
    seed: int, maps: Sequence[AnatomyMap], organs: Sequence[str], spacing_mm: float, made_share: float
) -> PreparedCase:
    """Render one synthetic patient as training sees a case; organs that it does not label stay unknown."""
    pair = render_pair(seed, maps, spacing_mm, made_share=made_share)
    known = [name for name in organs if name in LABELLED]
    masks = MaskSet.from_labels(pair.labels, pair.geometry, known)
    sources = dict.fromkeys(known, MaskSource.ORIGINAL)
    return PreparedCase(case_id=f"made_{seed}", hu=pair.hu, masks=masks, sources=sources, key=str(seed))


def _overview(case: PreparedCase) -> Tensor:
    return overview(torch.from_numpy(case.hu.astype(np.float32))[None, None])[0]
