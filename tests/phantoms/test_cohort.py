"""Cohorts on disk, read back with nibabel."""

import nibabel as nib
import numpy as np
import pytest

from omentum.errors import ConfigError
from omentum.phantoms.cohort import write_cohort
from omentum.phantoms.phantom import make_phantom


def test_a_cohort_is_one_folder_a_seed_with_ct_and_labels(tmp_path):
    cases = write_cohort(tmp_path / "cohort", [7, 12], shape=(32, 32, 24), orientation="LPS")
    assert [case.name for case in cases] == ["phantom_0007", "phantom_0012"]
    phantom = make_phantom(7, shape=(32, 32, 24), orientation="LPS")
    for name, volume in (("ct", phantom.ct), ("labels", phantom.labels)):
        image = nib.load(cases[0] / f"{name}.nii.gz")
        assert image.get_data_dtype() == volume.voxels.dtype
        assert (np.asarray(image.dataobj) == volume.voxels).all()
        assert image.affine == pytest.approx(volume.geometry.affine, abs=1e-4)


def test_a_style_that_does_not_exist_leaves_nothing_behind(tmp_path):
    with pytest.raises(ConfigError):
        write_cohort(tmp_path / "cohort", [1], style="soft")
    assert not (tmp_path / "cohort").exists()
