"""Find DICOM series below a folder that has a CT such as `ct.nii.gz`: the same scan, or another one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from omentum.errors import ImageError
from omentum.exchange.importers.dicom_grouping import sources_of_dicom
from omentum.exchange.importers.source import Source, case_id_of, files_below, left_out
from omentum.names import safe_name
from omentum.records import Failure
from omentum.volumes.dicom import read_series
from omentum.volumes.dicom_files import is_dicom
from omentum.volumes.geometry import Geometry
from omentum.volumes.library_errors import reading
from omentum.volumes.nifti import is_nifti, read_nifti_geometry
from omentum.volumes.read import is_volume, read_volume

__all__ = ["series_beside"]

_SAME_SCAN = 0.9
"""Share of the volume of both, from which a CT and a series are the same scan."""


def series_beside(
    cts: Sequence[Path], files: Iterable[Path]
) -> tuple[list[Source], list[Failure], set[Path]]:
    """Sort the DICOM files that lie with CTs of other formats.

    Args:
        cts: The CTs of a folder.
        files: The other files in it and below.

    Returns:
        Series of other scans, named after the folder and their own; DICOM files that are left out, with the
        reason; and the files that are no DICOM.
    """
    rest = set(files)
    dicom = {path for path in rest if not is_volume(path) and is_dicom(path)}
    if not dicom:
        return [], [], rest
    found, reasons = sources_of_dicom(sorted(dicom))
    grids = [_grid(path) for path in cts]
    sources = []
    for source in found:
        why = _why_same(source, cts, grids)
        if why is None:
            sources.append(replace(source, case_id=_name(source, cts[0])))
        else:
            of_it = source.files or [path for path in files_below(source.path) if path in dicom]
            reasons += left_out(of_it, why)
    return sources, reasons, rest - dicom


def _name(source: Source, ct: Path) -> str:
    """Name a series after the CT's folder and its own, as both may have one generic name."""
    first = case_id_of(ct)
    own = source.case_id if source.case_id != first else safe_name(source.path.name)
    return own if own.startswith(first) else f"{first}_{own}"


def _why_same(source: Source, cts: Sequence[Path], grids: Sequence[Geometry | None]) -> str | None:
    """Say why a series is left out; `None` if it covers another part of space than each CT."""
    try:
        own = read_series(source.path, source.files, resample_slices=True).geometry
    except ImageError as error:
        return f"it lies with {cts[0].name}, and cannot be used itself: {error}"
    for ct, grid in zip(cts, grids, strict=True):
        if grid is None or _common(own, grid) >= _SAME_SCAN:
            return (
                f"it covers what {ct.name} covers, so it is the same scan; give it by itself if it is another"
            )
    return None


def _grid(path: Path) -> Geometry | None:
    try:
        with reading(path):
            return read_nifti_geometry(path) if is_nifti(path) else read_volume(path).geometry
    except ImageError:
        return None  # the CT itself is set aside with this reason


def _common(one: Geometry, other: Geometry) -> float:
    """Measure the share of the boxes around two grids that both cover."""
    lows, highs = zip(*(_ends(grid) for grid in (one, other)), strict=True)
    common = np.prod(np.maximum(0.0, np.minimum(*highs) - np.maximum(*lows)))
    whole = sum(float(np.prod(high - low)) for low, high in zip(lows, highs, strict=True))
    return float(common / (whole - common))


def _ends(grid: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """Give the lowest and highest corner of the box around a grid, voxels whole."""
    half = np.abs(grid.affine[:3, :3]).sum(axis=1) / 2
    return grid.corners_mm.min(axis=0) - half, grid.corners_mm.max(axis=0) + half
