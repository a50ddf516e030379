"""Compress a NIfTI file piece by piece while it is sent."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np
from isal import isal_zlib

from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import nifti_header

__all__ = ["nifti_stream"]

_LEVEL = 1
_GZIP = 16 + 15


def nifti_stream(geometry: Geometry, dtype: np.dtype[Any], slabs: Iterable[bytes]) -> Iterator[bytes]:
    """Give a `.nii.gz` in pieces.

    Args:
        geometry: The grid.
        dtype: Of the voxels.
        slabs: The voxels' bytes, x fastest, in any pieces.
    """
    gzip = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _GZIP)
    pieces = (gzip.compress(piece) for piece in chain([nifti_header(geometry, dtype)], slabs))
    yield from (piece for piece in pieces if piece)
    yield gzip.flush()
