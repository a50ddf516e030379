"""What bad input gets: one sentence with a cure, exit code 2, nothing written; a batch goes on."""

import gzip
import json
import pickle
import shutil

import nibabel as nib
import numpy as np
import pytest

from omentum import loop
from omentum.project.project import opened

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


FORM_CODES = slice(252, 256)
"""Bytes of qform_code and sform_code in a NIfTI-1 header."""


def _save(path, voxels, affine=AFFINE):
    nib.save(nib.Nifti1Image(voxels, affine), path)


def truncated(path):
    _save(path, np.random.default_rng(0).integers(-500, 500, (40, 40, 40)).astype(np.int16))
    path.write_bytes(path.read_bytes()[:-2000])


def not_gzip(path):
    path.write_bytes(b"\x5c\x01\0\0" + bytes(500))


def not_an_image(path):
    path.write_bytes(gzip.compress(b"dear colleague, please find attached"))


def two_dimensional(path):
    _save(path, np.zeros((64, 64), dtype=np.int16))


def four_dimensional(path):
    _save(path, np.zeros((16, 16, 16, 2), dtype=np.int16))


def not_finite(path):
    voxels = np.zeros((16, 16, 16), dtype=np.float32)
    voxels[3, 4, 5] = np.nan
    _save(path, voxels)


def without_affine(path):
    _save(path, np.zeros((16, 16, 16), dtype=np.int16))
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[FORM_CODES] = bytes(4)
    path.write_bytes(gzip.compress(bytes(content)))


def too_small(path):
    _save(path, np.zeros((16, 16, 7), dtype=np.int16))


def too_long(path):
    _save(path, np.zeros((8, 8, 4097), dtype=np.int16))


def too_fine(path):
    _save(path, np.zeros((16, 16, 16), dtype=np.int16), np.diag([0.05, 1.0, 1.0, 1.0]))


def too_coarse(path):
    _save(path, np.zeros((16, 16, 16), dtype=np.int16), np.diag([1.0, 1.0, 21.0, 1.0]))


BAD_CTS = [
    truncated, not_gzip, not_an_image, two_dimensional, four_dimensional, not_finite, without_affine,
    too_small, too_long, too_fine, too_coarse,
]  # fmt: skip


@pytest.fixture
def project(omentum, home, tmp_path, as_published):
    folder = tmp_path / "atlas"
    omentum("init", folder, "--network", "tiny")
    as_published(folder)
    return folder


def refused(ran):
    """Tell whether a command ended with code 2 and one sentence, not a traceback."""
    lines = ran.err.strip().splitlines()
    return ran.code == 2 and len(lines) == 1 and lines[0].startswith("omentum: ")


@pytest.mark.parametrize("make", BAD_CTS, ids=lambda make: make.__name__)
def test_a_bad_ct_is_refused_and_nothing_is_written(omentum, project, tmp_path, make):
    path = tmp_path / "scan.nii.gz"
    make(path)
    ran = omentum("predict", path, "-o", tmp_path / "out", "--network", "tiny")
    assert refused(ran), ran.err
    assert "scan.nii.gz" in ran.err
    assert not (tmp_path / "out").exists()
    assert refused(omentum("-C", project, "add", path))
    assert list((project / "cases").iterdir()) == []


def test_in_a_batch_the_rest_goes_on(omentum, project, cohort, tmp_path):
    scans = tmp_path / "scans"
    scans.mkdir()
    shutil.copy(cohort / "phantom_0000" / "ct.nii.gz", scans / "good.nii.gz")
    truncated(scans / "bad.nii.gz")
    ran = omentum("-C", project, "add", scans)
    assert ran.code == 1
    assert "bad was set aside" in ran.err
    assert "1 of 2 cases failed; try them again with `omentum -C" in ran.err
    assert [path.name for path in (project / "cases").iterdir()] == ["good"]
    assert "bad" in omentum("-C", project, "status").out
    shutil.copy(cohort / "phantom_0001" / "ct.nii.gz", scans / "bad.nii.gz")
    assert omentum("-C", project, "add", scans).code == 0


def test_a_case_that_no_network_can_read_is_told_of_once(omentum, home_of_two, cohort, tmp_path):
    project = tmp_path / "atlas"
    omentum("init", project, "--network", "tiny", "--network", "tiny-second")
    omentum("-C", project, "add", cohort / "phantom_0000", cohort / "phantom_0001")
    truncated(project / "cases" / "phantom_0001" / "ct.nii.gz")
    ran = omentum("-C", project, "predict")
    assert ran.code == 1
    assert "predicted 1 case\n" in ran.err
    assert ran.err.count("phantom_0001 was set aside") == 1
    assert "1 of 2 cases failed" in ran.err


def test_a_name_that_is_taken_is_refused_with_the_way_to_give_one(omentum, project, cohort, tmp_path):
    for folder, patient in (("a", "phantom_0000"), ("b", "phantom_0001")):
        (tmp_path / folder).mkdir()
        shutil.copy(cohort / patient / "ct.nii.gz", tmp_path / folder / "patient7.nii.gz")
    assert omentum("-C", project, "add", tmp_path / "a").code == 0
    ran = omentum("-C", project, "add", tmp_path / "b")
    assert refused(ran)
    assert "--id NAME" in ran.err
    assert omentum("-C", project, "add", tmp_path / "b" / "patient7.nii.gz", "--id", "patient7-b").code == 0


@pytest.fixture(scope="module")
def exported_once(predicted_cohort, tmp_path_factory):
    """A project and the task folders of a round of it."""
    folder = tmp_path_factory.mktemp("exported")
    shutil.copytree(predicted_cohort, folder / "atlas")
    with opened(folder / "atlas") as project:
        loop.score(project)
        loop.export_round(project, folder / "tasks")
    return folder


@pytest.fixture
def exported(home, exported_once, tmp_path):
    """A copy of both: the project, and the folder of one task's case."""
    shutil.copytree(exported_once, tmp_path / "copy")
    return tmp_path / "copy/atlas", tmp_path / "copy/tasks/phantom_0000"


def set_aside(ran):
    """Tell whether a command set one file aside, in a sentence, and went on."""
    lines = ran.err.strip().splitlines()
    return ran.code == 1 and len(lines) == 2 and all(line.startswith("omentum: ") for line in lines)


def test_a_mask_on_another_grid_is_set_aside(omentum, exported):
    project, folder = exported
    ct = nib.load(folder / "ct.nii.gz")
    moved = ct.affine.copy()
    moved[0, 3] += 4.0
    _save(folder / "liver_revised.nii.gz", np.zeros(ct.shape, dtype=np.uint8), moved)
    ran = omentum("-C", project, "review", "import", folder)
    assert set_aside(ran)
    assert "liver_revised.nii.gz" in ran.err


@pytest.mark.parametrize("value", [7, 300, 0.5])
def test_a_mask_with_values_that_are_no_labels_is_set_aside(omentum, exported, value):
    project, folder = exported
    ct = nib.load(folder / "ct.nii.gz")
    voxels = np.zeros(ct.shape, dtype=np.float32 if value == 0.5 else np.int16)
    voxels[5:9, 5:9, 5:9] = value
    _save(folder / "liver_revised.nii.gz", voxels, ct.affine)
    assert set_aside(omentum("-C", project, "review", "import", folder))


def test_a_mask_of_an_unknown_organ_is_set_aside(omentum, exported):
    project, folder = exported
    shutil.copy(folder / "liver.nii.gz", folder / "appendix_revised.nii.gz")
    ran = omentum("-C", project, "review", "import", folder)
    assert set_aside(ran)
    assert "'appendix'" in ran.err


class _Code:
    def __reduce__(self):
        return (print, ("this must never run",))


def test_weights_that_carry_code_are_refused_unrun(omentum, home, tmp_path):
    path = tmp_path / "net.pth"
    path.write_bytes(pickle.dumps({"net": _Code()}))
    ran = omentum("models", "add", path, "--as", "net")
    assert refused(ran)
    assert "never run" not in ran.out


def test_weights_that_do_not_fit_are_refused_tensor_by_tensor(omentum, home, tmp_path, tiny_weights):
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(tiny_weights, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    del tensors["reduce.0.weight"]
    save_file(tensors, tmp_path / "net.safetensors", metadata=metadata)
    ran = omentum("models", "add", tmp_path / "net.safetensors", "--as", "net")
    assert refused(ran)
    assert "reduce.0.weight is missing" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["-C", "nowhere", "status"],
        ["-C", "nowhere", "predict"],
        ["predict", "missing.nii.gz", "-o", "out"],
        ["predict", "missing.nii.gz"],
        ["predict", "missing.nii.gz", "-o", "out", "--network", "none"],
        ["init", "new", "--organs", "heart"],
        ["init", "new", "--held-out", "2"],
        ["models", "show", "none"],
        ["models", "add", "missing.safetensors", "--as", "x"],
    ],
    ids=" ".join,
)
def test_a_mistake_gets_one_sentence(omentum, home, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    assert refused(omentum(*arguments))
    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "command", [["score"], ["tune"], ["assemble", "--version", "V1"], ["evaluate"]], ids=" ".join
)
def test_a_stage_before_its_turn_says_what_comes_first(omentum, project, command):
    assert refused(omentum("-C", project, *command))


def test_an_interruption_ends_with_130(omentum, project, monkeypatch):
    def interrupt(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("omentum.project.project.opened", interrupt)
    ran = omentum("-C", project, "status")
    assert ran.code == 130
    assert "goes on where" in ran.err


def test_damaged_masks_are_set_aside_and_the_others_are_taken(omentum, exported):
    project, folder = exported
    whole = (folder / "liver.nii.gz").read_bytes()
    content = bytearray(gzip.decompress(whole))
    content[70] = 255  # the type of the voxels
    for name, damaged in {
        "spleen_revised.nii.gz": whole[: len(whole) // 2],
        "pancreas_revised.nii.gz": gzip.compress(bytes(content)),
        "stomach_revised.nrrd": b"NRRD0004\ntype: odd\ndimension: 3\n\n",
        "aorta_revised.mha": b"ObjectType = Image\nNDims = 3\n",
        "postcava_revised.nii.gz": b"",
    }.items():
        (folder / name).write_bytes(damaged)
    mask = nib.load(folder / "liver.nii.gz")
    voxels = np.asarray(mask.dataobj).copy()
    voxels[5:9, 5:9, 5:9] = 1 - voxels[5:9, 5:9, 5:9]
    _save(folder / "liver_revised.nii.gz", voxels, mask.affine)
    ran = omentum("-C", project, "review", "import", folder, "--json")
    told = json.loads(ran.out)
    assert ran.code == 1
    assert [one["organ"] for one in told["taken"]] == ["liver"]
    assert len(told["set_aside"]) == 5
