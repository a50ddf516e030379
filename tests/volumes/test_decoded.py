"""A box of a compressed volume is read from a raw copy, as soon as its own slices are decoded."""

import gzip
import os
import threading

import numpy as np
import pytest

from omentum.errors import UnreadableImageError
from omentum.volumes.decoded import DecodedVolumes, codes, hounsfield
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

SHAPE = (8, 9, 10)
EVERYTHING = (slice(0, 8), slice(0, 9), slice(0, 10))


@pytest.fixture
def voxels():
    return np.arange(720, dtype=np.int16).reshape(SHAPE)


@pytest.fixture
def source(tmp_path, voxels):
    path = tmp_path / "ct.nii.gz"
    write_nifti(path, Volume(voxels, Geometry(SHAPE, np.eye(4))))
    return path


def refuse(*_):
    raise AssertionError("it was decoded before")


def settled():
    """Wait until all copies are whole."""
    for thread in threading.enumerate():
        if thread.name.startswith("decode "):
            thread.join()


def test_any_box_and_step_is_what_the_file_holds_and_streams_the_same_bytes(tmp_path, source, voxels):
    volume = DecodedVolumes(tmp_path / "kept").open("a", source, SHAPE, hounsfield)
    box = (slice(1, 8), slice(0, 5), slice(2, 10))
    part = voxels[1:8:2, 0:5, 2:10:3]
    assert np.array_equal(volume.part(box, (2, 1, 3)), part)
    assert b"".join(volume.slabs(box, (2, 1, 3))) == part.tobytes(order="F")
    assert b"".join(volume.slabs(EVERYTHING)) == voxels.tobytes(order="F")
    assert np.array_equal(np.stack([plane.T for plane in volume.planes()], axis=2), voxels)


def test_a_file_is_decoded_once_and_anew_once_it_has_changed(tmp_path, source, voxels, monkeypatch):
    kept = DecodedVolumes(tmp_path / "kept")
    kept.open("a", source, SHAPE, hounsfield).part(EVERYTHING)
    settled()
    (copy,) = (tmp_path / "kept").glob("*.raw")
    again = DecodedVolumes(tmp_path / "kept")
    with monkeypatch.context() as patch:
        patch.setattr(DecodedVolumes, "_decode", refuse)
        assert np.array_equal(again.open("a", source, SHAPE, hounsfield).part(EVERYTHING), voxels)
    write_nifti(source, Volume(voxels + 1, Geometry(SHAPE, np.eye(4))))
    os.utime(source, ns=(1, 1))
    assert np.array_equal(again.open("a", source, SHAPE, hounsfield).part(EVERYTHING), voxels + 1)
    assert copy.exists()


def test_the_first_slices_of_a_damaged_file_can_be_read_and_the_rest_is_refused(tmp_path, source):
    whole = gzip.decompress(source.read_bytes())
    source.write_bytes(gzip.compress(whole[:-100]))
    volume = DecodedVolumes(tmp_path / "kept").open("a", source, SHAPE, hounsfield)
    with pytest.raises(UnreadableImageError, match="copy it again"):
        volume.part(EVERYTHING)
    assert volume.part((slice(0, 8), slice(0, 9), slice(0, 9))).shape == (8, 9, 9)
    settled()
    assert not list((tmp_path / "kept").iterdir())


def test_a_damaged_file_is_tried_anew_once_it_is_mended(tmp_path, source, voxels):
    kept, whole = DecodedVolumes(tmp_path / "kept"), source.read_bytes()
    stat = source.stat()
    source.write_bytes(bytes(len(whole)))
    with pytest.raises(UnreadableImageError):
        kept.open("a", source, SHAPE, hounsfield).part(EVERYTHING)
    source.write_bytes(whole)
    os.utime(source, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert np.array_equal(kept.open("a", source, SHAPE, hounsfield).part(EVERYTHING), voxels)


def test_a_file_of_another_shape_and_one_that_is_gone_are_refused(tmp_path, source):
    kept = DecodedVolumes(tmp_path / "kept")
    with pytest.raises(UnreadableImageError, match="its shape is"):
        kept.open("a", source, (8, 9, 11), hounsfield).part(EVERYTHING)
    with pytest.raises(UnreadableImageError, match="no such file"):
        kept.open("a", tmp_path / "gone.nii.gz", SHAPE, hounsfield)


def test_copies_that_were_used_longest_ago_make_room(tmp_path, source, voxels):
    kept = DecodedVolumes(tmp_path / "kept", most_bytes=2 * voxels.nbytes)
    for number, name in enumerate("abc"):
        kept.open(name, source, SHAPE, hounsfield).part(EVERYTHING)
        settled()
        (copy,) = (tmp_path / "kept").glob(f"{name}.*.raw")
        os.utime(copy, (number, number))
    left = sorted(path.name[0] for path in (tmp_path / "kept").iterdir())
    assert left == ["b", "c"]
    assert np.array_equal(kept.open("a", source, SHAPE, hounsfield).part(EVERYTHING), voxels)


def test_codes_stay_as_they_are(tmp_path):
    path, stored = tmp_path / "masks.nii.gz", np.resize(np.array([0, 255, 300], np.uint16), SHAPE)
    write_nifti(path, Volume(stored, Geometry(SHAPE, np.eye(4))))
    volume = DecodedVolumes(tmp_path / "kept").open("a", path, SHAPE, codes)
    assert volume.dtype == np.uint16
    assert np.array_equal(volume.part(EVERYTHING), stored)
