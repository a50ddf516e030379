"""Paint a label map of organs of a released case, slice by slice, in the compositing order of the release."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from omentum.records.released_cases import ReleasedCase
from omentum.volumes.nifti import read_nifti_geometry, writing_nifti
from omentum.volumes.nifti_slices import label_planes

__all__ = ["paint"]


def paint(case: ReleasedCase, values: Mapping[str, int], path: Path) -> None:
    """Write a label map.

    Args:
        case: A released case.
        values: Value of each organ; others are left out.
        path: Ends in `.nii` or `.nii.gz`.
    """
    geometry = read_nifti_geometry(case.labels_path)
    side_x, side_y, side_z = geometry.shape
    with ExitStack() as files:
        layers = [
            (values[mask.organ], files.enter_context(label_planes(mask.path, geometry)))
            for mask in case.masks
            if mask.organ in values
        ]
        stream = files.enter_context(writing_nifti(path, geometry, np.uint8))
        for _ in range(side_z):
            plane = np.zeros((side_y, side_x), dtype=np.uint8)
            for value, planes in layers:
                plane[next(planes) != 0] = value
            stream.write(plane.data)
