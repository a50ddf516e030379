import json

import pytest
from safetensors import safe_open

from omentum.networks import catalogue
from omentum.networks.weights import load_network, tensors_sha256

MOST_BYTES = 10_000_000
PAIR = {"starter": 3.0, "starter-second": 4.0}


@pytest.fixture
def shipped(monkeypatch, tmp_path):
    """Weights files by name, of a user who has none of their own."""
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path))
    return catalogue.known_models()


def test_a_pair_ships_and_fits_into_10_mb(shipped):
    assert list(shipped) == list(PAIR)
    assert sum(file.stat().st_size for file in shipped.values()) <= MOST_BYTES


@pytest.mark.parametrize(("name", "spacing_mm"), PAIR.items())
def test_what_is_told_of_weights_is_about_those_weights(shipped, name, spacing_mm):
    network = load_network(shipped[name])
    sha256 = tensors_sha256(network.state_dict())
    told = json.loads((shipped[name].parent / "trained-on.json").read_text(encoding="utf-8"))
    card = (shipped[name].parent / "model-card.md").read_text(encoding="utf-8")
    assert told["weights_sha256"] == sha256
    assert sha256 in card
    assert sha256[:12] in card.partition("<!-- quality: begin -->")[2]
    assert network.spec.spacing_mm == spacing_mm
    assert f"{spacing_mm:g} mm voxels" in card


@pytest.mark.parametrize("name", PAIR)
def test_no_scan_that_people_test_on_was_learned_from(shipped, name):
    told = json.loads((shipped[name].parent / "trained-on.json").read_text(encoding="utf-8"))
    assert not [one for one in told["data"] if "chaos" in one["path"]]
    assert all(last < 5000 or first > 5999 for first, last in told["phantom_seeds"])


def test_weights_are_kept_in_8_bits(shipped):
    for file in shipped.values():
        with safe_open(file, framework="pt") as stored:
            kinds = {stored.get_slice(key).get_dtype() for key in stored.keys()}  # noqa: SIM118
        assert "I8" in kinds
