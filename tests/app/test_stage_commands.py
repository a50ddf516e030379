import json
import subprocess
import sys

import pytest

from omentum import loop
from omentum.app.console import bars

CONFIG = """
steps = 2
batch_size = 1
spacing_mm = 8.0
patch_voxels = [32, 32, 32]
window_voxels = [32, 32, 32]
rendered_share = 1.0
made_share = 0.0
pool_cases = 1
"""


@pytest.fixture
def project(omentum, home, cohort, tmp_path):
    """A project of CTs without any mask."""
    folder = tmp_path / "atlas"
    assert omentum("init", folder, "--network", "tiny", "--held-out", 0).code == 0
    assert omentum("-C", folder, "add", cohort).code == 0
    return folder


@pytest.fixture
def tune(omentum, project, tmp_path):
    """Tunes with a config's text and further arguments."""
    config = tmp_path / "tune.toml"

    def run(*arguments, text: str = CONFIG, mode: str = "full"):
        config.write_text(text)
        return omentum("-C", project, "tune", "--mode", mode, "--config", config, *arguments)

    return run


def test_a_network_is_trained_from_a_label_map_without_any_mask(tune, project, label_map):
    assert tune("--anatomy", f"totalsegmentator={label_map}").code == 0
    folder = project / "networks" / "tiny-r1"
    story = json.loads((folder / "tune.json").read_text())
    assert (story["mode"], story["anatomy"], story["config"]["rendered_share"]) == ("full", ["map"], 1.0)
    assert "(anatomy of `map`)" in (folder / "model-card.md").read_text()
    assert [path.name for path in folder.glob("*tfevents*")], "TensorBoard can show it"


@pytest.mark.parametrize(
    ("anatomy", "why"),
    [
        ("map.nii.gz", "it must be IDS=FILE"),
        ("totalsegmentator=", "it must be IDS=FILE"),
        ("totalsegmentator=nowhere.nii.gz", "nowhere.nii.gz"),
        ("nobodys={map}", "they must be totalsegmentator or one of"),
        ("omentum={map}", "is no value of the ids omentum"),
    ],
)
def test_a_label_map_that_cannot_be_used_is_refused(tune, project, label_map, anatomy, why):
    ran = tune("--anatomy", anatomy.format(map=label_map))
    assert ran.code == 2
    assert ran.err.startswith("omentum: ")
    assert ran.err.count("\n") == 1
    assert why in ran.err
    assert not (project / "networks").exists()


def test_a_label_map_that_nothing_would_be_made_from_is_refused(tune, label_map):
    anatomy = ("--anatomy", f"totalsegmentator={label_map}")
    assert "it goes with --mode full" in tune(*anatomy, text="", mode="continual").err
    ran = tune(*anatomy, text="steps = 2")
    assert (ran.code, "rendered_share above 0" in ran.err) == (2, True)


def test_a_log_tells_the_loss_of_a_long_training_ten_times(tune, project, monkeypatch):
    def train(_workspace, _config, *, progress, **_):
        for done in range(1, 201):
            progress("train", done, 200, f"loss {1 / done:.3f}")
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "tune", train)
    lines = [line for line in tune().err.splitlines() if line.startswith("train")]
    assert lines[:2] == ["train: 20 of 200, loss 0.050", "train: 40 of 200, loss 0.025"]
    assert len(lines) == 10


def test_full_training_tells_what_it_made_and_of_which_organs_nobody_knows(tune, project, label_map):
    map_ = f"totalsegmentator={label_map}"
    options = [
        "--steps",
        1,
        "--seed",
        4,
        "--architecture",
        "starter",
        "--json",
        "--report",
        project / "run.json",
    ]
    ran = tune("--anatomy", map_, *options)
    assert ran.code == 0
    story, report = json.loads(ran.out), json.loads((project / "run.json").read_text())
    assert report["results"] == {"network": "tiny-r1", "weights_sha256": story["weights_sha256"]}
    assert report["settings"]["tuning"] == story["config"]
    assert (story["name"], story["mode"], story["steps"]) == ("tiny-r1", "full", 1)
    assert (story["config"]["seed"], story["config"]["architecture"]) == (4, "starter")
    assert "no label" not in ran.err, "synthetic patients have all nine organs"


def test_options_of_the_other_mode_are_refused_in_a_line(tune, project):
    ran = tune("--devices", 2, text="", mode="continual")
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert "it goes with --mode full" in ran.err
    ran = tune("--architecture", "nobody", text="architecture = 'nobody'\npatch_voxels = [32, 32, 32]")
    assert ran.code == 2
    assert "nobody" in ran.err


def test_what_is_to_be_known_beforehand_is_a_line_in_a_log_too(capsys):
    with bars() as tell:
        tell("no label", 0, 0, "of pancreas")
        tell("train", 1, 3, "loss 0.5")
    assert capsys.readouterr().err == "no label: of pancreas\n"


def test_commands_start_without_what_only_label_maps_need():
    check = "import sys, omentum.app.cli; sys.exit('omentum.phantoms.anatomy_map' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_what_is_trainable_goes_with_continual_tuning_and_is_one_of_two(tune):
    for mode, text, value, why in (
        ("full", CONFIG, "heads", "it goes with --mode continual"),
        ("continual", "steps = 2", "everything", "it must be one of heads, heads+adapters"),
    ):
        ran = tune("--trainable", value, text=text, mode=mode)
        assert (ran.code, len(ran.err.strip().splitlines())) == (2, 1)
        assert why in ran.err
