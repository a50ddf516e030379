"""A small patient at 3 mm, and post-processing of whole masks by name."""

from collections.abc import Callable

import numpy as np
import pytest

from omentum.predict.postprocess.recipes import PostProcessed, postprocessed
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import Geometry

Masks = dict[str, np.ndarray]


@pytest.fixture(scope="session")
def grid() -> Geometry:
    """60 x 40 x 50 voxels of 3 mm; x to the right, y to the front, z to the head."""
    return Geometry((60, 40, 50), np.diag([3.0, 3.0, 3.0, 1.0]))


@pytest.fixture(scope="session")
def block(grid: Geometry) -> Callable[..., np.ndarray]:
    """Make a mask of one box: `block((0, 3), (0, 4), (0, 5))`."""

    def make(*sides: tuple[int, int]) -> np.ndarray:
        mask = np.zeros(grid.shape, dtype=bool)
        mask[tuple(slice(*side) for side in sides)] = True
        return mask

    return make


@pytest.fixture(scope="session")
def clean() -> Callable[..., tuple[Masks, PostProcessed]]:
    """Post-process whole masks; gives whole masks again, empty ones too, and all the rest."""

    def run(masks: Masks, geometry: Geometry, **options: object) -> tuple[Masks, PostProcessed]:
        parts = {name: BoxedArray.whole(mask) for name, mask in masks.items()}
        result = postprocessed(parts, geometry, **options)
        cleaned = {name: np.zeros(geometry.shape, dtype=bool) for name in masks}
        for name, (box, mask) in result.parts.items():
            cleaned[name][box] = mask
        return cleaned, result

    return run


@pytest.fixture(scope="session")
def patient(block) -> Masks:
    """A patient in whom every rule of both recipes finds something to do."""
    liver = block((32, 52), (10, 30), (20, 34)) ^ block((40, 42), (18, 20), (25, 27))
    return {
        "liver": liver | block((3, 8), (30, 34), (4, 8)),
        "kidney_left": block((10, 16), (4, 10), (10, 22)) | block((42, 46), (4, 10), (18, 22)),
        "kidney_right": block((42, 48), (4, 10), (8, 18)),
        "lung_left": block((4, 24), (5, 30), (36, 48)),
        "lung_right": block((34, 56), (5, 30), (36, 48)) | block((1, 2), (1, 2), (1, 2)),
        "pancreas": block((20, 34), (16, 20), (16, 20)) | block((50, 52), (34, 36), (40, 42)),
        "portal_vein_and_splenic_vein": block((28, 32), (20, 23), (12, 30)),
        "liver_tumor": block((36, 39), (12, 16), (22, 26)) | block((4, 8), (10, 14), (40, 44)),
        "kidney_tumor": block((14, 19), (4, 8), (12, 15)) | block((30, 31), (30, 31), (30, 31)),
        "colon": block((5, 15), (30, 35), (5, 20)) | block((40, 45), (30, 35), (5, 10)),
        "colon_tumor": np.any([block((5, 8), (30, 33), (z, z + 3)) for z in (5, 9, 13, 17)], axis=0),
        "hepatic_vessel": block((36, 46), (20, 22), (28, 30)) | block((36, 37), (14, 15), (30, 31)),
    }
