"""Make the masks that a reader is shown as one DICOM segmentation, and keep it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.app.server.dicomweb.ct_series import CtSeries
from omentum.app.server.dicomweb.segmentation_files import SegmentationFiles
from omentum.app.server.dicomweb.shown_organs import ShownOrgans
from omentum.exchange.exporters.dicom_segments import (
    FIRST_SEG_SERIES,
    SegmentationFacts,
    SegmentFacts,
    segmentation_of,
)
from omentum.exchange.exporters.dicom_series import AXIAL
from omentum.exchange.exporters.join_segmentations import joined_segmentations
from omentum.volumes.boxes import BoxedArray, BoxedMask
from omentum.volumes.geometry import Geometry

__all__ = ["MaskSeries"]

_Layer = tuple[list[SegmentFacts], npt.NDArray[np.uint8]]
"""Organs that do not overlap, and their map `(x, y, z)`: the value of an organ is its place, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaskSeries:
    """The series of one segmentation."""

    ct: CtSeries
    shown: ShownOrgans

    @property
    def uid(self) -> str:
        """UID of the series: masks that changed are another series."""
        return self._uid("series")

    @property
    def instance_uid(self) -> str:
        """UID of its only object."""
        return self._uid("instance")

    def file(self, files: SegmentationFiles) -> Path:
        """Give the object as a file; it is made where it is not kept.

        Raises:
            ImageError: A mask cannot be read.
        """
        return files.path(f"{self.ct.case.case_id}.{self.shown.content}", self._make)

    def _uid(self, what: str) -> str:
        return self.ct.uids.masks(self.ct.case.case_id, self.shown.content, what)

    def _make(self, path: Path) -> None:
        slices = [self.ct.header(place) for place in range(self.ct.n_slices)]
        layers = self._layers()
        made = []
        while layers:
            segments, labels = layers.pop(0)
            facts = SegmentationFacts(
                series_uid=self.uid,
                instance_uid=self.instance_uid,
                series_number=FIRST_SEG_SERIES,
                description="masks as they are shown",
            )
            made.append(segmentation_of(slices, labels, segments, facts))
            del labels
        joined_segmentations(made).save_as(path)

    def _layers(self) -> list[_Layer]:
        """Put each organ into the first map where it fits; those without a voxel are named in the first."""
        layers: list[_Layer] = [([], np.zeros(self.ct.grid.shape, dtype=np.uint8, order="F"))]
        for number in range(len(self.shown.bases)):
            part = self.shown.part(number)
            turned = None if part is None else _turned(part, self.ct.case.geometry)
            layer = next((one for one in layers if turned is None or _is_free(one, turned)), None)
            if layer is None:
                layer = ([], np.zeros(self.ct.grid.shape, dtype=np.uint8, order="F"))
                layers.append(layer)
            layer[0].append(self._segment(number, is_absent=turned is None))
            if turned is not None:
                layer[1][turned.box][turned.values] = len(layer[0])
        return layers

    def _segment(self, number: int, *, is_absent: bool) -> SegmentFacts:
        _, base = self.shown.bases[number]
        assert base.source is not None
        return SegmentFacts(
            organ=base.organ,
            source=base.source,
            made_by=base.network,
            is_absent=is_absent,
            tracking_uid=self._uid(f"segment {base.organ}"),
        )


def _is_free(layer: _Layer, part: BoxedMask) -> bool:
    return not layer[1][part.box][part.values].any()


def _turned(part: BoxedMask, grid: Geometry) -> BoxedMask:
    """Turn a mask in a box to the axes of the series."""
    from nibabel.orientations import apply_orientation

    change = grid.axis_change(AXIAL)
    box = [slice(0, 0)] * 3
    for own, side, (axis, direction) in zip(part.box, grid.shape, change, strict=True):
        is_same = direction > 0
        box[int(axis)] = own if is_same else slice(side - own.stop, side - own.start)
    x, y, z = box
    return BoxedArray((x, y, z), np.asarray(apply_orientation(part.values, change)))
