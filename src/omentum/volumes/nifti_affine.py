"""Decide from sform, qform and pixdim where the voxels of a NIfTI file lie.

The three are held against each other. What is beyond doubt is taken, and told where the file had to be
mended; else the file is refused with both readings.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from nibabel.orientations import aff2axcodes
from nibabel.quaternions import mat2quat, quat2mat

from omentum.errors import AffineError
from omentum.volumes.geometry import SAME_GRID_TOLERANCE_MM, Affine, Geometry
from omentum.volumes.lattice import LATTICE_TOLERANCE_VOXELS
from omentum.volumes.length_units import in_millimetres

__all__ = ["NiftiAffine", "nifti_affine"]

_Sizes = npt.NDArray[np.float64]
_NONE = "save it anew as a 3D NIfTI from the program it came from"
_WHICH = "find out which is right and save it anew with that; nibabel's get_sform() and get_qform() give both"
_UNITS = {1: "m", 3: "um"}
"""Codes of `xyzt_units`; 2 is mm, and 0 says nothing."""
_QUATERNION_LENGTH = 1e-3
"""The squares of a quaternion may add up to this much more than 1."""
_QUATERNION_ROUNDING = 3 * float(np.finfo(np.float32).eps)
"""Error of the square of the first part, which the file leaves out, by the rounding of the others to float32:
it hides a turn of up to 0.07 degrees, which is 0.6 voxels over 512."""
_SAME_DIRECTION = 0.5
"""Least cosine between an axis of both forms, where they differ by a small turn or shift alone."""
_FLAT = 1e-6
"""Least volume of a voxel, as a share of that of a box with the same edges."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NiftiAffine:
    """Where voxels lie.

    Attributes:
        affine: From voxel index to mm in RAS+.
        notes: What was mended, for people; empty where the header agrees with itself.
        is_plain: Whether every program reads this affine: sform and qform agree to rounding, or one is unset.
    """

    affine: Affine
    notes: tuple[str, ...] = ()
    is_plain: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Header:
    """What a header says of places; a form is `None` if it is unset or unusable, and `why` has the latter."""

    path: Path
    shape: tuple[int, int, int]
    sizes: _Sizes
    sform: Affine | None
    qform: Affine | None
    why: tuple[str, ...]


def nifti_affine(path: Path, header: Any, shape: tuple[int, int, int]) -> NiftiAffine:
    """Decide where the voxels of a file lie.

    Args:
        path: The file, for messages.
        header: A header of nibabel as it is stored: nibabel's own check would replace a pixdim of 0 by 1.
        shape: Voxels along the three axes.

    Returns:
        The sform, unless it is unset, unusable, or holds directions without the voxel size of the qform; then
        the qform. Forms within a tenth of a voxel of each other, over the whole volume, are the same.

    Raises:
        AffineError: No form is usable, or what is said of sides or voxel sizes disagrees.

    Source:
        nifti1.h of the NIfTI-1 standard, "3D image (volume) orientation and location in space".
    """
    chosen = _chosen(_read(path, header, shape))
    unit = _UNITS.get(int(header["xyzt_units"]) & 7, "mm")
    affine, told = in_millimetres(path, chosen.affine, unit)
    notes = (*chosen.notes, *told)
    return NiftiAffine(affine=affine, notes=notes, is_plain=chosen.is_plain and not notes)


def _read(path: Path, header: Any, shape: tuple[int, int, int]) -> _Header:
    sizes = np.asarray(header["pixdim"][1:4], dtype=np.float64)
    sform, qform, why = None, None, []
    if header["sform_code"] > 0:
        sform = _sform(header)
        if fault := _fault(sform):
            sform = None
            why.append(f"its sform {fault}")
    if header["qform_code"] > 0:
        qform, fault = _qform(header, sizes, sform)
        if fault:
            why.append(f"its qform {fault}")
    return _Header(path=path, shape=shape, sizes=sizes, sform=sform, qform=qform, why=tuple(why))


def _sform(header: Any) -> Affine:
    rows = [np.asarray(header[name], dtype=np.float64) for name in ("srow_x", "srow_y", "srow_z")]
    return np.vstack([*rows, [0.0, 0.0, 0.0, 1.0]])


def _fault(affine: Affine) -> str:
    """Say what is wrong with an affine; nothing where it is usable."""
    if not np.isfinite(affine).all():
        return "holds values that are not finite"
    edges = _edges(affine)
    if not edges.any():
        return "is all zeros"
    flat = edges.min() == 0 or abs(np.linalg.det(affine[:3, :3])) < _FLAT * np.prod(edges)
    return "cannot be inverted" if flat else ""


def _qform(header: Any, sizes: _Sizes, sform: Affine | None) -> tuple[Affine | None, str]:
    """Give the qform, or what is wrong with it; the sform helps where rounding leaves a part of it open."""
    quaternion = np.array([header[f"quatern_{letter}"] for letter in "bcd"], dtype=np.float64)
    offset = np.array([header[f"qoffset_{letter}"] for letter in "xyz"], dtype=np.float64)
    sign = float(header["pixdim"][0])
    if not _are_sizes(sizes):
        return None, f"has the pixdim {_by(sizes)}, which is no voxel size"
    if sign not in {-1.0, 0.0, 1.0}:
        return None, f"has the side {sign:g} (pixdim[0]), which is 1 or -1"
    if not np.isfinite([*quaternion, *offset]).all():
        return None, "holds values that are not finite"
    square = 1 - float(quaternion @ quaternion)
    if square < -_QUATERNION_LENGTH:
        return None, f"has a quaternion of length {np.sqrt(1 - square):.3g}, and at most 1 is one"
    scales = sizes * [1.0, 1.0, sign or 1.0]
    first = np.sqrt(square) if square > _QUATERNION_ROUNDING else 0.0
    if sform is not None:
        first = _unrounded(first, quaternion, sform[:3, :3] / (_edges(sform) * np.sign(scales)))
    affine = np.eye(4)
    affine[:3, :3] = quat2mat([first, *quaternion]) * scales
    affine[:3, 3] = offset
    return affine, ""


def _unrounded(first: float, quaternion: _Sizes, turn: Affine) -> float:
    """Give the part of a quaternion that a header leaves out; of two that round alike, that of a turn."""
    other, *rest = mat2quat(turn)
    other *= np.sign(rest @ quaternion) or 1.0
    return float(other) if abs(other**2 - first**2) <= _QUATERNION_ROUNDING else first


def _chosen(header: _Header) -> NiftiAffine:
    if header.sform is not None and header.qform is not None:
        return _of_both(header, header.sform, header.qform)
    if header.sform is not None:
        return _sform_alone(header, header.sform)
    if header.qform is None:
        why = " and ".join(header.why) or "it has no affine (sform and qform code are 0)"
        raise AffineError(header.path, f"{why}, so left and right are unknown", _NONE)
    notes = tuple(f"{why}; its qform is taken" for why in header.why)
    return NiftiAffine(affine=header.qform, notes=notes)


def _sform_alone(header: _Header, sform: Affine) -> NiftiAffine:
    notes = [f"{why}; its sform is taken" for why in header.why]
    if not _are_sizes(header.sizes):
        notes = notes or [f"its pixdim is {_by(header.sizes)}, which is no voxel size; its sform is taken"]
    elif not _same_sizes(header, sform):
        if (header.sizes != 1).any():
            raise _doubt(header, sform, f"its pixdim {_by(header.sizes)} mm")
        notes.append(f"its pixdim is 1 x 1 x 1; the {_by(_edges(sform))} mm of its sform are taken")
    return NiftiAffine(affine=sform, notes=tuple(notes))


def _of_both(header: _Header, sform: Affine, qform: Affine) -> NiftiAffine:
    moved = np.linalg.inv(qform) @ sform - np.eye(4)
    off_mm = float(np.linalg.norm(_at_corners(header, sform - qform), axis=1).max())
    if _is_on_lattice(header, moved):
        return NiftiAffine(affine=sform, is_plain=off_mm <= SAME_GRID_TOLERANCE_MM)
    if _same_sizes(header, sform) and (np.diag(moved)[:3] + 1 > _SAME_DIRECTION).all():
        off = f"its qform lies up to {off_mm:.3g} mm off its sform; its sform is taken"
        return NiftiAffine(affine=sform, notes=(off,))
    scaled = sform.copy()
    scaled[:3, :3] *= header.sizes
    if _is_on_lattice(header, np.linalg.inv(qform) @ scaled - np.eye(4)):
        told = f"its sform has no voxel size; its qform is taken, with {_by(header.sizes)} mm"
        return NiftiAffine(affine=qform, notes=(told,))
    raise _doubt(header, sform, f"its qform {_by(header.sizes)} mm and axes to {_sides(qform)}")


def _is_on_lattice(header: _Header, moved: Affine) -> bool:
    """Tell whether a difference, in voxels, is at most a tenth at each corner."""
    return bool(np.abs(_at_corners(header, moved)).max() <= LATTICE_TOLERANCE_VOXELS)


def _at_corners(header: _Header, affine: Affine) -> npt.NDArray[np.float64]:
    corners = Geometry(header.shape, np.eye(4)).corners_mm
    return np.asarray(corners @ affine[:3, :3].T + affine[:3, 3])


def _same_sizes(header: _Header, sform: Affine) -> bool:
    off = np.abs(_edges(sform) / header.sizes - 1) * (np.array(header.shape) - 1)
    return bool(off.max() <= LATTICE_TOLERANCE_VOXELS)


def _doubt(header: _Header, sform: Affine, other: str) -> AffineError:
    own = f"its sform says {_by(_edges(sform))} mm and axes to {_sides(sform)}"
    return AffineError(header.path, f"{own}, {other}", _WHICH)


def _sides(affine: Affine) -> str:
    return "".join(aff2axcodes(affine))


def _are_sizes(sizes: _Sizes) -> bool:
    return bool(np.isfinite(sizes).all() and (sizes > 0).all())


def _edges(affine: Affine) -> _Sizes:
    return np.asarray(np.linalg.norm(affine[:3, :3], axis=0))


def _by(sizes: _Sizes) -> str:
    return " x ".join(f"{size:.4g}" for size in sizes)
