"""Labels of other programs through the command line: by the names in them, or set aside with the reason."""

import json
import runpy
import shutil
import sys

import nibabel as nib
import numpy as np
import pytest

from omentum.phantoms.phantom import make_phantom
from omentum.volumes.labels import SUBSETS, organ
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume

BY_NUMBER = ("--label-ids", "abdomenatlas-1.0")
SUBSET = SUBSETS["abdomenatlas-1.0"]
PLACED = ("cropped", "five_digits", "floats", "four_digits", "int64", "other_order", "qform_alone")
HEADER = (
    '<?xml version="1.0" encoding="UTF-8"?> <CaretExtension> <VolumeInformation Index="0"> <LabelTable>'
    '<Label Key="{}" Red="1" Green="0" Blue="0" Alpha="1"><![CDATA[{}]]></Label>'
    "</LabelTable> </VolumeInformation> </CaretExtension>"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A CT with a label of nine organs in boxes, and the made-up labels of other programs."""
    root = tmp_path_factory.mktemp("made")
    phantom = make_phantom(3, spacing_mm=(6.0, 6.0, 6.0))
    grid = phantom.ct.geometry
    labels = np.zeros(grid.shape, dtype=np.uint8)
    x, y, _ = (side // 2 for side in grid.shape)
    for value in range(1, 10):
        labels[x - 10 + 2 * value, y - 4 : y + 4, 2 + value : 9 + value] = value
    write_nifti(root / "ct.nii.gz", Volume(phantom.ct.voxels.astype(np.int16), grid))
    write_nifti(root / "labels.nii.gz", Volume(labels, grid))
    return root


@pytest.fixture
def cases(made, shared, tmp_path, monkeypatch):
    """The folder of the maker's cases."""
    out = tmp_path / "cases"
    inputs = [str(made / name) for name in ("ct.nii.gz", "labels.nii.gz")]
    monkeypatch.setattr(sys, "argv", ["label_files", str(out), *inputs])
    runpy.run_path(str(shared / "cases" / "label_files.py"))
    return out


@pytest.fixture
def scan(made, tmp_path):
    """A folder with the CT, and the label as `seg.nii.gz`."""
    (tmp_path / "scan").mkdir()
    shutil.copy(made / "ct.nii.gz", tmp_path / "scan")
    shutil.copy(made / "labels.nii.gz", tmp_path / "scan" / "seg.nii.gz")
    return tmp_path / "scan"


@pytest.fixture
def add(omentum, tmp_path):
    """Add to a new project: the exit code, what `--json` says, and what people read."""

    def run(*words):
        root = tmp_path / "atlas"
        assert omentum("init", root).code == 0
        ran = omentum("-C", root, "add", *words, "--no-check-labels", "--json")
        return ran.code, json.loads(ran.out), ran.err

    return run


def label_of(tmp_path, name):
    return read_nifti(tmp_path / "atlas/cases" / name / "original_label.nii.gz").voxels


def boxes_of(made):
    """The label in 32-class indices."""
    table = np.array([0, *(organ(name).index for name in SUBSET)], dtype=np.uint8)
    return table[read_nifti(made / "labels.nii.gz").voxels]


@pytest.mark.parametrize("case", PLACED)
def test_a_label_map_of_another_program_comes_in_by_its_numbering(cases, add, made, tmp_path, case):
    code, told, _ = add(cases / case, "--label", "seg.nii.gz", *BY_NUMBER)
    assert (code, told["failed"]) == (0, [])
    np.testing.assert_array_equal(label_of(tmp_path, case), boxes_of(made))


@pytest.mark.parametrize("case", ["no_affine", "identity"])
def test_a_label_map_that_does_not_say_where_it_lies_is_set_aside(cases, add, case):
    code, told, said = add(cases / case, "--label", "seg.nii.gz", *BY_NUMBER)
    assert (code, told["added"]) == (2, [])
    assert "seg.nii.gz" in told["failed"][0]["reason"]
    assert "seg.nii.gz" in said


def test_segments_of_slicer_come_in_by_their_names_whatever_their_values(cases, add, made, tmp_path):
    code, told, _ = add(cases / "slicer_one_layer", "--label", "{name}.seg.nrrd")
    assert (code, told["added"][0]["original_organs"]) == (0, ["spleen", "liver"])
    own, expected = label_of(tmp_path, "slicer_one_layer"), boxes_of(made)
    for name in ("liver", "spleen"):
        np.testing.assert_array_equal(own == organ(name).index, expected == organ(name).index)


def test_a_numbering_that_the_names_contradict_sets_the_case_aside_with_both_readings(cases, add):
    code, told, said = add(cases / "slicer_one_layer", "--label", "{name}.seg.nrrd", *BY_NUMBER)
    assert (code, told["added"]) == (2, [])
    assert "is liver by its header, and aorta by 'abdomenatlas-1.0'" in told["failed"][0]["reason"]
    assert "is liver by its header, and aorta by 'abdomenatlas-1.0'" in said


def test_a_map_of_which_nobody_says_what_it_means_is_set_aside_and_the_others_come_in(scan, add, tmp_path):
    shutil.copytree(scan, tmp_path / "scans" / "named")
    shutil.copytree(scan, tmp_path / "scans" / "nameless")
    (tmp_path / "scans/named/seg.label").write_text('5 1 1 1 1 1 1 "Liver"\n8 1 1 1 1 1 1 "Milz"\n')
    code, told, said = add(tmp_path / "scans", "--label", "seg.nii.gz")
    assert (code, [one["case"] for one in told["failed"]]) == (1, ["nameless"])
    assert "--label-ids (omentum, abdomenatlas-1.0" in told["failed"][0]["reason"]
    assert "nameless was set aside" in said
    (added,) = told["added"]
    assert (added["case"], added["original_organs"]) == ("named", ["liver"])
    assert "'Milz' (seg.label)" in added["label_notes"][0]
    assert "have no name (seg.label)" in added["label_notes"][1]


def test_the_table_that_totalsegmentator_writes_into_a_header_names_the_organs(scan, add, tmp_path, made):
    image = nib.load(scan / "seg.nii.gz")
    image.header.extensions.append(nib.nifti1.Nifti1Extension(0, HEADER.format(5, "spleen").encode()))
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header), scan / "seg.nii.gz")
    code, told, _ = add(scan, "--label", "seg.nii.gz")
    assert (code, told["added"][0]["original_organs"]) == (0, ["spleen"])
    expected = read_nifti(made / "labels.nii.gz").voxels == 5
    own = label_of(tmp_path, told["added"][0]["case"])
    np.testing.assert_array_equal(own == organ("spleen").index, expected)


def test_a_list_tells_which_of_its_names_are_no_organ_and_what_is_ignored(scan, add, tmp_path):
    for name, folder in (("ct.nii.gz", "imagesTr"), ("seg.nii.gz", "labelsTr")):
        (tmp_path / "raw" / folder).mkdir(parents=True)
        ending = "_0000.nii.gz" if folder == "imagesTr" else ".nii.gz"
        shutil.copy(scan / name, tmp_path / "raw" / folder / f"a{ending}")
    table = {"background": 0, "aorta": 1, "liver": 5, "cancer": [2, 3, 4], "ignore": [6, 7, 8, 9]}
    (tmp_path / "raw/dataset.json").write_text(json.dumps({"labels": table}))
    code, told, _ = add(tmp_path / "raw")
    assert (code, told["added"][0]["original_organs"]) == (0, ["liver", "aorta"])
    assert "'cancer' (dataset.json)" in told["added"][0]["label_notes"][0]
