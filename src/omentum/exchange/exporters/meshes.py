"""Export releases as surfaces.

Out: of each case, `<organ>.stl` (binary, mm, LPS+, as its header says); an empty organ has no file.
"""

from pathlib import Path

import numpy as np

from omentum.exchange.exporters.exporter import Export, Exporter, register
from omentum.exchange.exporters.surface import Mesh, surface
from omentum.records.released_cases import ReleasedCase
from omentum.volumes.atomic import writing
from omentum.volumes.nifti_slices import read_nifti_part

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


register(
    "stl", Exporter(about="a closed surface an organ, of the volume of its voxels", write_case=_write_case)
)
