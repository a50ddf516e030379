"""How is a release handed on as surfaces, to look at or to print?

In:  released cases.
Out: of each, `<organ>.stl` (binary, mm, LPS+ as viewers take STL to be, and its header says so); an organ
     without a voxel has no file.
"""

from pathlib import Path

import numpy as np

from omentum.exchange.exporters.exporter import Export, Layout
from omentum.exchange.exporters.surface import Mesh, surface
from omentum.records.released_cases import ReleasedCase
from omentum.volumes.atomic import writing
from omentum.volumes.nifti_parts import read_nifti_part

__all__ = ["STL", "write_stl"]

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
            write_stl(export.out / case.case_id / f"{mask.organ}.stl", mesh)


def write_stl(path: Path, mesh: Mesh) -> None:
    """Write a mesh, whole or not at all.

    Args:
        path: Ends in `.stl`.
        mesh: Corners in mm, RAS+; the file has them in LPS+.
    """
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


STL = Layout(about="a closed surface an organ, of the volume of its voxels", write_case=_write_case)
