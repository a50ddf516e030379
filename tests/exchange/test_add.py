import hashlib
import hmac
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from omentum.errors import (
    CaseClashError,
    ConfigError,
    GridMismatchError,
    LabelValueError,
    UnreadableImageError,
)
from omentum.exchange import add
from omentum.exchange.importers.find_sources import find_sources
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import Source
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.labels import SUBSETS, organ
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume

SECRET = b"secret" * 5


def import_case(source, folder, **options):
    return add.import_case(source, folder, **options).case


AFFINE = np.array([[-1.5, 0, 0, 20], [0, 1.25, 0, -31], [0, 0, 3, 7], [0, 0, 0, 1.0]])


def labels_like(volume: Volume, path: Path, values: list[int]) -> Path:
    """A label map with each of these values somewhere, by turns with background."""
    cycled = np.resize(np.array([0, *values], dtype=np.uint8), volume.voxels.shape)
    write_nifti(path, Volume(cycled, volume.geometry))
    return path


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_good_nifti_is_copied_byte_for_byte_and_the_source_left_alone(tmp_path, source):
    before, stat = tree(tmp_path / "data"), source.path.stat()
    case = import_case(source, tmp_path / "cases" / "a", secret=SECRET)
    assert case.ct_path.read_bytes() == source.path.read_bytes()
    assert not case.ct_path.samefile(source.path)
    assert tree(tmp_path / "data") == before
    assert source.path.stat().st_mtime_ns == stat.st_mtime_ns
    assert (case.case_id, case.patient_id, case.source) == ("a", "a", str(source.path))
    assert case.original_label_path is None
    assert case.original_organs == ()
    assert case.geometry.shape == (12, 10, 9)
    np.testing.assert_array_equal(case.geometry.affine, nib.load(case.ct_path).affine)


def test_an_uncompressed_nifti_is_compressed_without_loss(tmp_path, volume):
    path = tmp_path / "b.nii"
    write_nifti(path, volume)
    case = import_case(Source(path=path, case_id="b"), tmp_path / "b", secret=SECRET)
    assert case.ct_path.read_bytes()[:2] == b"\x1f\x8b"
    np.testing.assert_array_equal(read_nifti(case.ct_path).voxels, volume.voxels)


def test_a_file_whose_two_affines_differ_is_written_anew_with_the_sform(tmp_path, volume):
    image = nib.Nifti1Image(volume.voxels, AFFINE)
    image.set_sform(AFFINE, code=1)
    moved = AFFINE.copy()
    moved[0, 3] += 7
    image.set_qform(moved, code=1)
    path = tmp_path / "c.nii.gz"
    nib.save(image, path)
    case = import_case(Source(path=path, case_id="c"), tmp_path / "c", secret=SECRET)
    header = nib.load(case.ct_path).header
    np.testing.assert_allclose(header.get_sform(), AFFINE, atol=1e-5)
    np.testing.assert_allclose(header.get_qform(), AFFINE, atol=1e-5)


def test_header_extensions_that_may_name_a_patient_are_left_behind(tmp_path, volume):
    image = nib.Nifti1Image(volume.voxels, AFFINE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension(6, b"PatientName=Jane"))
    path = tmp_path / "d.nii.gz"
    nib.save(image, path)
    case = import_case(Source(path=path, case_id="d"), tmp_path / "d", secret=SECRET)
    assert not nib.load(case.ct_path).header.extensions
    np.testing.assert_array_equal(read_nifti(case.ct_path).voxels, volume.voxels)


def test_a_fourth_axis_of_one_is_dropped(tmp_path, volume):
    path = tmp_path / "e.nii.gz"
    nib.save(nib.Nifti1Image(volume.voxels[..., None], AFFINE), path)
    case = import_case(Source(path=path, case_id="e"), tmp_path / "e", secret=SECRET)
    assert nib.load(case.ct_path).shape == (12, 10, 9)


def test_a_dicom_series_with_a_radiologists_mask_comes_in_on_one_grid(shared, tmp_path):
    (source,) = find_sources([shared / "data" / "chaos_03"]).sources
    label = OriginalLabel(path=source.beside("liver.nii.gz"), ids="liver")
    case = import_case(source, tmp_path / "cases" / "chaos_03", secret=SECRET, label=label)
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(source.path))
    expected = sitk.GetArrayFromImage(sitk.ReadImage(names)).transpose(2, 1, 0)
    np.testing.assert_array_equal(read_nifti(case.ct_path).voxels, expected)
    drawn = np.asarray(nib.load(label.path).dataobj) > 0
    ours = read_nifti(case.original_label_path).voxels
    np.testing.assert_array_equal(ours == organ("liver").index, drawn)
    assert case.original_organs == ("liver",)
    assert case.patient_id == "chaos_03"  # its headers name nobody
    assert (case.ct_path.parent / "labels.json").exists()


def test_the_patient_of_a_dicom_series_gets_a_keyed_pseudonym(shared, tmp_path):
    source = Source(path=shared / "data" / "crlm_1004" / "dicom", case_id="x")
    case = import_case(source, tmp_path / "x", secret=SECRET, patient_id="not this one")
    name = sitk.ReadImage(str(next(source.path.glob("*.dcm")))).GetMetaData("0010|0020").strip()
    expected = hmac.new(SECRET, name.encode(), hashlib.sha256).hexdigest()[:16]
    assert case.patient_id == f"p-{expected}"


def test_a_given_patient_counts_where_no_header_tells(tmp_path, source):
    assert import_case(source, tmp_path / "a", secret=SECRET, patient_id="P7").patient_id == "P7"


@pytest.mark.parametrize("subset", sorted(SUBSETS))
def test_every_id_of_a_subset_becomes_the_index_of_its_organ(tmp_path, source, volume, subset):
    ids = list(range(1, len(SUBSETS[subset]) + 1))
    path = labels_like(volume, tmp_path / "l.nii.gz", ids)
    case = import_case(source, tmp_path / "a", secret=SECRET, label=OriginalLabel(path=path, ids=subset))
    own, ours = read_nifti(path).voxels, read_nifti(case.original_label_path).voxels
    for value, name in enumerate(SUBSETS[subset], start=1):
        np.testing.assert_array_equal(ours == organ(name).index, own == value)
    np.testing.assert_array_equal(ours == 0, own == 0)
    assert set(case.original_organs) == set(SUBSETS[subset])


def test_organs_that_a_data_set_does_not_annotate_are_dropped_and_unknown(tmp_path, source, volume):
    path = labels_like(volume, tmp_path / "l.nii.gz", [1, 5, 8])
    label = OriginalLabel(path=path, ids="abdomenatlas-1.0", organs=("spleen", "liver", "pancreas"))
    case = import_case(source, tmp_path / "a", secret=SECRET, label=label)
    assert case.original_organs == ("spleen", "liver", "pancreas")  # the pancreas is empty, and known to be
    assert set(np.unique(read_nifti(case.original_label_path).voxels)) == {0, 1, 6}


def test_ids_that_the_subset_does_not_have_are_named_and_nothing_is_written(tmp_path, source, volume):
    path = labels_like(volume, tmp_path / "l.nii.gz", [3, 12, 200])
    with pytest.raises(LabelValueError, match=r"12, 200, and 'abdomenatlas-1\.0' has 1 to 9"):
        import_case(
            source,
            tmp_path / "cases" / "a",
            secret=SECRET,
            label=OriginalLabel(path=path, ids="abdomenatlas-1.0"),
        )
    assert tree(tmp_path / "cases") == {}
    assert not (tmp_path / "cases" / "a").exists()


def test_a_mask_of_one_organ_holds_one_value(tmp_path, source, volume):
    path = labels_like(volume, tmp_path / "l.nii.gz", [1, 2])
    with pytest.raises(LabelValueError, match="the values 2"):
        import_case(source, tmp_path / "a", secret=SECRET, label=OriginalLabel(path=path, ids="liver"))


def test_a_label_on_another_grid_is_refused(tmp_path, source, volume):
    moved = AFFINE.copy()
    moved[2, 3] += 1.0
    path = labels_like(Volume(volume.voxels, Geometry((12, 10, 9), moved)), tmp_path / "l.nii.gz", [1])
    with pytest.raises(GridMismatchError):
        import_case(source, tmp_path / "a", secret=SECRET, label=OriginalLabel(path=path, ids="omentum"))


def test_what_a_label_means_is_checked_before_it_is_read(tmp_path):
    with pytest.raises(ConfigError, match="'abdomenatlas-9'"):
        OriginalLabel(path=tmp_path / "x", ids="abdomenatlas-9")
    with pytest.raises(ConfigError, match="'colon'"):
        OriginalLabel(path=tmp_path / "x", ids="abdomenatlas-1.0", organs=("liver", "colon"))


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS[::7])
def test_axes_may_point_anywhere(tmp_path, volume, orientation):
    turned = volume.reoriented(orientation)
    write_nifti(tmp_path / "t.nii.gz", turned)
    path = labels_like(turned, tmp_path / "l.nii.gz", [6])
    source = Source(path=tmp_path / "t.nii.gz", case_id="t")
    case = import_case(source, tmp_path / "t", secret=SECRET, label=OriginalLabel(path=path, ids="omentum"))
    assert case.geometry.orientation == orientation
    assert case.geometry.same_grid(turned.geometry)
    np.testing.assert_array_equal(read_nifti(case.original_label_path).voxels, read_nifti(path).voxels)


def test_a_damaged_ct_leaves_nothing(tmp_path, source):
    source.path.write_bytes(source.path.read_bytes()[:-20])
    with pytest.raises(UnreadableImageError):
        import_case(source, tmp_path / "cases" / "a", secret=SECRET)
    assert not (tmp_path / "cases" / "a").exists()


def test_a_kill_leaves_no_case_and_the_same_command_makes_it(tmp_path, source, volume):
    path = labels_like(volume, tmp_path / "l.nii.gz", [6])
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom omentum.exchange import add, label_files\n"
        "from omentum.exchange.importers.labels import OriginalLabel\n"
        "from omentum.exchange.importers.source import Source\n"
        "label_files.write_label_table = lambda path: os.kill(os.getpid(), signal.SIGKILL)\n"
        "source, label, folder = map(Path, sys.argv[1:])\n"
        "add.import_case(Source(path=source, case_id='a'), folder, secret=b's',"
        " label=OriginalLabel(path=label, ids='omentum'))\n"
    )
    folder = tmp_path / "cases" / "a"
    command = [sys.executable, "-c", script, str(source.path), str(path), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(Path(add.__file__).parents[2])}
    done = subprocess.run(command, check=False, env=environment, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not folder.exists()
    import_case(source, folder, secret=b"s", label=OriginalLabel(path=path, ids="omentum"))
    whole = tree(folder.parent)
    import_case(source, tmp_path / "other" / "a", secret=b"s", label=OriginalLabel(path=path, ids="omentum"))
    assert whole == tree(tmp_path / "other")
    names = ("ct.nii.gz", "original_label.nii.gz", "source_label.nii.gz", "labels.json")
    assert set(whole) == {f"a/{name}" for name in names}


def test_a_second_import_forgets_the_label_of_a_first_that_was_never_recorded(tmp_path, source, volume):
    path = labels_like(volume, tmp_path / "l.nii.gz", [6])
    import_case(source, tmp_path / "a", secret=SECRET, label=OriginalLabel(path=path, ids="omentum"))
    import_case(source, tmp_path / "a", secret=SECRET)
    assert set(tree(tmp_path / "a")) == {"ct.nii.gz"}


def test_work_that_was_done_on_a_case_is_never_overwritten(tmp_path, source):
    case = import_case(source, tmp_path / "a", secret=SECRET)
    (tmp_path / "a" / "revisions").mkdir()
    with pytest.raises(CaseClashError):
        import_case(source, tmp_path / "a", secret=SECRET)
    assert case.ct_path.exists()
    (tmp_path / "a" / "revisions").rmdir()
    with pytest.raises(CaseClashError):
        import_case(replace(source, path=case.ct_path), tmp_path / "a", secret=SECRET)
