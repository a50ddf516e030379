"""What is the surface of a mask? A closed mesh that encloses the volume of its voxels.

In:  a mask and its grid.
Out: corners in mm and triangles, by surface nets: one corner in each cell of eight voxels that are not all
     alike, smoothed without shrinking, and then moved along the normals until the volume is the mask's.

Source: Gibson 1998, Constrained elastic surface nets; Taubin 1995, A signal processing approach to fair
surface design.
"""

import numpy as np
import numpy.typing as npt

from omentum.volumes.geometry import Geometry

__all__ = ["Mesh", "enclosed_mm3", "surface"]

_Corners = npt.NDArray[np.float64]
_Triangles = npt.NDArray[np.int64]
Mesh = tuple[_Corners, _Triangles]
"""Corners in mm `(n, 3)`, RAS+; triangles as three corners each `(m, 3)`, seen from outside anticlockwise."""

_N_SMOOTHED = 5
_SHRINK, _SWELL = 0.5, -0.53
_N_CORRECTED = 6


def surface(mask: npt.NDArray[np.bool_], geometry: Geometry) -> Mesh:
    """Make the surface of a mask; one without a voxel has no corner.

    Args:
        mask: `(x, y, z)`.
        geometry: Its grid.
    """
    if not mask.any():
        return np.empty((0, 3)), np.empty((0, 3), dtype=np.int64)
    corners, quads = _net(np.pad(mask, 1))
    corners = _smoothed(corners - 1.0, quads)  # of the padded mask, from its first voxel to the mask's
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    if np.linalg.det(geometry.affine[:3, :3]) < 0:
        triangles = triangles[:, ::-1]
    wanted_mm3 = float(np.count_nonzero(mask)) * geometry.voxel_ml * 1000.0
    return _of_volume(geometry.to_mm(corners), triangles, wanted_mm3), triangles


def enclosed_mm3(corners: _Corners, triangles: _Triangles) -> float:
    """Measure the volume inside of a closed mesh.

    Example:
        >>> corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]])
        >>> round(enclosed_mm3(corners, np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])), 4)
        0.1667
    """
    a, b, c = (corners[triangles[:, place]] for place in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def _net(mask: npt.NDArray[np.bool_]) -> tuple[_Corners, _Triangles]:
    """Give corners in voxels of the mask given, and faces of four of them."""
    cells = np.zeros(np.array(mask.shape) - 1, dtype=np.int8)
    for offset in np.ndindex(2, 2, 2):
        cells += _shifted(mask, offset)
    mixed = np.argwhere((cells > 0) & (cells < 8))
    numbers = np.full(cells.shape, -1, dtype=np.int64)
    numbers[tuple(mixed.T)] = np.arange(len(mixed))
    total, n = np.zeros((len(mixed), 3)), np.zeros(len(mixed))
    for first in np.ndindex(2, 2, 2):
        for axis in range(3):
            if first[axis] == 0:
                second = tuple(1 if own == axis else side for own, side in enumerate(first))
                crosses = mask[tuple((mixed + first).T)] != mask[tuple((mixed + second).T)]
                total += crosses[:, None] * (np.array(first) + np.array(second)) / 2.0
                n += crosses
    return mixed + total / n[:, None], _faces(mask, numbers)


def _shifted(mask: npt.NDArray[np.bool_], offset: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    return mask[tuple(slice(start, start + side - 1) for start, side in zip(offset, mask.shape, strict=True))]


def _faces(mask: npt.NDArray[np.bool_], numbers: npt.NDArray[np.int64]) -> _Triangles:
    """Between two neighbouring voxels that differ, span the four cells that both belong to."""
    quads = []
    for axis in range(3):
        across = (axis + 1) % 3, (axis + 2) % 3
        change = np.diff(mask.astype(np.int8), axis=axis)
        for leaves in (-1, 1):
            at = np.argwhere(change == leaves)
            ring = [(0, 0), (-1, 0), (-1, -1), (0, -1)][::-leaves]
            corners = []
            for first, second in ring:
                cell = at.copy()
                cell[:, across[0]] += first
                cell[:, across[1]] += second
                corners.append(numbers[tuple(cell.T)])
            quads.append(np.column_stack(corners))
    return np.concatenate(quads)


def _smoothed(corners: _Corners, quads: _Triangles) -> _Corners:
    """Move each corner towards its neighbours and back again, so that steps go and the size stays."""
    pairs = np.concatenate([quads[:, [place, (place + 1) % 4]] for place in range(4)])
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    n = np.bincount(pairs[:, 0], minlength=len(corners))[:, None].astype(np.float64)
    for step in (_SHRINK, _SWELL) * _N_SMOOTHED:
        sums = [
            np.bincount(pairs[:, 0], corners[pairs[:, 1], axis], minlength=len(corners)) for axis in range(3)
        ]
        corners = corners + step * (np.column_stack(sums) / n - corners)
    return corners


def _of_volume(corners: _Corners, triangles: _Triangles, wanted_mm3: float) -> _Corners:
    """Move the corners along their normals until the mesh encloses a volume."""
    for _ in range(_N_CORRECTED):
        a, b, c = (corners[triangles[:, place]] for place in range(3))
        across = np.cross(b - a, c - a)
        area_mm2 = np.linalg.norm(across, axis=1).sum() / 2.0
        sums = [
            np.bincount(triangles.ravel(), np.repeat(across[:, axis], 3), minlength=len(corners))
            for axis in range(3)
        ]
        normals = np.column_stack(sums)
        normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        corners = corners + normals * (wanted_mm3 - enclosed_mm3(corners, triangles)) / max(area_mm2, 1e-12)
    return corners
