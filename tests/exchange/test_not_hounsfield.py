"""CTs whose values are not Hounsfield units: set aside, put right by an offset, or accepted and told."""

import json

import nibabel as nib
import numpy as np
import pydicom
import pytest

from omentum.errors import ConfigError, NotHounsfieldError
from omentum.exchange.add import import_case
from omentum.exchange.import_options import ImportOptions
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import Source
from omentum.phantoms.phantom import make_phantom
from omentum.project.project import opened
from omentum.records import WHOLE_CT
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

SECRET = b"secret" * 5


@pytest.fixture(scope="module")
def phantom():
    return make_phantom(3, spacing_mm=(6.0, 6.0, 6.0))


@pytest.fixture
def write(tmp_path, phantom):
    """Write the synthetic abdomen with its values changed: `write("a", lambda hu: hu + 1024)`."""

    def write(name, change=lambda hu: hu):
        path = tmp_path / "src" / f"{name}.nii.gz"
        hu = phantom.ct.voxels.astype(np.int16)
        write_nifti(path, Volume(np.ascontiguousarray(change(hu)), phantom.ct.geometry))
        return path

    return write


@pytest.fixture
def bring(tmp_path):
    """Import a CT into `cases/NAME`."""

    def bring(path, **more):
        name = path.name.removesuffix(".nii.gz")
        options = ImportOptions(**more.pop("options", {}))
        source = Source(path=path, case_id=name)
        return import_case(source, tmp_path / "cases" / name, secret=SECRET, options=options, **more)

    return bring


def stored(hu):
    return hu + 1024


def window(hu):
    return np.clip((hu.astype(np.float32) + 160) / 400 * 255, 0, 255).astype(np.uint8)


def test_values_that_are_not_hu_are_refused_and_leave_nothing(write, bring, tmp_path):
    with pytest.raises(NotHounsfieldError, match="HU \\+ 1024; give --hu-offset -1024, or --accept-values"):
        bring(write("off1024", stored))
    with pytest.raises(NotHounsfieldError, match=r"from 0 to 255.*--accept-values"):
        bring(write("window8bit", window))
    assert not list((tmp_path / "cases").glob("*"))


def test_an_offset_is_added_and_the_ct_written_anew(write, bring, phantom):
    source = write("off1024", stored)
    before = source.read_bytes()
    imported = bring(source, options={"hu_offset": -1024.0})
    written = nib.load(imported.case.ct_path)
    np.testing.assert_array_equal(np.asanyarray(written.dataobj), phantom.ct.voxels)
    assert written.get_data_dtype() == np.int16
    assert imported.ct_findings == ()
    assert imported.case.geometry.same_grid(phantom.ct.geometry)
    assert source.read_bytes() == before


def test_an_offset_that_a_ct_in_hu_does_not_need_is_refused(write, bring):
    with pytest.raises(NotHounsfieldError, match="with -1024 added"):
        bring(write("fine"), options={"hu_offset": -1024.0})


@pytest.mark.parametrize("offset_hu", [float("nan"), float("inf"), 1e9])
def test_an_offset_that_is_no_number_is_refused_before_any_ct_is_read(offset_hu):
    with pytest.raises(ConfigError, match="--hu-offset"):
        ImportOptions(hu_offset=offset_hu)


def test_accepted_values_come_in_as_they_are_and_the_case_knows(write, bring):
    source = write("window8bit", window)
    imported = bring(source, options={"accept_values": True})
    assert imported.case.ct_path.read_bytes() == source.read_bytes()
    (told,) = imported.ct_findings
    assert (told.organ, told.rule) == (WHOLE_CT, "not_hu")
    assert told.said.startswith("its values cannot be Hounsfield units: none")


def test_a_label_of_accepted_values_is_not_measured_in_them(write, bring, phantom, tmp_path):
    label = tmp_path / "labels" / "off1024.nii.gz"
    write_nifti(label, phantom.labels)
    imported = bring(
        write("off1024", stored),
        label=OriginalLabel(path=label, ids="omentum"),
        options={"accept_values": True},
    )
    assert not [one for one in imported.label.findings if "HU" in one.said or one.rule == "not_hu"]


def test_a_dicom_series_that_was_stored_without_its_rescale_tags_is_refused(write_series, tmp_path, bring):
    rng = np.random.default_rng(0)
    for path in write_series(tmp_path / "series"):
        one = pydicom.dcmread(path)
        pixels = rng.normal(24, 5, (16, 16))
        pixels[4:12, 4:12] = rng.normal(1064, 15, (8, 8))
        one.PixelData = pixels.round().astype(np.int16).tobytes()
        del one.RescaleIntercept, one.RescaleSlope
        one.save_as(path, enforce_file_format=True)
    with pytest.raises(NotHounsfieldError, match=r"series: .*--hu-offset -1024"):
        bring(tmp_path / "series")


def test_the_command_sets_aside_what_is_not_hu_and_takes_it_when_told(write, omentum, home, tmp_path):
    for name, change in (("fine", lambda hu: hu), ("off1024", stored), ("window8bit", window)):
        write(name, change)
    project = tmp_path / "p"
    assert omentum("init", project, "--network", "tiny").code == 0
    ran = omentum("-C", project, "add", tmp_path / "src")
    assert ran.code == 1
    assert "off1024" in ran.err
    assert "--hu-offset -1024" in ran.err
    assert "window8bit" in ran.err
    assert sorted(path.name for path in (project / "cases").iterdir()) == ["fine"]
    ran = omentum("-C", project, "add", tmp_path / "src", "--accept-values", "--json")
    assert ran.code == 0
    told = {one["case"]: one["ct_findings"] for one in json.loads(ran.out)["added"]}
    assert told.keys() == {"off1024", "window8bit"}
    assert all(text.startswith("whole CT: its values") for texts in told.values() for text in texts)
    with opened(project, looking=True) as workspace:
        arrivals = workspace.store.arrivals.all()
    assert [one.rule for one in arrivals["off1024"].findings] == ["not_hu"]
    assert arrivals["fine"].findings == ()
