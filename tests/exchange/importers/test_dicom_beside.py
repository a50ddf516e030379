import numpy as np
import pytest

from omentum.exchange.importers.find_sources import find_sources
from omentum.volumes.dicom import read_dicom
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume


@pytest.fixture
def case(tmp_path, write_series):
    """A folder of a case with `ct.nii.gz`, moved by some mm, and the series that it was made of."""

    def make(moved_mm):
        write_series(tmp_path / "case" / "dicom")
        volume = read_dicom(tmp_path / "case" / "dicom")
        affine = volume.geometry.affine.copy()
        affine[:3, 3] += moved_mm
        moved = Volume(np.asfortranarray(volume.voxels), Geometry(volume.geometry.shape, affine))
        write_nifti(tmp_path / "case" / "ct.nii.gz", moved)
        return find_sources([tmp_path / "case"])

    return make


def test_the_series_of_the_very_ct_beside_it_is_left_out(case):
    found = case(0.0)
    assert [one.case_id for one in found.sources] == ["case"]
    assert len(found.left_out) == 9
    assert "covers what ct.nii.gz covers" in found.left_out[0].reason


def test_a_series_of_another_scan_beside_a_ct_is_a_case_of_its_own(case):
    found = case(30.0)
    assert [(one.case_id, one.path.name) for one in found.sources] == [
        ("case", "ct.nii.gz"),
        ("case_dicom", "dicom"),
    ]
    assert found.left_out == ()
