"""Export releases as surfaces: closed meshes that enclose the volume of their voxels.

Out: of each case, `<organ>.stl` (binary, mm, LPS+, as its header says); an absent or unknown organ has
     no file, and `organs.json` tells them apart.
Marching cubes are smoothed without shrinking (Taubin 1995, A signal processing approach to fair surface
design), then moved along the normals until the volume is the mask's.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from skimage.measure import marching_cubes

from omentum.exchange.exporters.exporter import Export, Exporter, register
from omentum.records.released_cases import ReleasedCase
from omentum.volumes.atomic import writing
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti_slices import read_nifti_part

__all__ = ["Mesh", "enclosed_mm3", "surface"]

_Corners = npt.NDArray[np.float64]
_Triangles = npt.NDArray[np.int64]
Mesh = tuple[_Corners, _Triangles]
"""Corners in mm `(n, 3)`, RAS+; triangles as three corners each `(m, 3)`, seen from outside anticlockwise."""

_N_SMOOTHED = 5
_SHRINK, _SWELL = 0.5, -0.53
_N_CORRECTED = 6
_RAS_TO_LPS = np.array([-1.0, -1.0, 1.0])
_HEADER_BYTES = 80
_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def _write_case(case: ReleasedCase, export: Export) -> None:
    for mask in case.masks:
        if mask.organ not in export.organs:
            continue
        geometry, part = read_nifti_part(mask.path)
        if part is not None:
            box, values = part
            mesh = surface(values != 0, geometry.cropped(box))
            _write_stl(export.out / case.case_id / f"{mask.organ}.stl", mesh)


def _write_stl(path: Path, mesh: Mesh) -> None:
    """Write a mesh with corners in mm, RAS+, as an STL file in LPS+."""
    corners, triangles = mesh
    facets = np.zeros(len(triangles), dtype=_FACET)
    facets["corners"] = (corners * _RAS_TO_LPS)[triangles]
    across = np.cross(
        facets["corners"][:, 1] - facets["corners"][:, 0], facets["corners"][:, 2] - facets["corners"][:, 0]
    )
    facets["normal"] = across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-12)
    header = b"Omentum SPACE=LPS UNIT=mm".ljust(_HEADER_BYTES)
    with writing(path) as part:
        part.write_bytes(header + np.uint32(len(facets)).tobytes() + facets.tobytes())


def surface(mask: npt.NDArray[np.bool_], geometry: Geometry) -> Mesh:
    """Make the surface of a mask; one without a voxel has no corner.

    Args:
        mask: `(x, y, z)`.
        geometry: Its grid.
    """
    if not mask.any():
        return np.empty((0, 3)), np.empty((0, 3), dtype=np.int64)
    corners, triangles, _, _ = marching_cubes(
        np.pad(mask, 1).astype(np.uint8), 0.5, gradient_direction="ascent"
    )
    triangles = triangles.astype(np.int64)
    corners = _smoothed(corners.astype(np.float64) - 1.0, triangles)  # indices of the mask without its margin
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


def _smoothed(corners: _Corners, triangles: _Triangles) -> _Corners:
    """Move each corner towards its neighbours and back again, so that steps go and the size stays."""
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
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


register(
    "stl", Exporter(about="a closed surface an organ, of the volume of its voxels", write_case=_write_case)
)
