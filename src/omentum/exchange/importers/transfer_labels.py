"""Transfer a data set's own label values to 32-class indices, left and right told apart by anatomy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastremap
import numpy as np
import numpy.typing as npt

from omentum.errors import LabelValueError
from omentum.measures.split_sides import Sides, split_sides
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import Geometry
from omentum.volumes.label_schemes import LabelScheme
from omentum.volumes.labels import PAIRS, organ

__all__ = ["TransferredLabel", "paint_masks", "transfer_map"]

Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TransferredLabel:
    """A label in 32-class indices.

    Attributes:
        labels: 32-class indices `(x, y, z)`.
        organs: Annotated organs by rising index; one without a voxel is empty, one not listed is unknown.
        notes: Decisions that a person should know.
        listed: Those of `organs` that a table only names, so that one without a voxel is unknown.
    """

    labels: Labels
    organs: tuple[str, ...]
    notes: tuple[str, ...] = ()
    listed: frozenset[str] = frozenset()


def transfer_map(
    own: Labels,
    geometry: Geometry,
    scheme: LabelScheme,
    *,
    organs: Sequence[str] = (),
    middle_mm: float | None = None,
    where: Path | str = "label",
) -> TransferredLabel:
    """Turn a data set's own label map into 32-class indices.

    Values of both kidneys, lungs or adrenal glands are split by anatomy, and the affine says which is right.
    Of several organs with one value, the highest index gets it.

    Args:
        own: The data set's own values `(x, y, z)`.
        geometry: The grid.
        scheme: What the values mean.
        organs: Organs that the data set annotates, by default all of `scheme`; others are dropped.
        middle_mm: Middle of the body along R, for a pair with one side.
        where: The file, for the message.

    Raises:
        LabelValueError: `scheme` does not know a value.
    """
    present = fastremap.unique(own).tolist()
    unknown = [value for value in present if value not in scheme.known_values | scheme.ignore]
    if unknown:
        seen = f"it holds the values {', '.join(map(str, unknown))}, and {scheme.name!r} has {_said(scheme)}"
        raise LabelValueError(where, seen, "say which ids it uses, or map them to those first")
    wanted = tuple(organs or scheme.organs)
    lut = np.zeros(256, dtype=np.uint8)
    for name in sorted(scheme.values, key=lambda name: organ(name).index):
        lut[list(scheme.values[name])] = organ(name).index if name in wanted else 0
    labels = lut[own]
    notes: list[str] = []
    for pair, values in scheme.joined.items():
        if set(PAIRS[pair]) & set(wanted):
            sides = split_sides(_is_one_of(own, values), geometry, middle_mm=middle_mm)
            for name, mask in zip(PAIRS[pair], (sides.right, sides.left), strict=True):
                labels[mask] = organ(name).index if name in wanted else 0
            notes += _told(pair, sides)
    return TransferredLabel(labels=labels, organs=wanted, notes=tuple(notes))


def _said(scheme: LabelScheme) -> str:
    values = sorted(scheme.known_values - {0})
    is_run = values == list(range(values[0], values[-1] + 1)) and len(values) > 1
    return f"{values[0]} to {values[-1]}" if is_run else ", ".join(map(str, values))


def _told(pair: str, sides: Sides) -> list[str]:
    if sides.was_joined:
        return [f"{pair}: right and left are grown together and were cut at the thinnest place"]
    if sides.right.any() != sides.left.any():
        return [f"{pair}: there is one side only, the {'right' if sides.right.any() else 'left'}"]
    return []


def paint_masks(
    masks: Iterable[tuple[str, npt.NDArray[Any]]], geometry: Geometry, *, middle_mm: float | None = None
) -> TransferredLabel:
    """Paint masks of one organ each into one map, by rising index, so that a tumour lies on its host.

    Args:
        masks: Names of organs or, for a mask of both sides, of pairs; and masks `(x, y, z)`. Several of one
            name are joined.
        geometry: The grid.
        middle_mm: As of `transfer_map`.

    Returns:
        The map; the notes count the voxels that an organ loses to a later one.
    """
    labels = np.zeros(geometry.shape, dtype=np.uint8, order="F")
    lost: dict[tuple[str, str], int] = {}
    spoken: set[str] = set()
    for name, mask in masks:
        for one, own in _sided(name, mask if mask.dtype == np.bool_ else mask > 0, geometry, middle_mm):
            spoken.add(one)
            index = organ(one).index
            part = BoxedArray.cut_out(own)
            if part is None:
                continue
            inside, drawn = labels[part.box].T, part.values.T  # x varies fastest, as it lies in memory
            before = inside[drawn]
            for other, count in zip(*fastremap.unique(before, return_counts=True), strict=True):
                if other not in {0, index}:
                    over, under = sorted((organ(int(other)).index, index), reverse=True)
                    key = (organ(under).name, organ(over).name)
                    lost[key] = lost.get(key, 0) + int(count)
            inside[drawn] = np.maximum(before, index)
    notes = [f"{under}: {count} voxels lie under {over}" for (under, over), count in sorted(lost.items())]
    known = tuple(sorted(spoken, key=lambda one: organ(one).index))
    return TransferredLabel(labels=labels, organs=known, notes=tuple(notes))


def _sided(
    name: str, mask: npt.NDArray[np.bool_], geometry: Geometry, middle_mm: float | None
) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    if name not in PAIRS:
        return [(organ(name).name, mask)]
    sides = split_sides(mask, geometry, middle_mm=middle_mm)
    right, left = PAIRS[name]
    return [(right, sides.right), (left, sides.left)]


def _is_one_of(own: Labels, values: Sequence[int]) -> npt.NDArray[np.bool_]:
    lut = np.zeros(256, dtype=np.bool_)
    lut[list(values)] = True
    return np.asarray(lut[own])
