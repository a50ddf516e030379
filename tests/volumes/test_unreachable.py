"""A disk or a network share that does not give a file now says nothing about the file."""

import errno
from pathlib import Path

import numpy as np
import pytest

from omentum.errors import ImageError, UnreachableFileError, UnreadableImageError
from omentum.volumes.library_errors import is_there
from omentum.volumes.nifti import write_nifti
from omentum.volumes.probabilities import ProbabilityMaps, read_probabilities, write_probabilities
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

CODES = [errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT, errno.EHOSTDOWN]
ENDINGS = [".nii", ".nii.gz", ".nrrd", ".mha"]


@pytest.fixture
def ct_at(tmp_path, ras_grid):
    """Function: an ending to a CT, with values that do not compress."""
    hu = np.random.default_rng(0).integers(-1000, 1000, ras_grid.shape).astype(np.int16)

    def make(ending):
        path = tmp_path / f"ct{ending}"
        if ending.startswith(".nii"):
            write_nifti(path, Volume(hu, ras_grid))
        else:
            import SimpleITK as sitk

            sitk.WriteImage(sitk.GetImageFromArray(hu.transpose(2, 1, 0)), str(path))
        return path

    return make


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_ct_on_a_share_that_is_away_is_not_called_damaged_and_is_read_once_it_is_back(
    ct_at, bad_share, ending, code
):
    path = ct_at(ending)
    wanted = read_ct(path).voxels
    bad_share.goes(path.name, code)
    with pytest.raises(UnreachableFileError, match=r"did not give it .*; check that it is conn") as told:
        read_ct(path)
    assert bad_share.n_failed
    assert isinstance(told.value, OSError)
    assert isinstance(told.value, ImageError), "one file that is away must not stop the others"
    assert told.value.may_pass
    bad_share.comes_back()
    assert np.array_equal(read_ct(path).voxels, wanted)


@pytest.mark.parametrize("after_bytes", [1024, 4096])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_share_may_go_in_the_middle_of_a_file(ct_at, bad_share, ending, after_bytes):
    path = ct_at(ending)
    bad_share.goes(path.name, errno.EIO, after_bytes=after_bytes)
    with pytest.raises(UnreachableFileError):
        read_ct(path)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_truncated_ct_is_at_fault_itself_wherever_it_lies(ct_at, ending):
    path = ct_at(ending)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(UnreadableImageError) as told:
        read_ct(path)
    assert not told.value.may_pass


@pytest.mark.parametrize("opens", [1, 3])
def test_no_slice_of_a_series_is_left_out_as_its_file_was_away(tmp_path, make_series, bad_share, opens):
    folder = make_series(tmp_path / "series", np.zeros((16, 12, 9)))
    bad_share.goes("series", errno.EIO, opens=opens)
    with pytest.raises(UnreachableFileError):
        read_ct(folder)
    bad_share.comes_back()
    assert read_ct(folder).geometry.shape == (16, 12, 9)


def test_pixels_that_are_away_are_not_called_cut_short(tmp_path, make_series, monkeypatch):
    folder = make_series(tmp_path / "series", np.zeros((16, 12, 9)))

    def away(*_):
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr("omentum.volumes.dicom_pixels.read_dataset", away)
    with pytest.raises(UnreachableFileError, match="Stale"):
        read_ct(folder)


def test_probabilities_on_a_share_that_is_away_need_no_new_prediction(tmp_path, ras_grid, bad_share):
    path = tmp_path / "probabilities.zarr.zip"
    write_probabilities(path, ProbabilityMaps(ras_grid, ("liver",), {}))
    bad_share.goes(path.name, errno.EIO)
    with pytest.raises(UnreachableFileError):
        read_probabilities(path)


def test_whether_a_file_is_there_is_not_known_where_the_share_is_away(tmp_path, monkeypatch):
    assert is_there(tmp_path)
    assert not is_there(tmp_path / "none")
    assert not is_there(tmp_path / "none" / "below")
    assert not is_there(tmp_path / ("a" * 5000))
    assert not is_there(Path("a\0b"))

    def stale(self, **_):
        raise OSError(errno.ESTALE, "Stale file handle", str(self))

    monkeypatch.setattr(Path, "stat", stale)
    with pytest.raises(UnreachableFileError, match="Stale file handle"):
        is_there(tmp_path / "ct.nii.gz")
