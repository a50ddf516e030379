"""Masks that another program left: kept under a name, and then a network like any other on the way."""

import json
import shutil

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

CASE = "phantom_0002"


@pytest.fixture
def ct(cohort):
    return cohort / CASE / "ct.nii.gz"


@pytest.fixture
def leave(cohort, tmp_path):
    """Function: a program and masks of organs to its folder with a file an organ, for one case or another."""

    def write(program, case_id=CASE, **organs):
        affine = nib.load(cohort / case_id / "ct.nii.gz").affine
        for name, mask in organs.items():
            path = tmp_path / program / case_id / f"{name}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(mask.astype(np.uint8), affine), path)
        return tmp_path / program

    return write


def specks(ct, seed, share=0.4):
    return np.random.default_rng(seed).random(nib.load(ct).shape) < share


def mask(folder, name):
    return np.asarray(nib.load(folder / "segmentations" / f"{name}.nii.gz").dataobj) > 0


def refused(ran):
    return ran.code == 2 and ran.err.startswith("omentum: ") and ran.err.count("\n") == 1 and not ran.out


def listed(omentum):
    return {row["name"]: row for row in json.loads(omentum("models", "list", "--json").out)}


def test_a_folder_of_masks_is_added_listed_shown_and_removed(omentum, home, leave, ct):
    folder = leave("totalseg", liver=specks(ct, 1))
    ran = omentum("models", "add", folder, "--as", "ts", "--ids", "totalsegmentator")
    assert ran.code == 0
    assert ran.out == f"ts is the masks in {folder}, of 21 organs\n"
    assert listed(omentum)["ts"] == {"name": "ts", "state": "ran elsewhere", "weights": str(folder)}
    table = omentum("models", "list").out
    assert "ran elsewhere" in table
    shown = json.loads(omentum("models", "show", "ts", "--json").out)
    assert (shown["name"], shown["state"]) == ("ts", "ran elsewhere")
    assert (shown["folder"], shown["ids"]) == (str(folder), "totalsegmentator")
    assert {"liver", "lung_left", "kidney_cyst"} <= set(shown["organs"])
    assert len(shown["organs"]) == 21
    for part in (str(folder), "totalsegmentator", "gall_bladder", "ran elsewhere"):
        assert part in omentum("models", "show", "ts").out
    ran = omentum("models", "remove", "ts")
    assert (ran.code, ran.out) == (0, "ts is removed\n")
    assert "ts" not in listed(omentum)
    assert (folder / CASE / "liver.nii.gz").is_file(), "what it left stays where it is"
    assert refused(omentum("models", "remove", "ts"))
    assert refused(omentum("models", "show", "ts"))


def test_organs_that_were_looked_for_can_be_named(omentum, home, leave, ct):
    folder = leave("theirs", liver=specks(ct, 1))
    ran = omentum("models", "add", folder, "--as", "theirs", "--organs", "spleen, liver")
    assert ran.out.endswith("of 2 organs\n")
    shown = json.loads(omentum("models", "show", "theirs", "--json").out)
    assert (shown["ids"], shown["organs"]) == ("omentum", ["spleen", "liver"])


def test_a_folder_is_known_from_anywhere_by_a_relative_path(omentum, home, leave, ct, tmp_path, monkeypatch):
    leave("theirs", liver=specks(ct, 1))
    monkeypatch.chdir(tmp_path)
    assert omentum("models", "add", "theirs", "--as", "ts").code == 0
    monkeypatch.chdir("/")
    assert listed(omentum)["ts"]["weights"] == str(tmp_path / "theirs")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{folder}", "--as", "tiny"], "there is a network 'tiny' already"),
        (["{folder}", "--as", "starter"], "there is a network 'starter' already"),
        (["{folder}", "--as", "taken"], "there is a network 'taken' already"),
        (["{folder}", "--as", "average"], "it is what the average of several is called"),
        (["{folder}", "--as", "../x"], "it names a folder"),
        (["{folder}", "--as", "x", "--ids", "amos"], "ids is 'amos'"),
        (["{folder}", "--as", "x", "--ids", "dataset.json"], "there is no"),
        (["{folder}", "--as", "x", "--organs", "soul"], "'soul'"),
        (["{folder}", "--as", "x", "--ids", "totalsegmentator", "--organs", "femur_left"], "'femur_left'"),
        (["{weights}", "--as", "x", "--ids", "omentum"], "it goes with a folder of masks"),
        (["{folder}/none", "--as", "x"], "no such file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_kept_is_refused_in_one_sentence(
    omentum, home, leave, ct, tiny_weights, arguments, said
):
    folder = leave("theirs", liver=specks(ct, 1))
    assert omentum("models", "add", folder, "--as", "taken").code == 0
    before = listed(omentum)
    ran = omentum("models", "add", *(part.format(folder=folder, weights=tiny_weights) for part in arguments))
    assert refused(ran), ran
    assert said in ran.err
    assert listed(omentum) == before


def test_weights_cannot_take_the_name_of_files(omentum, home, leave, ct, tiny_weights):
    folder = leave("theirs", liver=specks(ct, 1))
    assert omentum("models", "add", folder, "--as", "mine").code == 0
    assert refused(omentum("models", "add", tiny_weights, "--as", "mine"))
    assert listed(omentum)["mine"]["state"] == "ran elsewhere"


def test_they_predict_alone_and_their_masks_stay_as_they_are(omentum, home, leave, ct, tmp_path):
    folder = leave("theirs", gallbladder=specks(ct, 1))
    omentum("models", "add", folder, "--as", "ts", "--ids", "totalsegmentator")
    ran = omentum("predict", ct, "-o", tmp_path / "out", "--network", "ts")
    assert (ran.code, ran.err.splitlines()[-1]) == (0, "predicted 1 case")
    assert np.array_equal(mask(tmp_path / "out", "gall_bladder"), specks(ct, 1))
    assert [path.name for path in (tmp_path / "out/segmentations").iterdir()] == ["gall_bladder.nii.gz"]


def test_the_mean_of_two_is_cleaned_by_the_rules_that_are_not_left_out(omentum, home, leave, ct, tmp_path):
    for name, seed in (("one", 1), ("other", 2)):
        omentum("models", "add", leave(name, liver=specks(ct, seed)), "--as", name)
    both = specks(ct, 1) & specks(ct, 2)
    labels, n_pieces = ndimage.label(both, np.ones((3, 3, 3)))
    assert n_pieces > 10
    largest = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    out = tmp_path / "out"
    networks = ("--network", "one", "--network", "other")
    every_rule = "specks,sides,lungs,largest,hosts,count,veins,holes"
    assert omentum("predict", ct, "-o", out, *networks, "--without", every_rule).code == 0
    assert np.array_equal(mask(out, "liver"), both)
    assert omentum("predict", ct, "-o", out, *networks, "--without", "specks,holes").code == 0
    assert np.array_equal(mask(out, "liver"), largest)
    told = json.loads((out / "summary.json").read_text())["organs"]["liver"]
    taken_ml = (both.sum() - largest.sum()) * np.prod(nib.load(ct).header.get_zooms()) / 1000
    assert told["removed_ml"] == {"largest": pytest.approx(taken_ml, abs=1e-3)}
    assert np.array_equal(mask(out / "networks" / "one", "liver"), specks(ct, 1))


def test_with_a_network_of_ours_they_make_a_mean_and_cases_without_files_are_set_aside(
    omentum, home, leave, ct, cohort, tmp_path
):
    omentum("models", "add", leave("theirs", liver=specks(ct, 1), colon=specks(ct, 2)), "--as", "ts")
    out = tmp_path / "out"
    networks = ("--network", "tiny", "--network", "ts", "--organs", "liver,spleen")
    command = ("predict", ct, cohort / "phantom_0003", "-o", out, *networks)
    ran = omentum(*command)
    assert ran.code == 1
    assert "phantom_0003 was set aside" in ran.err
    assert "neither phantom_0003.nii.gz nor phantom_0003/ holds an organ" in ran.err
    assert "1 of 2 cases failed" in ran.err
    assert {path.name for path in out.iterdir()} == {CASE}
    organs = {path.name for path in (out / CASE / "segmentations").iterdir()}
    assert organs == {"liver.nii.gz", "spleen.nii.gz"}
    leave("theirs", "phantom_0003", liver=specks(ct, 3))
    assert omentum(*command).err.endswith("predicted 1 case, 1 before\n")
    leave("theirs", liver=specks(ct, 4))
    assert omentum(*command).err.endswith("predicted 1 case, 1 before\n")


def test_a_folder_that_is_gone_or_has_none_of_the_organs_is_refused(omentum, home, leave, ct, tmp_path):
    folder = leave("theirs", liver=specks(ct, 1))
    omentum("models", "add", folder, "--as", "ts", "--ids", "totalsegmentator")
    to = ("-o", tmp_path / "out", "--network", "ts")
    ran = omentum("predict", ct, *to, "--organs", "femur_left")
    assert refused(ran)
    assert "the files of 'ts' have none of them" in ran.err
    shutil.rmtree(folder)
    ran = omentum("predict", ct, *to)
    assert refused(ran)
    assert "there is no such folder" in ran.err
    assert not (tmp_path / "out").exists()


def test_in_a_project_they_are_a_second_opinion(omentum, home, as_published, leave, ct, cohort, tmp_path):
    for seed, case_id in enumerate(("phantom_0000", "phantom_0001")):
        folder = leave("theirs", case_id, liver=specks(ct, seed), spleen=specks(ct, seed + 5, 0.2))
    omentum("models", "add", folder, "--as", "ts", "--organs", "liver,spleen")
    project = tmp_path / "atlas"
    assert omentum("init", tmp_path / "alone", "--network", "ts").code == 2, "it could not be tuned"
    assert omentum("init", project, "--network", "tiny", "--network", "ts").code == 0
    as_published(project)
    omentum("-C", project, "add", cohort / "phantom_0000", cohort / "phantom_0001")
    assert "predicted 2 cases\n" in omentum("-C", project, "predict", "--average").err
    assert "predicted 0 cases, 2 before\n" in omentum("-C", project, "predict", "--average").err
    assert omentum("-C", project, "score").code == 0
    spots = json.loads((project / "cases/phantom_0000/attention/hot_spots.json").read_text())
    assert list(spots["networks"]) == ["tiny", "ts"]
