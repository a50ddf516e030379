"""`omentum attention`: a published tree to maps and lists."""

import csv
import json

import nibabel as nib
import numpy as np
import pytest

SHAPE = (16, 14, 9)


@pytest.fixture
def tree(tmp_path):
    """Two cases of two networks: a liver that they disagree about, more of it in the second case."""
    for case_id, size in (("one", 6), ("two", 9)):
        liver = np.zeros(SHAPE, dtype=np.uint8)
        liver[2 : 2 + size, 2:12, 1:8] = 1
        files = {
            "average/segmentations": liver,
            "backbones/a/soft_pred": liver * np.uint8(255),
            "backbones/a/entropy": liver * np.uint8(0),
            "backbones/b/soft_pred": liver * np.uint8(0),
            "backbones/b/entropy": liver * np.uint8(60),
        }
        for below, voxels in files.items():
            path = tmp_path / "tree" / case_id / below
            path.mkdir(parents=True)
            nib.save(nib.Nifti1Image(voxels, np.diag([1.0, 1.0, 5.0, 1.0])), path / "liver.nii.gz")
    return tmp_path / "tree"


def refused(ran):
    return ran.code == 2 and ran.err.startswith("omentum: ") and ran.err.count("\n") == 1 and not ran.out


def test_maps_and_both_lists_are_written_below_out(omentum, tree, tmp_path):
    out = tmp_path / "out"
    ran = omentum("attention", tree, "-o", out, "--maps", "uncertainty")
    assert (ran.code, ran.err) == (0, "scored 2 cases\n")
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*")) == [
        "attention_size.csv",
        "one/average/attention/liver.nii.gz",
        "one/average/uncertainty/liver.nii.gz",
        "priority.csv",
        "two/average/attention/liver.nii.gz",
        "two/average/uncertainty/liver.nii.gz",
    ]
    with (out / "priority.csv").open(newline="") as stream:
        assert list(csv.reader(stream)) == [["two", "liver"], ["one", "liver"]]


def test_json_has_both_scores_of_every_case(omentum, tree, tmp_path):
    ran = omentum("attention", tree, "-o", tmp_path / "out", "--json", "--network", "a", "--network", "b")
    told = json.loads(ran.out)
    assert [(one["case"], one["voxels"]) for one in told] == [("two", 630.0), ("one", 420.0)]
    assert told[0]["size"] == pytest.approx(630 / 9)


def test_organs_that_a_data_set_annotates_are_left_out(omentum, tree, tmp_path):
    ran = omentum("attention", tree, "-o", tmp_path / "out", "--json", "--dataset", "04")
    assert [one["organs"] for one in json.loads(ran.out)] == [[], []]


@pytest.mark.parametrize(
    "wrong",
    [
        ("--network", "c"),
        ("--dataset", "99"),
        ("--dataset", "09"),
        ("--organs", "heart"),
        ("--maps", "heat"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(omentum, tree, tmp_path, wrong):
    assert refused(omentum("attention", tree, "-o", tmp_path / "out", *wrong))
    assert refused(omentum("attention", tmp_path, "-o", tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_damaged_case_is_set_aside_and_others_are_scored(omentum, tree, tmp_path):
    path = tree / "one/backbones/a/soft_pred/liver.nii.gz"
    path.write_bytes(path.read_bytes()[:-20])
    ran = omentum("attention", tree, "-o", tmp_path / "out")
    assert ran.code == 1
    assert "one was set aside" in ran.err
    assert (tmp_path / "out" / "priority.csv").read_text() == "two,liver\n"


def test_average_of_a_tree_can_be_added_as_what_networks_say_together(omentum, home, tree, tmp_path):
    assert omentum("models", "add", tree, "--as", "average").code == 0
    assert refused(omentum("models", "add", tree / "one", "--as", "average"))
