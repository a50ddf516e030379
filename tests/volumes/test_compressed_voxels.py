import numpy as np
import pytest
import SimpleITK as sitk

from omentum.errors import UnreadableImageError
from omentum.volumes.read import read_volume

HU = np.random.default_rng(0).integers(-1000, 300, (9, 10, 12)).astype(np.int16)


def saved(path, *, compressed=True):
    sitk.WriteImage(sitk.GetImageFromArray(HU), str(path), compressed)
    return path


@pytest.mark.parametrize("name", ["ct.mha", "ct.mhd", "ct.nrrd", "ct.nhdr"])
def test_whole_compressed_voxels_are_read(tmp_path, name):
    np.testing.assert_array_equal(read_volume(saved(tmp_path / name)).voxels, HU.transpose(2, 1, 0))


@pytest.mark.parametrize(("name", "of"), [
    ("ct.mha", "ct.mha"), ("ct.mhd", "ct.zraw"), ("ct.nrrd", "ct.nrrd"), ("ct.nhdr", "ct.raw.gz"),
])  # fmt: skip
def test_damaged_compressed_voxels_are_refused(tmp_path, name, of):
    path = saved(tmp_path / name)
    raw = bytearray((tmp_path / of).read_bytes())
    raw[-8] ^= 0xFF  # near the end or in the checksum: ITK says no word
    (tmp_path / of).write_bytes(raw)
    with pytest.raises(UnreadableImageError, match=r"voxels (are damaged|cannot be read).*; copy it again"):
        read_volume(path)


def test_compressed_voxels_of_no_stated_size_are_refused_in_one_file(tmp_path):
    path = saved(tmp_path / "ct.mha")
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join(line for line in lines if not line.startswith(b"CompressedDataSize")))
    with pytest.raises(UnreadableImageError, match="has no CompressedDataSize; save it anew"):
        read_volume(path)


def test_the_file_of_the_voxels_is_named_where_it_is_missing(tmp_path):
    path = saved(tmp_path / "ct.mhd", compressed=False)
    (tmp_path / "ct.raw").rename(tmp_path / "other.raw")
    with pytest.raises(UnreadableImageError, match=r"in ct\.raw \(ElementDataFile\), and there is no such"):
        read_volume(path)
