"""Read one CT series from a folder of DICOM files.

The positions of slices alone tell their distance; `SliceThickness` does not.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom

from omentum.errors import DicomSeriesError
from omentum.volumes.dicom_files import text_of
from omentum.volumes.dicom_headers import (
    PATIENT_TAGS,
    Slice,
    missing_place,
    read_header,
    refuse_placeless,
    slices_of,
    why_cut_short,
    why_no_slice,
)
from omentum.volumes.dicom_pixels import read_hounsfield, same_pixels
from omentum.volumes.dicom_stacks import heights_mm, stacks_of, without_copies
from omentum.volumes.geometry import LPS_TO_RAS, Affine, Geometry
from omentum.volumes.hidden_files import is_hidden
from omentum.volumes.library_errors import reading
from omentum.volumes.slice_places import (
    GREATEST_GAP_MM,
    SAME_PLACE_MM,
    UNEVEN_MM,
    Grid,
    even_grid,
    resampled_grid,
    why_uneven,
)
from omentum.volumes.volume import Volume

__all__ = ["Series", "read_dicom", "read_series"]

TILT_MM = 0.1
"""Slices may shift sideways by this much, each against the one below."""
_ROUNDING = 1e-3
_WHOLE_MM = 0.5
"""Positions that were rounded to whole millimetres are off by this much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The checked headers of one series.

    Attributes:
        slices: By rising position along the slice normal.
        geometry: The grid; sheared if the gantry was tilted.
        patient_tags: What the headers say of the patient, the study and the frame of reference, by keyword.
        places: For each slice of the grid, where it lies in the list of slices; a fraction if resampled.
        notes: What was mended, for people.
    """

    slices: tuple[Slice, ...]
    geometry: Geometry
    patient_tags: Mapping[str, str]
    places: tuple[float, ...]
    notes: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """The files in the order of the slices: one for each slice, or one for several."""
        return tuple(dict.fromkeys(one.path for one in self.slices))


def read_series(folder: Path, files: Sequence[Path] = (), *, resample_slices: bool = False) -> Series:
    """Find the one CT series in a folder, from its headers.

    Args:
        folder: The folder of the series.
        files: Those to read; all in the folder if there are none.
        resample_slices: Put slices at uneven distances on an even grid, instead of refusing them.

    Raises:
        DicomSeriesError: There is no such folder, no series or more than one; or slices are missing,
            truncated, doubled or uneven.
    """
    with warnings.catch_warnings(), reading(folder):
        warnings.simplefilter("ignore")  # pydicom warns of each odd value; those that count are refused
        slices, patient_tags = _slices(folder, files)
    stack = _one_stack(folder, slices)
    _check_rescale(folder, stack)
    heights = heights_mm(stack)
    order = np.argsort(heights, kind="stable")
    stack, heights = [stack[place] for place in order], heights[order]
    grid, places = _grid(folder, stack, heights, resample_slices=resample_slices)
    affine = _affine(stack, _line(folder, stack, heights, is_rounded=grid.is_rounded), heights[0], grid)
    rows, columns = stack[0].size
    geometry = Geometry((columns, rows, grid.count), LPS_TO_RAS @ affine)
    return Series(
        slices=tuple(stack),
        geometry=geometry,
        patient_tags=patient_tags,
        places=tuple(places.tolist()),
        notes=_notes(heights, grid, places),
    )


def read_dicom(folder: Path, files: Sequence[Path] = (), *, resample_slices: bool = False) -> Volume:
    """Read the one CT series in a folder, or in these files of it; Hounsfield units as int16.

    Args:
        folder: The folder of the series.
        files: Those to read; all in the folder if there are none.
        resample_slices: Interpolate slices at uneven distances linearly, each between its two neighbours.

    Raises:
        DicomSeriesError: As `read_series`; or the slices cannot be decoded.
    """
    series = read_series(folder, files, resample_slices=resample_slices)
    planes = read_hounsfield(series.slices)
    if series.places != tuple(range(len(planes))):
        planes = _interpolated(planes, series.places)
    return Volume(planes.transpose(2, 1, 0), series.geometry, series.notes)


def tilt_mm(geometry: Geometry) -> float:
    """Measure the sideways shift of each slice against the one below, in mm; 0 for an upright gantry."""
    row, column, step = geometry.affine[:3, :3].T
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    return float(np.linalg.norm(step - (step @ normal) * normal))


def upright(geometry: Geometry) -> Geometry:
    """Give an upright grid that covers every slice of a tilted one."""
    affine: Affine = geometry.affine.copy()
    row, column, step = affine[:3, :3].T
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    affine[:3, 2] = (step @ normal) * normal
    corners = np.linalg.solve(affine[:3, :3], (geometry.corners_mm - affine[:3, 3]).T).T
    low = np.floor(corners.min(axis=0) + _ROUNDING).astype(int)
    high = np.ceil(corners.max(axis=0) - _ROUNDING).astype(int)
    affine[:3, 3] += affine[:3, :3] @ low
    x, y, z = (high - low + 1).tolist()
    return Geometry((x, y, z), affine)


def _slices(folder: Path, files: Sequence[Path]) -> tuple[list[Slice], dict[str, str]]:
    """Read the headers of a folder: the slices of all CTs, and the first values of `PATIENT_TAGS`."""
    if not folder.is_dir():
        raise DicomSeriesError(folder, "there is no such folder", "check the path")
    found: list[Slice] = []
    placeless: list[tuple[Path, pydicom.FileDataset]] = []
    patient_tags: dict[str, str] = {}
    every = (path for path in folder.iterdir() if path.is_file() and not is_hidden(path))
    for path in sorted(files or every):
        header = read_header(path)
        if (why := why_cut_short(path, header)) is not None:
            cure = "copy it again from its source, or remove it"
            raise DicomSeriesError(folder, f"{path.name} {why}", cure)
        if header is None:
            continue  # other files in the folder
        if why_no_slice(header) is None:
            found += slices_of(path, header)
            patient_tags = {tag: patient_tags.get(tag) or text_of(header, tag) for tag in PATIENT_TAGS}
        elif missing_place(header):
            placeless.append((path, header))
    refuse_placeless(found, placeless)
    return found, patient_tags


def _one_stack(folder: Path, slices: Sequence[Slice]) -> list[Slice]:
    of_series: dict[str, list[Slice]] = {}
    for one in slices:
        of_series.setdefault(one.series_uid, []).append(one)
    stacks = []
    for group in of_series.values():
        kept, copies = without_copies(group, same_pixels)
        if copies.conflict is not None:
            first, second = (path.name for path in copies.conflict)
            seen = f"{first} and {second} have one SOPInstanceUID and differ"
            raise DicomSeriesError(folder, seen, "remove the one that is wrong")
        stacks += stacks_of(kept)
    if not stacks:
        cure = "give the folder that holds the .dcm files of one series"
        raise DicomSeriesError(folder, "no CT slices are in it", cure)
    if len(stacks) > 1:
        sizes = ", ".join(f"{len(stack)} slices" for stack in stacks)
        seen = f"it holds {len(stacks)} series or phases ({sizes})"
        raise DicomSeriesError(folder, seen, "export each by itself, to a folder of its own")
    if len(stacks[0]) < 2:
        cure = "a volume needs at least 8; give the whole series"
        raise DicomSeriesError(folder, "it holds one slice", cure)
    return _of_one_spelling(stacks[0])


def _of_one_spelling(stack: Sequence[Slice]) -> list[Slice]:
    """Give all slices the spacing with most digits, and the median of orientations."""
    spacing_mm = max(stack, key=lambda one: (one.spacing_digits, one.spacing_mm)).spacing_mm
    orientations = np.array([one.orientation for one in stack])
    row, column = np.median(orientations, axis=0).reshape(2, 3)
    row /= np.linalg.norm(row)
    column -= (column @ row) * row
    orientation = (*row.tolist(), *(column / np.linalg.norm(column)).tolist())
    return [replace(one, spacing_mm=spacing_mm, orientation=orientation) for one in stack]


def _check_rescale(folder: Path, stack: Sequence[Slice]) -> None:
    """Refuse a series in which some slices have a rescale to Hounsfield units and others have none."""
    for tag in ("slope", "intercept"):
        without = [one.path.name for one in stack if getattr(one, tag) is None]
        if 0 < len(without) < len(stack):
            seen = f"Rescale{tag.title()} is missing in {len(without)} of {len(stack)} slices"
            raise DicomSeriesError(folder, f"{seen}, such as {without[0]}", "export the series anew")


def _grid(
    folder: Path, stack: Sequence[Slice], heights: npt.NDArray[np.float64], *, resample_slices: bool
) -> tuple[Grid, npt.NDArray[np.float64]]:
    """Find the even places of the grid, and where each lies in the list of slices."""
    gaps = np.diff(heights)
    if gaps.min() < SAME_PLACE_MM:
        raise DicomSeriesError(folder, why_uneven(heights), "remove the doubled ones, or export it anew")
    grid = even_grid(heights, stated_step_mm=_stated_step(stack), is_numbered=_is_numbered(stack))
    if grid is not None:
        return grid, np.arange(grid.count, dtype=np.float64)
    if not resample_slices:
        cure = "export the series anew, or give --resample-slices to interpolate on an even grid"
        raise DicomSeriesError(folder, why_uneven(heights), cure)
    if gaps.max() > GREATEST_GAP_MM:
        seen = f"{why_uneven(heights)}, and gaps of more than {GREATEST_GAP_MM:g} mm are not interpolated"
        raise DicomSeriesError(folder, seen, "export the series anew")
    grid = resampled_grid(heights)
    return grid, np.interp(grid.heights_mm, heights, np.arange(len(heights)))


def _notes(heights: npt.NDArray[np.float64], grid: Grid, places: npt.NDArray[np.float64]) -> tuple[str, ...]:
    if grid.is_rounded:
        return (f"positions are rounded to whole mm, and slices were taken as {grid.step_mm:.2f} mm apart",)
    if places.tolist() == list(range(len(heights))):
        return ()
    made = f"{len(heights)} slices at uneven distances were interpolated on {grid.count}"
    ends = [f"{one:.1f}" for one in (heights[0], heights[-1], grid.heights_mm[0], grid.heights_mm[-1])]
    ranges = f"they reach from {ends[0]} to {ends[1]} mm, the grid from {ends[2]} to {ends[3]} mm"
    return (f"{made}, {grid.step_mm:.2f} mm apart; {ranges}",)


def _stated_step(stack: Sequence[Slice]) -> float | None:
    steps = {one.step_mm for one in stack}
    return steps.pop() if len(steps) == 1 else None


def _is_numbered(stack: Sequence[Slice]) -> bool:
    """Tell whether the slices' numbers rise or fall by one from each to the next."""
    try:
        numbers = np.array([int(one.instance_number) for one in stack])
    except ValueError:
        return False
    steps = set(np.diff(numbers).tolist())
    return steps in ({1}, {-1})


def _line(
    folder: Path, stack: Sequence[Slice], heights: npt.NDArray[np.float64], *, is_rounded: bool
) -> npt.NDArray[np.float64]:
    """Give the way from slice to slice for each mm along the normal, on which all of them must lie."""
    positions = np.array([one.position_mm for one in stack])
    way = (positions[-1] - positions[0]) / (heights[-1] - heights[0])
    astray = np.linalg.norm(positions - positions[0] - np.outer(heights - heights[0], way), axis=1)
    if astray.max() > UNEVEN_MM + (2 * _WHOLE_MM if is_rounded else 0.0):
        worst = int(astray.argmax())
        where = f"the one at {heights[worst]:.1f} mm is off by {astray[worst]:.2f} mm"
        seen = f"its slices do not lie above each other: {where}"
        raise DicomSeriesError(folder, seen, "split the series, or export it anew")
    return np.asarray(way)


def _affine(stack: Sequence[Slice], way: npt.NDArray[np.float64], lowest_mm: float, grid: Grid) -> Affine:
    """Give the affine of the grid in LPS."""
    row, column = np.array(stack[0].orientation).reshape(2, 3)
    row_mm, column_mm = stack[0].spacing_mm
    affine = np.eye(4)
    affine[:3, 0] = row * column_mm
    affine[:3, 1] = column * row_mm
    affine[:3, 2] = way * grid.step_mm
    affine[:3, 3] = np.array(stack[0].position_mm) + way * (grid.start_mm - lowest_mm)
    return affine


def _interpolated(planes: npt.NDArray[np.int16], places: Sequence[float]) -> npt.NDArray[np.int16]:
    """Interpolate linearly between neighbouring slices `(slice, row, column)`."""
    made = np.empty((len(places), *planes.shape[1:]), dtype=np.int16)
    for number, place in enumerate(places):
        below = min(int(place), len(planes) - 2)
        share = place - below
        mixed = planes[below] * np.float32(1 - share) + planes[below + 1] * np.float32(share)
        made[number] = np.rint(mixed)
    return made
