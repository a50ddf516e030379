"""Check that an NRRD or MetaImage header says where voxels lie; ITK silently takes what it does not say.

ITK reads unknown spaces as left-posterior-superior, missing axes as the identity, missing sizes as 1 mm, and
any unit as mm.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np

from omentum.errors import AffineError, UnreadableImageError
from omentum.volumes.geometry import LPS_TO_RAS, Affine
from omentum.volumes.length_units import in_millimetres

__all__ = ["META_ENDINGS", "header_fields", "itk_affine"]

META_ENDINGS = (".mha", ".mhd")
_MOST_BYTES = 1 << 20
_CURE = "save it anew as a 3D volume from the program it came from"
_MATRIX = ("TransformMatrix", "Orientation", "Rotation")
_SIZES = ("ElementSpacing", "ElementSize")
_ORIGIN = ("Offset", "Position", "Origin")
_TO_RAS = {
    "left-posterior-superior": LPS_TO_RAS,
    "left-posterior-superior-time": LPS_TO_RAS,
    "left-anterior-superior-time": np.diag([-1.0, 1.0, 1.0, 1.0]),
    "right-anterior-superior-time": np.eye(4),
}
"""Spaces of NRRD as ITK gives them: it turns RAS and LAS into the first, and those with time not at all."""
_OPPOSITE = dict(zip("RLAPSI", "LRPAIS", strict=True))


def itk_affine(path: Path, reader: Any) -> tuple[Affine, tuple[str, ...]]:
    """Give the affine of a file, in RAS+ and mm, and what a person should know of it.

    Args:
        path: The file.
        reader: SimpleITK's reader, its header read.

    Raises:
        AffineError: The header does not say left from right, or no voxel size; or a MetaImage's letters
            contradict its matrix.
        UnreadableImageError: A MetaImage rescales its values.

    Source:
        teem.sourceforge.net/nrrd/format.html, "Space and orientation"; itk.org/Wiki/MetaIO/Documentation. In
        MetaImage, letters say where an axis comes from: RAI is left-posterior-superior.
    """
    is_meta = path.suffix.lower() in META_ENDINGS
    fields, _ = header_fields(path)
    if is_meta:
        affine = LPS_TO_RAS @ _own_affine(reader)
        unit, origin = _check_meta(path, fields, affine), _first(fields, _ORIGIN)
    else:
        affine = _to_ras(path, reader, fields) @ _own_affine(reader)
        unit, origin = _check_axes(path, fields), fields.get("space origin")
    notes = () if origin is not None else ("its header has no origin, so that 0 mm is taken",)
    affine, told = in_millimetres(path, affine, unit)
    return affine, (*notes, *told)


def _own_affine(reader: Any) -> Affine:
    n_axes = len(reader.GetSize())
    affine = np.eye(4)
    directions = np.array(reader.GetDirection()).reshape(n_axes, n_axes)[:3, :3]
    affine[:3, :3] = directions * np.array(reader.GetSpacing()[:3])
    affine[:3, 3] = reader.GetOrigin()[:3]
    return affine


def header_fields(path: Path) -> tuple[dict[str, str], int]:
    """Read the lines of a header up to its end: an empty line in NRRD, `ElementDataFile` in MetaImage.

    Returns:
        Fields by name, and where voxels begin if they are in the same file.
    """
    between = " *= *" if path.suffix.lower() in META_ENDINGS else ": *"
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        for line in iter(lambda: file.readline(_MOST_BYTES), b""):
            text = line.decode("latin-1").strip()
            if not text or file.tell() > _MOST_BYTES:
                break
            name, *value = re.split(between, text, maxsplit=1)
            if value and not value[0].startswith("="):  # `:=` is free text
                fields.setdefault(name.strip(), value[0].strip())
            if name.strip() == "ElementDataFile":
                break
        return fields, file.tell()


def _to_ras(path: Path, reader: Any, fields: dict[str, str]) -> Affine:
    space = reader.GetMetaData("NRRD_space") if reader.HasMetaDataKey("NRRD_space") else ""
    if not space:
        raise AffineError(path, "its header names no space, so left and right are unknown", _CURE)
    if space not in _TO_RAS:
        seen = f"its space {fields.get('space', space)!r} does not say where left and right are"
        raise AffineError(path, seen, _CURE)
    return _TO_RAS[space]


def _check_axes(path: Path, fields: dict[str, str]) -> str:
    """Return the unit of length of an NRRD file."""
    directions = fields.get("space directions", "")
    vectors = re.findall(r"\([^)]*\)|none", directions)
    if sum(one != "none" for one in vectors) < 3:
        seen = f"its space directions are {directions or 'missing'!r}, and three axes are needed"
        raise AffineError(path, seen, _CURE)
    units = set(re.findall(r'"([^"]*)"', fields.get("space units", "")))
    if len(units) > 1:
        raise AffineError(path, f"its axes have several units of length, {sorted(units)}", _CURE)
    return units.pop() if units else ""


def _check_meta(path: Path, fields: dict[str, str], affine: Affine) -> str:
    """Return the unit of length of a MetaImage."""
    from nibabel.orientations import aff2axcodes

    if _first(fields, _SIZES) is None:
        raise AffineError(path, "its header has no ElementSpacing, so the voxel size is unknown", _CURE)
    _refuse_rescale(path, fields)
    letters = fields.get("AnatomicalOrientation", "???")
    is_said = bool(re.fullmatch("[RLAPSI]{3}", letters))
    if _first(fields, _MATRIX) is None and not is_said:
        seen = (
            "its header has neither TransformMatrix nor AnatomicalOrientation, so left and right are unknown"
        )
        raise AffineError(path, seen, _CURE)
    from_letters = "".join(_OPPOSITE.get(one, "?") for one in aff2axcodes(affine))
    if is_said and letters != from_letters:
        seen = (
            f"its AnatomicalOrientation is {letters}, and that of its TransformMatrix would be {from_letters}"
        )
        raise AffineError(path, seen, "find out which is right, and correct the other in its header")
    unit = fields.get("DistanceUnits", "")
    return "" if unit == "?" else unit


def _refuse_rescale(path: Path, fields: dict[str, str]) -> None:
    """Refuse a rescale of values, which ITK does not carry out."""
    for name, none in (("Slope", 1.0), ("Offset", 0.0)):
        text = fields.get(f"ElementToIntensityFunction{name}", f"{none:g}")
        if not re.fullmatch(rf"{none:g}(\.0*)?", text):
            seen = f"its ElementToIntensityFunction{name} is {text}, and most programs leave that out"
            raise UnreadableImageError(path, seen, "save it anew with the values that it stands for")


def _first(fields: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((fields[name] for name in names if name in fields), None)
