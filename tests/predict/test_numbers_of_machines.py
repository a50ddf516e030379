"""Machines that are fast with other numbers share projects and folders; what a person asks for counts."""

import json

import pytest

from omentum.incoming import add_cases
from omentum.networks import precision
from omentum.networks.network import ARCHITECTURES
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.merge_shards import merge_shards
from omentum.predict.network_predictor import NetworkPredictor
from omentum.predict.predict_files import predict_files
from omentum.predict.stage import predict_round
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings
from omentum.runners.shards import Shard

pytestmark = pytest.mark.usefixtures("quick_pictures")


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """Function: go on as a machine that is fast with bfloat16, or as one that is not."""
    monkeypatch.setattr(ARCHITECTURES["bands"], "takes_half", True)
    monkeypatch.setattr(ARCHITECTURES["bands"], "predicts_in_half", True)

    def go_on(numbers):
        monkeypatch.setattr(precision, "has_bfloat16", lambda _device: numbers == "bfloat16")

    return go_on


@pytest.fixture
def project(tmp_path, monkeypatch, write_weights, ct_file):
    """A project of two cases with two networks of its own."""
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))
    root = tmp_path / "atlas"
    settings = Settings(organs=("spleen", "liver"), networks=("bands", "other"), overlap=0.25)
    begin_project(root, settings)
    write_weights(root / "networks" / "bands" / "weights.safetensors")
    write_weights(root / "networks" / "other" / "weights.safetensors", gain=0.25)
    with opened(root) as workspace:
        add_cases(workspace, [ct_file("a.nii.gz"), ct_file("b.nii.gz")])
    return root


def numbers_in(root):
    found = [json.loads(path.read_text())["made_with"] for path in root.rglob("summary.json")]
    return {one["numbers"] for one in found if "numbers" in one}


@pytest.mark.parametrize(("first", "second"), [("bfloat16", "float32"), ("float32", "bfloat16")])
def test_a_machine_takes_what_another_predicted_in_its_own_numbers(project, machine, first, second):
    machine(first)
    with opened(project) as workspace:
        predict_round(workspace, average=True)
    assert numbers_in(project) == {first}, "the machines do differ"
    machine(second)
    with opened(project) as workspace:
        batches = predict_round(workspace, average=True)
    assert [batch.skipped for batch in batches] == [("a", "b")] * 3
    assert numbers_in(project) == {first}


def test_other_settings_are_stale_whatever_numbers_they_were_predicted_in(project, machine):
    machine("bfloat16")
    with opened(project) as workspace:
        predict_round(workspace)
    settings = project / "omentum.toml"
    settings.write_text(settings.read_text().replace("overlap = 0.25", "overlap = 0.5"))
    machine("float32")
    with opened(project) as workspace:
        assert [batch.done for batch in predict_round(workspace)] == [("a", "b")] * 2


def test_a_shard_goes_on_with_the_journal_of_another_machine_and_it_is_merged(project, machine):
    for numbers, expected in (("bfloat16", "done"), ("float32", "skipped")):
        machine(numbers)
        with opened(project, shard=Shard(1, 1)) as workspace:
            batches = predict_round(workspace)
        assert [getattr(batch, expected) for batch in batches] == [("a", "b")] * 2
    with opened(project) as workspace:
        assert len(merge_shards(workspace).done) == 4
        assert [batch.skipped for batch in predict_round(workspace)] == [("a", "b")] * 2


@pytest.mark.parametrize("n_networks", [1, 2])
def test_a_folder_is_predicted_anew_where_a_person_asks_for_other_numbers(
    plan, weights, ct_file, machine, tmp_path, n_networks
):
    sources = {name: ct_file(f"{name}.nii.gz") for name in ("one", "two")}

    def outcome(asked):
        config = InferenceConfig(numbers=asked)
        networks = [
            NetworkPredictor(f"bands-{number}", weights, config=config) for number in range(n_networks)
        ]
        batch = predict_files(plan(sources, *networks, config=config, numbers=asked))
        return "done" if batch.done == ("one", "two") else "skipped"

    machine("bfloat16")
    assert outcome("auto") == "done"
    machine("float32")
    assert outcome("auto") == "skipped"
    assert outcome("bfloat16") == "skipped"
    assert outcome("float32") == "done"
    machine("bfloat16")
    assert outcome("auto") == "skipped"
    assert outcome("float32") == "skipped"
