"""Make the slices of a case's CT as a DICOM series, one at a time: axial, in HU, under pseudonyms.

Whatever the CT came as, the series is made of the project's own copy: no header of a source is passed on.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom import FileDataset

from omentum.app.server.dicomweb.uids import DicomUids
from omentum.errors import MissingError
from omentum.exchange.exporters.dicom_series import AXIAL, SliceUids, axial_of, begin_slice, fill_hounsfield
from omentum.records import Case
from omentum.volumes.boxes import whole
from omentum.volumes.decoded import DecodedVolume
from omentum.volumes.geometry import Geometry

__all__ = ["CtSeries"]


@dataclass(frozen=True, kw_only=True, eq=False)
class CtSeries:
    """The series of one CT."""

    case: Case
    uids: DicomUids

    @cached_property
    def grid(self) -> Geometry:
        """Grid of the series; a sheared one raises `AffineError`."""
        return axial_of(self.case.ct_path, self.case.geometry)

    @property
    def uid(self) -> str:
        """UID of the series."""
        return self.uids.ct_series(self.case.case_id)

    @property
    def n_slices(self) -> int:
        """Slices of the series."""
        return self.grid.shape[2]

    def instance_uid(self, place: int) -> str:
        """Give the UID of a slice, from 0 at the feet."""
        return self.uids.slice(self.case.case_id, place)

    def place(self, instance_uid: str) -> int:
        """Find a slice by its UID; there being none raises `MissingError`."""
        found = self.uids.slices(self.case.case_id, self.n_slices).get(instance_uid)
        if found is None:
            raise MissingError(f"the series has no instance {instance_uid}; ask for its instances")
        return found

    def header(self, place: int) -> FileDataset:
        """Make a slice without its voxels."""
        case_id = self.case.case_id
        uids = SliceUids(
            study=self.uids.study(case_id),
            series=self.uid,
            frame=self.uids.frame(case_id),
            instance=self.instance_uid(place),
        )
        return begin_slice(self.case, uids, self.grid, place)

    def slice(self, volume: DecodedVolume, place: int) -> FileDataset:
        """Make a slice with its voxels; errors as `DecodedVolume.part`."""
        made = self.header(place)
        fill_hounsfield(made, self.plane(volume, place))
        return made

    def plane(self, volume: DecodedVolume, place: int) -> npt.NDArray[Any]:
        """Read the voxels of a slice, `(row, column)`; no more than it is read."""
        from nibabel.orientations import apply_orientation

        change = self.case.geometry.axis_change(AXIAL)
        axis = int(np.flatnonzero(change[:, 0] == 2)[0])
        at = place if change[axis, 1] > 0 else self.n_slices - 1 - place
        box = list(whole(volume.shape))
        box[axis] = slice(at, at + 1)
        x, y, z = box
        return np.asarray(apply_orientation(volume.part((x, y, z)), change)[:, :, 0].T)
