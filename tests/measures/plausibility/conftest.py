"""A synthetic patient whose masks are right, and the errors that can be put into them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from omentum.measures.plausibility.finding import Finding
from omentum.measures.plausibility.rules import findings
from omentum.phantoms.phantom import LABELLED, make_phantom
from omentum.phantoms.seeded_errors import Labelled, with_error
from omentum.volumes.masks import MaskSet
from omentum.volumes.volume import Volume


@pytest.fixture(scope="session")
def truth() -> Labelled:
    """A whole abdomen with both kidneys and a gall bladder, at about 3 mm."""
    phantom = make_phantom(5, spacing_mm=(3.0, 3.0, 3.0))
    return Labelled(hu=phantom.ct.voxels, labels=phantom.labels.voxels, geometry=phantom.ct.geometry)


@pytest.fixture(scope="session")
def asked() -> Callable[..., list[Finding]]:
    """Ask all rules about labels, with the array's axes pointing where said."""

    def ask(labelled: Labelled, orientation: str | None = None, **options) -> list[Finding]:
        labels, hu = (Volume(one, labelled.geometry) for one in (labelled.labels, labelled.hu))
        if orientation is not None:
            labels, hu = labels.reoriented(orientation), hu.reoriented(orientation)
        masks = MaskSet.from_labels(labels.voxels, labels.geometry, LABELLED)
        return findings(masks, hu.voxels, **options)

    return ask


@pytest.fixture(scope="session")
def wrong(truth) -> Callable[[str], Labelled]:
    """Put an error into the truth, not into the pancreas: thin and in up to three pieces, it hides some."""

    def make(error: str, seed: int = 0) -> Labelled:
        for draw in range(seed, seed + 10):
            found = with_error(replace(truth), error, np.random.default_rng(draw))
            if found is not None and ("pancreas" not in found.wrong or len(found.wrong) > 2):
                return found
        raise AssertionError(error)

    return make
