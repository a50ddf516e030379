"""Files of other programs, through the command line: right, or set aside with the reason."""

import json
import runpy
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from omentum.phantoms.phantom import make_phantom
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume

LABELS = ("--label", "seg.nii.gz", "--label-ids", "abdomenatlas-1.0", "--no-check-labels")


@pytest.fixture(scope="module")
def phantom():
    return make_phantom(3, spacing_mm=(6.0, 6.0, 6.0))


@pytest.fixture
def ct(tmp_path, phantom):
    path = tmp_path / "phantom.nii.gz"
    write_nifti(path, Volume(phantom.ct.voxels.astype(np.int16), phantom.ct.geometry))
    return path


@pytest.fixture
def made(shared, tmp_path, monkeypatch):
    """Run a maker of cases: `made("names", ct)`."""

    def run(name: str, *inputs: Path) -> Path:
        out = tmp_path / "made"
        monkeypatch.setattr(sys, "argv", [name, str(out), *map(str, inputs)])
        runpy.run_path(str(shared / "cases" / f"{name}.py"))
        return out

    return run


@pytest.fixture
def add(omentum, tmp_path):
    """Add files to a new project: the exit code and what `--json` says."""

    def run(*arguments: object) -> tuple[int, dict[str, object]]:
        assert omentum("init", tmp_path / "atlas").code == 0
        ran = omentum("-C", tmp_path / "atlas", "add", *arguments, "--json")
        return ran.code, json.loads(ran.out)

    return run


def test_headers_of_nifti_files_are_mended_and_told_or_refused(made, add, tmp_path, ct):
    code, told = add(made("nifti_headers", ct))
    assert code == 1
    assert {one["case"]: one["ct_notes"] for one in told["added"] if "ct_notes" in one} == {
        "micron": ["its lengths are in um; its voxels have 6 x 6 x 6 mm"],
        "sform_without_spacing": ["its sform has no voxel size; its qform is taken, with 6 x 6 x 6 mm"],
        "sform_zeros": ["its sform is all zeros; its qform is taken"],
    }
    (failed,) = told["failed"]
    assert failed["case"] == "plus_1024"
    assert "--hu-offset -1024" in failed["reason"]
    assert len(told["added"]) == 11
    truth = read_nifti(ct)
    for one in told["added"]:
        kept = nib.load(tmp_path / "atlas/cases" / one["case"] / "ct.nii.gz")
        np.testing.assert_array_equal(np.asarray(kept.dataobj), truth.voxels)
        for affine in (kept.get_sform(coded=True)[0], kept.get_qform(coded=True)[0]):
            assert affine is None or Geometry(kept.shape, affine).same_grid(truth.geometry, 0.01)


def test_what_was_mended_is_told_to_people_too(made, omentum, tmp_path, ct):
    folder = made("nifti_headers", ct)
    omentum("init", tmp_path / "atlas")
    ran = omentum("-C", tmp_path / "atlas", "add", folder / "sform_zeros.nii.gz")
    assert ran.code == 0
    assert "sform_zeros: its sform is all zeros; its qform is taken" in ran.out


def test_a_mended_ct_is_told_by_predict_and_written_beside_its_masks(made, omentum, home, tmp_path, ct):
    folder = made("nifti_headers", ct)
    arguments = ("--network", "tiny", "-o", tmp_path / "masks", "--json")
    ran = omentum("predict", folder / "sform_without_spacing.nii.gz", *arguments)
    assert ran.code == 0
    (note,) = json.loads(ran.out)["ct_notes"]
    assert note["said"] == "its sform has no voxel size; its qform is taken, with 6 x 6 x 6 mm"
    assert read_nifti(tmp_path / "masks/ct.nii.gz").geometry.same_grid(read_nifti(ct).geometry)
    assert "no voxel size" in omentum("predict", folder / "sform_without_spacing.nii.gz", *arguments[:-1]).err


def test_labels_of_other_programs_are_placed_or_refused(made, add, tmp_path, phantom, ct):
    labels = np.zeros(phantom.ct.voxels.shape, dtype=np.uint8)
    middle = tuple(side // 2 for side in labels.shape)
    for value in range(1, 10):
        labels[middle[0] - 10 + 2 * value, middle[1] - 4 : middle[1] + 4, 2 + value : 9 + value] = value
    write_nifti(tmp_path / "labels.nii.gz", Volume(labels, phantom.ct.geometry))
    out = made("label_files", ct, tmp_path / "labels.nii.gz")
    (out / "truth.nii.gz").unlink()
    code, told = add(out, *LABELS)
    assert code == 1
    notes = {one["case"]: one.get("label_notes") for one in told["added"]}
    assert notes["cropped"][0].endswith("voxels to the CT's grid")
    assert "within a tenth of a voxel" in notes["four_digits"][0]
    assert {name for name, note in notes.items() if note is None} >= {
        "five_digits",
        "other_order",
        "qform_alone",
    }
    assert {one["case"] for one in told["failed"]} == {"identity", "no_affine"}
    kept = [tmp_path / "atlas/cases" / name / "original_label.nii.gz" for name in notes]
    voxels = [read_nifti(path).voxels for path in kept if path.exists()]
    assert len(voxels) == 7
    assert np.count_nonzero(voxels[0]) == np.count_nonzero(labels)
    assert all((one == voxels[0]).all() for one in voxels)


def test_what_of_a_label_lies_beyond_the_ct_is_cut_and_told_in_ml(add, tmp_path, phantom, ct):
    labels = np.pad(np.zeros(phantom.ct.voxels.shape, dtype=np.uint8), ((0, 0), (0, 0), (0, 3)))
    labels[10:12, 10, -6:] = 5
    write_nifti(tmp_path / "seg.nii.gz", Volume(labels, Geometry(labels.shape, phantom.ct.geometry.affine)))
    code, told = add(ct, *LABELS)
    assert code == 0
    assert told["added"][0]["label_notes"][1] == "6 voxels (1.296 mL) beyond the CT were cut"


def test_every_name_of_every_script_is_a_case_of_its_own(made, add, omentum, tmp_path, ct):
    folder = made("names", ct) / "names"
    code, told = add(folder)
    names = {one["case"] for one in told["added"]}
    assert (code, len(names), told["failed"]) == (0, 15, [])
    assert {"患者一", "患者二", "Müller_Jörg", "Muller_Jorg", "_CON", "_rf"} <= names
    again = json.loads(omentum("-C", tmp_path / "atlas", "add", folder, "--json").out)
    assert (again["added"], set(again["before"])) == ([], names)


def test_a_case_of_another_script_is_renamed_and_erased_wholly(add, omentum, tmp_path, ct):
    ct.rename(ct.with_name("患者一.nii.gz"))
    ct.with_name("患者一.nii.gz").rename(tmp_path / "患者一.nii.gz")
    add(tmp_path / "患者一.nii.gz")
    atlas = tmp_path / "atlas"
    assert omentum("-C", atlas, "cases", "rename", "患者一", "患者二").code == 0
    assert omentum("-C", atlas, "cases", "erase", "患者二", "--why", "withdrawn", "--yes").code == 0
    told = [path for path in atlas.rglob("*") if path.is_file()]
    for name in ("患者一", "患者二"):
        for spelled in (name.encode(), json.dumps(name)[1:-1].encode()):
            assert not [path for path in told if spelled in path.read_bytes()]


def test_a_name_that_differs_in_case_alone_from_a_case_is_refused(add, omentum, tmp_path, ct):
    other = read_nifti(ct)
    write_nifti(tmp_path / "new/PHANTOM.nii.gz", Volume(other.voxels + np.int16(1), other.geometry))
    add(ct)
    ran = omentum("-C", tmp_path / "atlas", "add", tmp_path / "new", "--json")
    (failed,) = json.loads(ran.out)["failed"]
    assert "--id" in failed["reason"]


def test_messages_show_a_path_once(omentum, tmp_path, ct):
    (tmp_path / "x.nii.zst").write_bytes(b"x")
    omentum("init", tmp_path / "atlas")
    ran = omentum("-C", tmp_path / "atlas", "add", tmp_path / "x.nii.zst", ct)
    assert ran.code == 1
    assert "x.nii.zst was set aside: it is compressed (.zst)" in ran.err
    assert all(line.count("x.nii.zst") == 1 for line in ran.err.splitlines() if "set aside" in line)
