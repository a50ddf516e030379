"""Draw masks on the CT as one PNG: axial, coronal and sagittal; the patient's right is on the left."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from omentum.volumes.atomic import writing
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.volume import Volume

__all__ = ["write_preview"]

_SOFT_TISSUE_HU = (-160.0, 240.0)
_OPACITY = 0.45
_AXES = "LPS"
"""Orientation in which the first index runs to the right of the picture and the second downwards."""


def write_preview(path: Path, ct: Volume, masks: MaskSet) -> None:
    """Draw the slice with the most organ voxels in each plane, and a legend.

    Args:
        path: A `.png`.
        ct: Hounsfield units.
        masks: On the CT's grid.
    """
    hu = ct.reoriented(_AXES)
    labels = Volume(masks.painted(), masks.geometry).reoriented(_AXES).voxels
    x, y, z = (_busiest(labels, axis) for axis in range(3))
    sx, sy, sz = hu.geometry.spacing_mm
    planes = [
        (hu.voxels[:, :, z].T, labels[:, :, z].T, sy / sx, "axial"),
        (hu.voxels[:, y, ::-1].T, labels[:, y, ::-1].T, sz / sx, "coronal"),
        (hu.voxels[x, :, ::-1].T, labels[x, :, ::-1].T, sz / sy, "sagittal"),
    ]
    figure = Figure(figsize=(13, 5), facecolor="black", layout="constrained")
    for axes, (grey, shown, aspect, title) in zip(figure.subplots(1, 3), planes, strict=True):
        axes.imshow(_painted(grey, shown), aspect=aspect, interpolation="nearest")
        axes.set_title(title, color="white", fontsize=10)
        axes.axis("off")
    figure.text(0.004, 0.5, "R", color="white", fontsize=12)
    _legend(figure, masks)
    with writing(path) as part:
        figure.savefig(part, dpi=90, format="png")


def _busiest(labels: npt.NDArray[np.uint8], axis: int) -> int:
    others = tuple(other for other in range(3) if other != axis)
    counts = np.count_nonzero(labels, axis=others)
    return int(counts.argmax()) if counts.any() else labels.shape[axis] // 2


def _painted(grey: npt.NDArray[np.floating], labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    low, high = _SOFT_TISSUE_HU
    shade = np.clip((grey.astype(np.float32) - low) / (high - low), 0, 1)
    colours = np.zeros((256, 3), dtype=np.float32)
    for row in ORGANS:
        colours[row.index] = np.array(row.colour) / 255
    rgb = np.repeat(shade[..., None], 3, axis=2)
    inside = labels > 0
    rgb[inside] = (1 - _OPACITY) * rgb[inside] + _OPACITY * colours[labels[inside]]
    return rgb


def _legend(figure: Figure, masks: MaskSet) -> None:
    volumes = masks.volumes_ml()
    shown = [organ(name) for name in masks.organs if volumes[name] > 0]
    handles = [
        Patch(
            color=_hex(row.colour),
            label=f"{row.display_name} {volumes[row.name]:.0f} mL",
        )
        for row in shown
    ]
    if handles:
        figure.legend(
            handles=handles, loc="outside lower center", ncols=5, labelcolor="white", facecolor="black",
            edgecolor="black", fontsize=9,
        )  # fmt: skip


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
