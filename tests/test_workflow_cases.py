"""Chains of commands as people go them: what is odd is told, and a person decides."""

import json
import shutil

import numpy as np
import pytest
import torch
from torch import nn

from omentum import loop
from omentum.names import reader_pseudonym
from omentum.networks.catalogue import add_model
from omentum.networks.network import ARCHITECTURES, Network, NetworkSpec, build, register
from omentum.networks.weights import save_network
from omentum.predict import predict_case
from omentum.project.paths import ProjectFolder, read_secret
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume

HU = {"liver": 90, "spleen": 110, "kidney_right": 150, "kidney_left": 170, "pancreas": 70}
BODY_HU, AIR_HU = 20, -1000
GRID = np.diag([-9.0, -9.0, 9.0, 1.0])


class ByHu(Network):
    """Knows organs by their Hounsfield units, so that it makes the masks that the patients were made of."""

    stride = 4

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__(spec)
        self.gain = nn.Parameter(torch.tensor(2.0))

    def trunk(self, hu):
        return torch.cat([hu, torch.zeros_like(hu).expand(-1, 7, -1, -1, -1)], dim=1), self.context_of(hu)

    def context_of(self, hu):
        return torch.zeros(hu.shape[0], 1)

    def heads(self, features, context, organs):
        del context
        away = [(features[:, 0] - HU[name]).abs() for name in organs]
        return self.gain * (8.0 - torch.stack(away, dim=1))


@pytest.fixture(scope="module")
def patients(cohort):
    """CTs of four patients on a grid of 9 mm, each organ of one value: voxels `(x, y, z)`, axes LPS."""
    made = []
    for patient in sorted(cohort.iterdir()):
        ct, labels = (read_nifti(patient / f"{name}.nii.gz").voxels for name in ("ct", "labels"))
        hu = np.where(ct > -300, BODY_HU, AIR_HU).astype(np.int16)
        for name, value in HU.items():
            hu[labels == organ(name).index] = value
        made.append(hu)
    return made


@pytest.fixture(scope="module")
def made(patients, tmp_path_factory):
    """A folder with a project of three patients, predicted and scored, and a home with the network."""
    folder = tmp_path_factory.mktemp("workflow")
    register("by-hu")(ByHu)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMENTUM_HOME", str(folder / "home"))
        patch.setattr(predict_case, "write_preview", lambda path, *_: path.write_bytes(b"a picture"))
        spec = NetworkSpec(architecture="by-hu", organs=tuple(HU), spacing_mm=9.0, window_voxels=(16, 16, 16))
        save_network(folder / "weights.safetensors", build(spec))
        add_model(folder / "weights.safetensors", "by-hu")
        for number, hu in enumerate(patients[:3]):
            write_ct(folder / "src" / f"p{number}.nii.gz", hu)
        settings = Settings(organs=tuple(HU), networks=("by-hu",), held_out_share=0.0, audit_share=0.0)
        begin_project(folder / "project", settings)
        with opened(folder / "project") as project:
            loop.add_cases(project, [folder / "src"])
            loop.predict(project)
            loop.score(project)
        yield folder
    del ARCHITECTURES["by-hu"]


@pytest.fixture
def root(made, tmp_path, monkeypatch):
    """A copy of that project."""
    monkeypatch.setenv("OMENTUM_HOME", str(made / "home"))
    monkeypatch.setattr(predict_case, "write_preview", lambda path, *_: path.write_bytes(b"a picture"))
    return shutil.copytree(made / "project", tmp_path / "project")


@pytest.fixture
def run(omentum, root):
    """Function: run a command on the project; programs' JSON where `--json` is given."""

    def command(*words, code=0):
        done = omentum("-C", root, *words)
        assert done.code == code, (words, done.out, done.err)
        return json.loads(done.out) if "--json" in words else done.out + done.err

    return command


def write_ct(path, hu):
    write_nifti(path, Volume(np.ascontiguousarray(hu), Geometry(hu.shape, GRID)))
    return path


def save(folder, case_id, name, mask):
    """Save a mask as a reader does."""
    write_ct(folder / case_id / f"{name}_revised.nii.gz", mask.astype(np.uint8))


def without_top(mask, n):
    """Give a mask without its highest slices."""
    cut = mask.copy()
    cut[:, :, np.flatnonzero(mask.any(axis=(0, 1)))[-n:]] = False
    return cut


def first_tasks(queue):
    """Give case and organ of the tasks, the first one first."""
    return [(one["case"], one["organ"]) for one in queue["tasks"]]


def test_kidneys_that_a_reader_mixed_up_are_in_no_release_until_a_person_confirms_them(
    run, root, patients, tmp_path
):
    for name, other in (("kidney_left", "kidney_right"), ("kidney_right", "kidney_left")):
        save(tmp_path / "t", "p0", name, patients[0] == HU[other])
    assert "kidney_left of p0 does not stand: held back" in run("review", "import", tmp_path / "t")
    held = run("status", "--json")["held"]
    kidneys = {("p0", "kidney_left"), ("p0", "kidney_right")}
    assert {(one["case"], one["organ"]) for one in held} == kidneys
    assert "held back: kidney_left of p0 (revised)" in run("status")
    assert set(first_tasks(run("score", "--budget", "20h", "--json"))[:2]) == kidneys
    run("assemble", "--version", "V1")
    first = root / "releases" / "V1"
    assert not list((first / "p0").rglob("kidney_*"))
    assert "`kidney_left` is held back until a person confirms it" in (first / "data-set-card.md").read_text()
    for rule in {one["rule"] for one in held}:
        run("review", "confirm", "--rule", rule, "--cases", "p0")
    assert run("status", "--json")["held"] == []
    run("assemble", "--version", "V2")
    released = read_nifti(root / "releases" / "V2" / "p0" / "segmentations" / "kidney_left.nii.gz")
    np.testing.assert_array_equal(released.voxels > 0, patients[0] == HU["kidney_right"])


def test_a_ct_that_is_upside_down_is_told_and_its_task_is_first_until_a_person_confirms_it(
    run, patients, tmp_path
):
    run("add", write_ct(tmp_path / "feet_up.nii.gz", patients[3][:, :, ::-1]))
    assert "upside down" in run("predict")
    assert "feet_up: whole CT: " in run("status")
    assert first_tasks(run("score", "--json"))[0] == ("feet_up", "whole_ct")
    run("review", "confirm", "--rule", "orientation", "--cases", "feet_up", "--why", "situs inversus")
    found = run("status", "--json")["findings"]
    assert [one for one in found if one["rule"] == "orientation"] == []
    assert ("feet_up", "whole_ct") not in first_tasks(run("score", "--json"))


def test_a_ct_whose_values_are_not_hounsfield_comes_in_only_as_a_person_wants(run, root, patients, tmp_path):
    write_ct(tmp_path / "src" / "off1024.nii.gz", patients[3] + 1024)
    write_ct(tmp_path / "src" / "p3.nii.gz", patients[3])
    refused = run("add", tmp_path / "src", code=1)
    assert "off1024 was set aside" in refused
    assert "--hu-offset -1024" in refused
    run("add", tmp_path / "src", "--accept-values")
    run("predict")
    assert "off1024: whole CT: its values cannot be Hounsfield units" in run("status")
    assert first_tasks(run("score", "--json"))[0] == ("off1024", "whole_ct")
    run("assemble", "--version", "V1")
    assert "off1024" in (root / "releases" / "V1" / "data-set-card.md").read_text()


def test_a_case_that_is_gone_stops_no_release_and_is_excluded(run, root):
    shutil.rmtree(root / "cases" / "p1")
    assert "p1" in run("assemble", "--version", "V1", code=1)
    assert sorted(path.name for path in (root / "releases" / "V1").glob("p*")) == ["p0", "p2"]
    run("cases", "exclude", "p1", "--why", "motion")
    assert run("assemble", "--version", "V2", "--json")["excluded"] == {"p1": "motion"}
    assert json.loads((root / "releases/V2/manifest.json").read_text())["excluded"] == {"p1": "motion"}


def test_organs_that_are_cut_on_every_side_have_no_place_that_could_be_wrong(run, cohort, tmp_path):
    for patient in sorted(cohort.iterdir())[:2]:
        ct, labels = (read_nifti(patient / f"{name}.nii.gz") for name in ("ct", "labels"))
        sides = [np.unique(axis) for axis in np.nonzero(labels.voxels == organ("liver").index)]
        box = tuple(slice(side[0] + 1, side[-1]) for side in sides)
        write_nifti(tmp_path / "src" / f"cut_{patient.name}.nii.gz", ct.cropped(box))
        write_nifti(tmp_path / "src" / f"cut_{patient.name}_seg.nii.gz", labels.cropped(box))
    words = ("add", tmp_path / "src", "--label", "{name}_seg.nii.gz", "--label-ids", "omentum")
    assert "nan" not in run(*words)
    assert "nan" not in run("status").lower()


def test_a_label_that_its_publisher_mended_is_told_and_taken_where_asked(run, root, patients, tmp_path):
    hu, path = patients[3], tmp_path / "src" / "p3_seg.nii.gz"
    write_ct(tmp_path / "src" / "p3.nii.gz", hu)
    words = ("add", tmp_path / "src", "--label", "{name}_seg.nii.gz", "--label-ids", "omentum")
    words += ("--label-organs", "liver")
    index = organ("liver").index
    for mask, more, code in (
        (without_top(hu == HU["liver"], 1), (), 0),
        (hu == HU["liver"], (), 1),
        (hu == HU["liver"], ("--update-labels",), 0),
    ):
        write_ct(path, mask.astype(np.uint8) * np.uint8(index))
        told = run(*words, *more, code=code)
    assert "its original label is now original_label.v2.nii.gz" in told
    old, new = (root / "cases" / "p3" / f"original_label{v}.nii.gz" for v in ("", ".v2"))
    assert (
        (read_nifti(new).voxels > 0).sum() == (hu == HU["liver"]).sum() > (read_nifti(old).voxels > 0).sum()
    )


def test_a_release_holds_the_mask_that_an_adjudicator_decided_for(run, root, patients, tmp_path):
    liver = patients[0] == HU["liver"]
    masks = {"A": without_top(liver, 1), "B": without_top(liver, 2)}
    for reader, mask in masks.items():
        save(tmp_path / reader, "p0", "liver", mask)
        run("review", "import", tmp_path / reader, "--reader", reader)
    status = run("status", "--json")
    assert (len(status["conflicts"]), status["tasks_in_adjudication"]) == (1, 1)
    run("review", "import", tmp_path / "B", "--reader", "chief", "--adjudicate")
    run("assemble", "--version", "V1")
    folder = root / "releases" / "V1" / "p0"
    released = read_nifti(folder / "segmentations" / "liver.nii.gz").voxels > 0
    np.testing.assert_array_equal(released, masks["B"])
    chief = reader_pseudonym(read_secret(ProjectFolder(root)), "chief")
    assert json.loads((folder / "lineage.json").read_text())["organs"]["liver"]["reader"] == chief


def test_two_readers_get_different_tasks(run, tmp_path):
    for organ_name in ("liver", "spleen", "pancreas"):
        run("review", "request", "p0", organ_name)
    given = []
    for reader in ("r1", "r2"):
        run("review", "export", tmp_path / reader, "--reader", reader, "--case", "p0", "--top", "1")
        (row,) = run("review", "list", "--reader", reader, "--json")
        given.append(row["task"])
    assert len(set(given)) == 2


def test_of_masks_that_come_back_together_one_that_was_cropped_is_taken_too(run, patients, tmp_path):
    for number in range(3):
        save(tmp_path / "t", f"p{number}", "liver", without_top(patients[number] == HU["liver"], 1))
    path = tmp_path / "t" / "p1" / "liver_revised.nii.gz"
    write_nifti(path, read_nifti(path).cropped((slice(1, -1), slice(1, -1), slice(2, -1))))
    taken = run("review", "import", tmp_path / "t", "--json")["taken"]
    assert [(one["case"], one["stands"]) for one in taken] == [("p0", True), ("p1", True), ("p2", True)]
