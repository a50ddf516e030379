"""The command line, from a new folder to the next round, as people and scripts use it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from omentum import __version__
from omentum.assemble.manifest import verify_release
from omentum.networks import catalogue
from omentum.networks.weights import load_network, tensors_sha256
from omentum.project.settings import read_settings

COMMANDS = [
    ["init"], ["add"], ["predict"], ["score"], ["review", "export"], ["review", "import"],
    ["review", "prefer"], ["assemble"], ["release", "list"], ["release", "diff"], ["release", "verify"],
    ["release", "rollback"], ["export"], ["tune"], ["evaluate"], ["audit"], ["round"], ["status"],
    ["demo"], ["phantoms"],
    ["people", "add"], ["people", "list"], ["people", "set-role"], ["people", "password"],
    ["people", "disable"], ["people", "enable"], ["people", "token"], ["people", "revoke"],
    ["models", "list"], ["models", "show"], ["models", "pull"], ["models", "add"], ["models", "remove"],
]  # fmt: skip


def test_the_version_is_told(omentum):
    ran = omentum("--version")
    assert (ran.code, ran.out.strip()) == (0, f"omentum {__version__}")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(omentum, command):
    ran = omentum(*command, "--help")
    assert ran.code == 0
    assert "Example: omentum" in " ".join(ran.out.split())


def test_a_review_or_an_assembly_starts_without_a_gpu_stack():
    check = "import sys, omentum.app.cli; sys.exit('torch' in sys.modules or 'monai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_an_unknown_command_is_refused_with_code_2(omentum):
    assert omentum("segment").code == 2


@pytest.fixture
def project(home, predicted_cohort, tmp_path):
    """A project of four cases that the tiny network predicted, none held out."""
    return shutil.copytree(predicted_cohort, tmp_path / "atlas")


@pytest.fixture
def few_steps(tmp_path):
    """The options by which `tune` takes a moment."""
    (tmp_path / "tune.toml").write_text("steps = 20\nsamples_per_class = 500\n")
    return "--config", tmp_path / "tune.toml"


def test_a_round_by_files(omentum, project, tmp_path, cohort, few_steps):
    ran = omentum("-C", project, "score", "--json")
    queue = json.loads(ran.out)["tasks"]
    assert [task["rank"] for task in queue] == list(range(1, len(queue) + 1))
    tasks = tmp_path / "tasks"
    assert omentum("-C", project, "review", "export", tasks).code == 0
    case_id, organ = _first_mask(queue)
    revised = _save_revision(tasks, cohort, case_id, organ)

    ran = omentum("-C", project, "review", "import", tasks, "--minutes", 12, "--json")
    taken = json.loads(ran.out)["taken"]
    assert [(one["case"], one["organ"]) for one in taken] == [(case_id, organ)]

    assert omentum("-C", project, "assemble", "--version", "V1").code == 0
    released = project / "releases" / "V1" / case_id
    assert np.array_equal(
        np.asarray(nib.load(released / "segmentations" / f"{organ}.nii.gz").dataobj), revised
    )
    assert (released / "ct.nii.gz").is_file()
    assert (released / "combined_labels.nii.gz").is_file()
    assert json.loads((released / "lineage.json").read_text())["organs"][organ]["source"] == "revised"
    assert verify_release(project / "releases" / "V1") == []
    assert omentum("-C", project, "assemble", "--version", "V1").code == 2

    ran = omentum("-C", project, "tune", *few_steps)
    assert ran.code == 0
    assert "undecided by gate" in ran.out
    assert omentum("-C", project, "gate", "--accept").code == 0
    status = json.loads(omentum("-C", project, "status", "--json").out)
    assert (status["round"], status["network"], status["predicted"]) == (2, "tiny-r1", 0)
    assert omentum("-C", project, "predict").code == 0
    status = json.loads(omentum("-C", project, "status", "--json").out)
    assert status["predicted"] == 4
    ran = omentum("-C", project, "evaluate", "--truth", cohort, "--json")
    assert [one["network"] for one in json.loads(ran.out)["rounds"]] == ["tiny", "tiny-r1"]
    assert Path(json.loads(ran.out)["report"]).read_text().startswith("<!doctype html>")


def test_tuning_changes_the_heads_of_revised_organs_and_nothing_else(
    omentum, project, tmp_path, cohort, tiny_weights, few_steps
):
    queue = json.loads(omentum("-C", project, "score", "--json").out)["tasks"]
    tasks = tmp_path / "tasks"
    omentum("-C", project, "review", "export", tasks)
    case_id, organ = _first_mask(queue)
    _save_revision(tasks, cohort, case_id, organ)
    omentum("-C", project, "review", "import", tasks)
    assert omentum("-C", project, "tune", "--mode", "continual", *few_steps).code == 0
    before, after = load_network(tiny_weights), load_network(project / "networks/tiny-r1/weights.safetensors")
    for name in before.spec.organs:
        hashes = [tensors_sha256(network.head_tensors(name)) for network in (before, after)]
        assert (hashes[0] != hashes[1]) == (name == organ)
    trunks = [
        tensors_sha256({k: v for k, v in network.state_dict().items() if "organ_heads" not in k})
        for network in (before, after)
    ]
    assert trunks[0] == trunks[1]


def _networks(project):
    return list(read_settings(project / "omentum.toml").networks)


def test_a_project_begins_with_the_networks_that_are_named(omentum, home_of_two, tmp_path):
    assert omentum("init", tmp_path / "one", "--network", "tiny").code == 0
    assert _networks(tmp_path / "one") == ["tiny"]
    assert omentum("init", tmp_path / "two", "--network", "tiny-second", "--network", "tiny").code == 0
    assert _networks(tmp_path / "two") == ["tiny-second", "tiny"]
    assert omentum("init", tmp_path / "none", "--network", "tiny", "--network", "nobodys").code == 2
    assert omentum("init", tmp_path / "none", "--network", "tiny", "--network", "tiny").code == 2
    assert not (tmp_path / "none").exists()


def test_where_none_is_named_it_begins_with_the_starter_and_its_second_opinion_if_known(
    omentum, home, tmp_path, tiny_weights, monkeypatch
):
    monkeypatch.setattr(catalogue.resources, "files", lambda _: tmp_path / "package")
    for n_known, name in enumerate(("starter", "starter-second"), start=1):
        catalogue.add_model(tiny_weights, name)
        assert omentum("init", tmp_path / name).code == 0
        assert _networks(tmp_path / name) == ["starter", "starter-second"][:n_known]


def test_with_a_second_opinion_a_case_counts_once_and_waits_for_both(omentum, home_of_two, cohort, tmp_path):
    project = tmp_path / "atlas"
    omentum("init", project, "--network", "tiny", "--network", "tiny-second")
    omentum("-C", project, "add", cohort / "phantom_0000", cohort / "phantom_0001")
    assert "predicted 2 cases\n" in omentum("-C", project, "predict", "--network", "tiny").err
    status = json.loads(omentum("-C", project, "status", "--json").out)
    assert (status["network"], status["second_opinion"]) == ("tiny", "tiny-second")
    assert (status["predicted"], status["next"]) == (0, "omentum predict")
    assert "predicted 2 cases\n" in omentum("-C", project, "predict").err
    assert "predicted 0 cases, 2 before\n" in omentum("-C", project, "predict").err
    status = json.loads(omentum("-C", project, "status", "--json").out)
    assert (status["predicted"], status["next"]) == (2, "omentum score")


def test_what_is_done_is_not_done_again(omentum, project):
    masks = project / "cases/phantom_0001/networks/tiny/masks.nii.gz"
    written = masks.stat().st_mtime_ns
    ran = omentum("-C", project, "predict")
    assert "4 before" in ran.err
    assert masks.stat().st_mtime_ns == written


def test_networks_are_listed_shown_added_and_removed(omentum, home, tiny_weights):
    assert omentum("models", "add", tiny_weights, "--as", "mine").code == 0
    names = [one["name"] for one in json.loads(omentum("models", "list", "--json").out)]
    assert {"mine", "tiny"} <= set(names)
    assert "8 mm" in omentum("models", "show", "mine").out
    assert omentum("models", "remove", "mine").code == 0
    assert omentum("models", "show", "mine").code == 2


def test_predicting_needs_no_project(omentum, home, cohort, tmp_path):
    ct = cohort / "phantom_0002" / "ct.nii.gz"
    out = tmp_path / "out"
    assert omentum("predict", ct, "-o", out, "--network", "tiny", "--organs", "liver,spleen").code == 0
    expected = nib.load(ct)
    assert sorted(path.name for path in (out / "segmentations").iterdir()) == [
        "liver.nii.gz",
        "spleen.nii.gz",
    ]
    for path in [*(out / "segmentations").iterdir(), out / "labels.nii.gz"]:
        mask = nib.load(path)
        assert mask.shape == expected.shape
        assert np.array_equal(mask.affine, expected.affine)
        assert mask.get_data_dtype() == np.uint8
    assert {"labels.json", "summary.json", "preview.png"} <= {path.name for path in out.iterdir()}


def _first_mask(queue):
    """Give case and organ of the first task that is about a mask, not about a whole CT."""
    return next((task["case"], task["organ"]) for task in queue if task["organ"] != "whole_ct")


def _save_revision(tasks, cohort, case_id, organ):
    """Save the true mask as a reader would; give its voxels."""
    labels = nib.load(cohort / case_id / "labels.nii.gz")
    index = int(np.asarray(nib.load(tasks / case_id / f"{organ}.nii.gz").dataobj).max()) or None
    truth = np.asarray(labels.dataobj) == (index or _index(organ))
    image = nib.Nifti1Image(truth.astype(np.uint8), labels.affine)
    nib.save(image, tasks / case_id / f"{organ}_revised.nii.gz")
    return truth.astype(np.uint8)


def _index(name):
    from omentum.volumes.labels import organ

    return organ(name).index
