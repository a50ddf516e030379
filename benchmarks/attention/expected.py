"""Score one CT of any size by scoring expected-error; used by attention_speed.py.

In:  a folder and a grid.
Out: a CT there with the predictions of three synthetic networks, which see its organs a little beside where
     they are; the attention that ours writes.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from omentum.phantoms.phantom import make_phantom
from omentum.records import Case, Prediction
from omentum.score.calibration import Calibration, shipped_prior
from omentum.score.expected_error_case import score_expected_error_case
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.labels import SUBSETS, organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.probabilities import ProbabilityMaps
from omentum.volumes.resample import nearest_voxels

__all__ = ["make_files", "score_expected"]

NINE = SUBSETS["abdomenatlas-1.0"]
NETWORKS = ("first", "second", "third")
NETWORK_MM = 3.0


def make_files(
    folder: Path, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]
) -> tuple[Case, list[Prediction]]:
    """Write a phantom's CT, and what three networks say of it."""
    from attention.cohort import CohortCase, on_disk  # loads PyTorch, which scoring does not need

    phantom = make_phantom(7, shape=shape, spacing_mm=spacing_mm)
    geometry = phantom.ct.geometry
    grid = geometry.spaced((NETWORK_MM,) * 3)
    small = phantom.labels.voxels[np.ix_(*nearest_voxels(geometry, grid))]
    moved = [np.roll(small, k - 1, axis=k) for k in range(len(NETWORKS))]
    back = np.ix_(*nearest_voxels(grid, geometry))
    masks = [MaskSet.from_labels(one[back], geometry, NINE) for one in moved]
    maps = [ProbabilityMaps(grid, NINE, _parts(one)) for one in moved]
    case = CohortCase("one", phantom.ct, phantom.labels.voxels, tuple(maps), tuple(masks))
    return on_disk(case, folder, NETWORKS)


def score_expected(case: Case, predictions: Sequence[Prediction], attention_dir: Path) -> int:
    """Read the files and write the attention; give the number of hot spots."""
    score = score_expected_error_case(case, predictions, NINE, attention_dir, Calibration(shipped_prior()))
    return sum(len(one.spots_ml) for one in score.organs)


def _parts(labels: np.ndarray) -> dict[str, BoxedArray]:
    parts = {}
    for name in NINE:
        blurred = ndimage.gaussian_filter((labels == organ(name).index).astype(np.float32), 1.0)
        parts[name] = BoxedArray.cut_out(np.rint(blurred * 255).astype(np.uint8), least=3, margin_voxels=1)
    return {name: part for name, part in parts.items() if part is not None}
