import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from omentum.exchange import add
from omentum.exchange.import_options import ImportOptions
from omentum.exchange.importers.labels import OriginalLabel
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume

SECRET = b"secret" * 5


def import_case(source, folder, **options):
    return add.import_case(source, folder, **options).case


def labels_like(volume: Volume, path: Path, values: list[int]) -> Path:
    """A label map with each of these values somewhere, by turns with background."""
    cycled = np.resize(np.array([0, *values], dtype=np.uint8), volume.voxels.shape)
    write_nifti(path, Volume(cycled, volume.geometry))
    return path


def named_label(volume: Volume, path: Path) -> Path:
    """A label whose header says whose it is, twice."""
    image = nib.Nifti1Image(
        np.resize([0, 1, 5], volume.voxels.shape).astype(np.int16), volume.geometry.affine
    )
    image.header["descrip"] = b"Doe, Jane"
    image.header["intent_name"] = b"Jane"
    nib.save(image, path)
    return path


def test_a_data_sets_own_label_is_kept_byte_for_byte_beside_ours(tmp_path, source, volume):
    path = named_label(volume, tmp_path / "l.nii.gz")
    label = OriginalLabel(path=path, ids="abdomenatlas-1.0")
    case = import_case(source, tmp_path / "a", secret=SECRET, label=label)
    assert case.source_label_path.read_bytes() == path.read_bytes()
    assert not case.source_label_path.samefile(path)
    assert set(np.unique(read_nifti(case.source_label_path).voxels)) == {0, 1, 5}
    assert set(np.unique(read_nifti(case.original_label_path).voxels)) != {0, 1, 5}
    import_case(source, tmp_path / "a", secret=SECRET, label=label)  # as if the first was never recorded


def test_an_own_label_that_is_not_compressed_is_and_keeps_every_byte(tmp_path, source, volume):
    path = named_label(volume, tmp_path / "l.nii")
    label = OriginalLabel(path=path, ids="abdomenatlas-1.0")
    case = import_case(source, tmp_path / "a", secret=SECRET, label=label)
    assert gzip.decompress(case.source_label_path.read_bytes()) == path.read_bytes()


@pytest.mark.parametrize("extended", [False, True])
def test_text_in_the_header_of_a_label_stays_outside_where_it_may_name_somebody(
    tmp_path, source, volume, extended
):
    path = named_label(volume, tmp_path / "l.nii.gz")
    if extended:
        image = nib.load(path)
        image.header.extensions.append(nib.nifti1.Nifti1Extension(6, b"PatientName=Jane"))
        nib.save(image, path)
    case = import_case(
        source,
        tmp_path / "a",
        secret=SECRET,
        label=OriginalLabel(path=path, ids="abdomenatlas-1.0"),
        options=ImportOptions(deidentify=not extended),
    )
    assert b"Jane" not in gzip.decompress(case.source_label_path.read_bytes())
    kept, own = nib.load(case.source_label_path), nib.load(path)
    assert kept.get_data_dtype() == own.get_data_dtype()
    np.testing.assert_array_equal(np.asarray(kept.dataobj), np.asarray(own.dataobj))
    np.testing.assert_allclose(kept.affine, own.affine)


def test_a_label_that_is_no_single_nifti_is_kept_as_ours_alone(tmp_path, source, volume):
    folder = tmp_path / "organs"
    labels_like(volume, folder / "liver.nii.gz", [1])
    image = sitk.ReadImage(str(labels_like(volume, tmp_path / "l.nii.gz", [6])))
    sitk.WriteImage(image, str(tmp_path / "l.nrrd"))
    for path in (folder, tmp_path / "l.nrrd"):
        case = import_case(
            source,
            tmp_path / "cases" / path.stem,
            secret=SECRET,
            label=OriginalLabel(path=path, ids="omentum"),
        )
        assert case.original_label_path.is_file()
        assert not case.source_label_path.exists()
