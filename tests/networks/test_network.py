import json

import pytest
import torch

from omentum.errors import ConfigError, UnknownNetworkError, UnknownOrganError
from omentum.networks.network import ARCHITECTURES, Network, NetworkSpec, build, register
from omentum.volumes.labels import ORGANS


def spec(**changes):
    fields = {"architecture": "starter", "organs": ("liver",), "spacing_mm": 3.0, **changes}
    return NetworkSpec(**fields)


def test_organs_come_in_the_order_of_the_label_table_each_once():
    assert spec(organs=("pancreas", "liver", "spleen", "liver")).organs == ("spleen", "liver", "pancreas")
    assert len(spec(organs=("abdomenatlas-1.0",)).organs) == 9


def test_a_spec_survives_its_own_text():
    one = spec(organs=("liver", "pancreas"), spacing_mm=1.5, window_voxels=(96, 64, 32))
    assert NetworkSpec.from_json(one.to_json()) == one


@pytest.mark.parametrize("spacing_mm", [0.0, -3.0, 0.05, 25.0, float("nan"), float("inf")])
def test_a_spacing_that_no_ct_has_is_refused(spacing_mm):
    with pytest.raises(ConfigError, match="spacing_mm"):
        spec(spacing_mm=spacing_mm)


def test_a_network_of_nothing_is_refused():
    with pytest.raises(ConfigError, match="organs"):
        spec(organs=())


def test_an_unknown_organ_is_refused():
    with pytest.raises(UnknownOrganError, match="soul"):
        spec(organs=("soul",))


@pytest.mark.parametrize("window", [(96, 96), (0, 96, 96), (-16, 16, 16), (16.0, 16, 16), ("a", 16, 16)])
def test_windows_that_are_no_windows_are_refused(window):
    with pytest.raises(ConfigError, match="window_voxels"):
        spec(window_voxels=window)


def test_windows_that_the_architecture_cannot_halve_are_refused():
    with pytest.raises(ConfigError, match=r"\(96, 40, 96\).*multiple of 16"):
        build(spec(window_voxels=(96, 40, 96)))


def test_an_architecture_that_nobody_registered_is_refused():
    with pytest.raises(UnknownNetworkError, match=r"'giant'.*starter"):
        build(spec(architecture="giant"))


def test_a_name_is_never_taken_twice():
    before = ARCHITECTURES["starter"]
    with pytest.raises(ValueError, match=r"'starter' is taken.*omentum\.networks\.starter"):
        register("starter")(lambda _: None)
    assert ARCHITECTURES["starter"] is before


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    def weights(seed):
        return build(spec(), seed=seed).state_dict()

    one, again, other = weights(1), weights(1), weights(2)
    assert all(torch.equal(one[name], again[name]) for name in one)
    assert not torch.equal(one["down.0.first.weight"], other["down.0.first.weight"])
    assert not torch.equal(
        one["organ_heads.controllers.liver.weight"], other["organ_heads.controllers.liver.weight"]
    )


def test_building_leaves_the_programs_random_numbers_alone():
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    build(spec(), seed=4)
    assert torch.equal(torch.rand(3), expected)


def test_every_organs_tensors_are_found_and_no_other():
    everything = tuple(row.name for row in ORGANS)
    network = build(spec(organs=everything))
    found = {name: set(network.head_tensors(name)) for name in everything}
    for name in everything:
        expected = {f"organ_heads.controllers.{name}.{kind}" for kind in ("weight", "bias")}
        assert found[name] == expected
    heads = {name for name in network.state_dict() if "organ_heads" in name}
    assert set.union(*found.values()) == heads


def test_tensors_of_a_head_are_those_of_the_network_itself():
    network = build(spec()).eval()
    before = network(torch.zeros(1, 1, 16, 16, 16), ["liver"])
    with torch.no_grad():
        network.head_tensors("liver")["organ_heads.controllers.liver.bias"][-1] += 1.0
    torch.testing.assert_close(network(torch.zeros(1, 1, 16, 16, 16), ["liver"]), before + 1.0)


def test_unless_overridden_windows_are_the_specs_and_the_context_is_the_trunks(positions):
    network = positions(window_voxels=(8, 12, 4))
    assert network.window_for((100, 5, 100)) == (8, 12, 4)
    hu = torch.rand(2, 1, 8, 12, 4)
    network.trunk = lambda hu: (hu, hu.sum(dim=(2, 3, 4)))
    assert torch.equal(Network.context_of(network, hu), hu.sum(dim=(2, 3, 4)))


def test_a_network_computes_in_float32_only_unless_it_says_otherwise(positions):
    network = positions()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.set_compute_dtype(torch.float32)
    for numbers in (torch.bfloat16, torch.float16):
        with pytest.raises(ConfigError, match=r"'b?float16', but positions computes in float32 only"):
            network.set_compute_dtype(numbers)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_the_text_of_a_spec_is_plain_json():
    assert json.loads(spec().to_json())["organs"] == ["liver"]
