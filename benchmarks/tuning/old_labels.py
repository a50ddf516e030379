"""What did an earlier network say, and where was it wrong? True labels with errors that a network learns.

In:  a patient.
Out: the labels with four organs wrong, drawn from the patient's seed; the others are the truth.

The errors are of kinds that people revise: an aorta that ends too early, a postcava fused with what lies
beside it, a stomach of which a part is missing, a gall bladder that was not found.
Each is of another size in each patient, so that what is learned from them lies in between.
"""

import numpy as np
import numpy.typing as npt

from omentum.volumes.labels import organ
from tuning.cohort import Patient

__all__ = ["WRONG_ORGANS", "old_labels"]

WRONG_ORGANS = ("aorta", "gall_bladder", "postcava", "stomach")
LEAST_KEPT = 0.3
"""Of the length of an aorta, and of the width of a stomach."""
NOT_FOUND = 0.4
"""Share of gall bladders."""
FUSED = 0.75
"""Share of postcavas."""
TISSUE_HU = (-50, 250)


def old_labels(patient: Patient) -> npt.NDArray[np.uint8]:
    """Give the labels as they were before anybody revised them."""
    rng = np.random.default_rng([patient.seed, 7])
    labels = patient.truth.copy()
    _cut(labels, "aorta", 2, float(rng.uniform(LEAST_KEPT, 1)))
    _cut(labels, "stomach", 0, float(rng.uniform(LEAST_KEPT, 1)))
    if rng.random() < NOT_FOUND:
        labels[labels == organ("gall_bladder").index] = 0
    if rng.random() < FUSED:
        _fuse(labels, "postcava", patient.hu)
    return labels


def _cut(labels: npt.NDArray[np.uint8], name: str, axis: int, kept: float) -> None:
    """Take away all of an organ beyond a plane across an axis."""
    mask = labels == organ(name).index
    planes = np.flatnonzero(mask.any(axis=tuple(k for k in range(3) if k != axis)))
    if planes.size:
        last = planes[0] + kept * (planes[-1] + 1 - planes[0])
        beyond = np.arange(mask.shape[axis]) >= last
        labels[mask & beyond.reshape([-1 if k == axis else 1 for k in range(3)])] = 0


def _fuse(labels: npt.NDArray[np.uint8], name: str, hu: npt.NDArray[np.int16]) -> None:
    """Let an organ take in the soft tissue one voxel to the left and to the back of it."""
    mask = labels == organ(name).index
    grown = np.zeros_like(mask)
    grown[:-1] |= mask[1:]
    grown[:, :-1] |= mask[:, 1:]
    low, high = TISSUE_HU
    labels[grown & (labels == 0) & (hu > low) & (hu < high)] = organ(name).index
