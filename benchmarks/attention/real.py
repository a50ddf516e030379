"""Where do the shipped networks err on real CTs? As far as somebody has said what is right there.

In:  the CTs and reference masks of quality/references.py; no network has learned from any of them.
Out: cases as those of a cohort, each with the organs that a reference speaks of in the whole scan.
"""

from collections.abc import Iterator

import numpy as np

from attention.cohort import CohortCase, predictors
from omentum.volumes.labels import organ
from omentum.volumes.read import read_ct
from quality.cases import data_folder, masks_of
from quality.references import SCANS, Column

__all__ = ["real_cases"]


def real_cases() -> Iterator[tuple[Column, CohortCase, tuple[str, ...]]]:
    """Give each reference of each real CT, where there are any."""
    folder = data_folder()
    for scan in SCANS if folder is not None else ():
        assert folder is not None
        ct = read_ct(folder / scan.ct)
        made = [one.predict(ct) for one in predictors()]
        maps, masks = tuple(one.maps for one in made), tuple(one.masks for one in made)
        for reference in scan.labels:
            organs = tuple(name for name in reference.ids if name not in reference.slices)
            right, labels = masks_of(folder, reference, ct), np.zeros(ct.geometry.shape, dtype=np.uint8)
            for name in organs:
                labels[right.mask(name)] = organ(name).index
            yield reference.column, CohortCase(reference.column.name, ct, labels, maps, masks), organs
