import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from omentum.errors import CheckpointError, ConfigError, UnknownOrganError
from omentum.networks.published_files import published_network
from omentum.networks.weights import load_network, save_network, tensors_sha256
from omentum.volumes.labels import SUBSETS

PATH = Path("published.pth")
ANY_NINE = ("stomach", "celiac_truck", *SUBSETS["omentum"][25:32])


def made(tensors, organs=()):
    return published_network(PATH, tensors, organs)


def refusal(tensors, organs=()):
    with pytest.raises(CheckpointError) as refused:
        made(tensors, organs)
    assert str(refused.value).startswith("published.pth: ")
    return str(refused.value)


def controller_bias(network, name):
    return network.state_dict()[f"organ_heads.controllers.{name}.bias"]


def renamed(tensors, rename):
    return {rename(name): value for name, value in tensors.items()}


def flat(tensors):
    return renamed(tensors, lambda name: name.removeprefix("backbone."))


def prefixed(tensors):
    return renamed(tensors, lambda name: f"module.{name}")


def scrambled(tensors):
    return {f"net.{place}": value for place, value in enumerate(tensors.values())}


def backwards(tensors):
    return dict(reversed(tensors.items()))


@pytest.fixture
def unet(stand_in):
    return stand_in("unet")


@pytest.fixture(scope="module")
def expected(stand_in):
    """Our U-Net of the tensors as SuPreM's own file names them."""
    return made(stand_in("unet"))


def test_a_network_of_the_published_files_is_ready_for_prediction_with_all_classes(expected):
    assert not expected.training
    assert expected.spec.architecture == "universal-unet"
    assert expected.spec.organs == SUBSETS["omentum"][:32]
    assert (expected.spec.spacing_mm, expected.spec.window_voxels) == (1.5, (96, 96, 96))


@pytest.mark.parametrize(
    "layout",
    [
        prefixed,
        flat,
        lambda tensors: prefixed(flat(tensors)),
        backwards,
        scrambled,
        lambda tensors: renamed(tensors, lambda name: name.replace("conv1", "conv")),
    ],
    ids=["module", "flat", "both", "backwards", "by position", "some names of its own"],
)
def test_names_may_be_of_any_published_layout_and_the_network_is_the_same(unet, expected, layout):
    assert tensors_sha256(made(layout(unet)).state_dict()) == tensors_sha256(expected.state_dict())


def test_a_published_swin_file_is_recognised_by_name_and_by_position(stand_in):
    tensors = stand_in("swinunetr")
    by_name, by_position = made(prefixed(flat(tensors))), made(scrambled(tensors))
    assert by_name.spec.architecture == "universal-swinunetr"
    assert tensors_sha256(by_name.state_dict()) == tensors_sha256(by_position.state_dict())
    for name in ("backbone.swinViT.layers4.0.downsample.reduction.weight", "GAP.3.bias"):
        assert torch.equal(by_name.state_dict()[name], tensors[name])
    positions = "backbone.swinViT.layers2.0.blocks.1.attn.relative_position_index"
    assert positions in refusal({**tensors, positions: tensors[positions].T})


@pytest.mark.parametrize("subset", ["abdomenatlas-1.0", "abdomenatlas-1.1"])
@pytest.mark.parametrize("said", [True, False])
def test_files_of_fewer_classes_give_each_organ_its_own_row(unet, expected, subset, said):
    names = SUBSETS[subset]
    unet["organ_embedding"] = unet["organ_embedding"][: len(names)]
    network = made(unet, (subset,) if said else ())
    assert set(network.spec.organs) == set(names)
    for name, same_row in zip(names, SUBSETS["omentum"], strict=False):
        assert torch.equal(controller_bias(network, name), controller_bias(expected, same_row))


def test_organs_may_be_told_in_the_order_of_the_file(unet, expected):
    unet["organ_embedding"] = unet["organ_embedding"][:9]
    network = made(unet, ANY_NINE)
    assert network.spec.organs[:2] == ("stomach", "celiac_trunk")
    assert torch.equal(controller_bias(network, "stomach"), controller_bias(expected, "spleen"))
    assert torch.equal(controller_bias(network, "celiac_trunk"), controller_bias(expected, "kidney_right"))


def test_organs_that_do_not_match_the_classes_are_refused(unet):
    assert "32 classes, but 2 organs" in refusal(unet, ("liver", "spleen"))
    assert "32 classes, but 9 organs" in refusal(unet, ("abdomenatlas-1.0",))
    with pytest.raises(ConfigError, match="named once"):
        made(unet, ("celiac_trunk", *SUBSETS["omentum"][:30], "celiac_truck"))
    with pytest.raises(UnknownOrganError, match="soul"):
        made(unet, ("soul",))
    unet["organ_embedding"] = unet["organ_embedding"][:10]
    assert "10 classes, and only of 9, 25, 32 it is known" in refusal(unet)


def test_every_tensor_that_does_not_fit_is_named(unet):
    del unet["backbone.up_tr64.ops.1.conv1.weight"]
    unet["backbone.down_tr64.ops.0.conv1.weight"] = torch.zeros(32, 2, 3, 3, 3)
    unet["GAP.3.bias"] = torch.full((256,), torch.nan)
    unet["controller.bias"] = torch.zeros(153, dtype=torch.int64)
    unet["backbone.out.bias"] = torch.zeros(3)
    said = refusal(prefixed(unet))
    assert "5 tensors do not fit" in said
    assert "backbone.up_tr64.ops.1.conv1.weight is missing" in said
    assert "backbone.out.bias is not part of the network" in said
    assert "backbone.down_tr64.ops.0.conv1.weight has shape (32, 2, 3, 3, 3), not (32, 1, 3, 3, 3)" in said
    assert "controller.bias is torch.int64" in said
    assert "GAP.3.bias is not finite" in said


def test_statistics_are_not_used_and_must_fit_all_the_same(unet):
    unet["backbone.down_tr128.ops.0.bn1.running_var"] = torch.zeros(3)
    assert "running_var has shape (3,)" in refusal(unet)


def test_a_backbone_without_heads_is_refused(unet):
    alone = {name: value for name, value in unet.items() if name.startswith("backbone.")}
    assert "no organ_embedding of 512 numbers a class" in refusal(alone)


def test_tensors_that_fit_neither_by_name_nor_by_position_are_of_no_published_network(unet):
    assert made(scrambled({**unet, "controller.bias": torch.zeros(152)})) is None
    assert made(scrambled(backwards(unet))) is None
    assert made({"a": torch.zeros(32, 512)}) is None
    assert made({}) is None


def test_half_precision_becomes_float32(unet, expected):
    network = made(
        {name: value.half() if value.is_floating_point() else value for name, value in unet.items()}
    )
    for name, value in network.state_dict().items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, expected.state_dict()[name], rtol=2e-3, atol=2e-2)


@pytest.mark.parametrize("network", ["unet", "swinunetr"])
def test_the_layout_of_continue_tuning_is_refused_with_the_reason(shared, network):
    layout = shared / f"reference/checkpoints/layout_{network}_continue_tuning.json"
    keys = json.loads(layout.read_text())["keys"]
    tensors = {f"module.{key['name']}": torch.zeros(()).expand(key["shape"]) for key in keys}
    assert "Continue_Tuning" in refusal(tensors)


@pytest.mark.parametrize("wrapper", ["net", "state_dict"])
@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_a_published_file_is_loaded_and_kept_as_one_of_ours(stand_in, tmp_path, wrapper, ending):
    path, kept = tmp_path / f"published{ending}", tmp_path / "kept.safetensors"
    if ending == ".pth":
        torch.save({wrapper: stand_in("unet"), "epoch": 3}, path)
    else:
        save_file(stand_in("unet"), path)
    network = load_network(path)
    sha256 = save_network(kept, network)
    assert sha256 == tensors_sha256(network.state_dict())
    with pytest.raises(CheckpointError, match="header names its organs"):
        load_network(kept, organs=["abdomenatlas-1.0"])
    again = load_network(kept)
    assert again.spec == network.spec
    assert tensors_sha256(again.state_dict()) == sha256


def test_a_published_network_may_be_kept_in_fewer_bytes(stand_in, tmp_path):
    torch.save(stand_in("unet"), tmp_path / "unet.pth")
    sha256 = save_network(tmp_path / "a.safetensors", load_network(tmp_path / "unet.pth"), numbers="int8")
    assert (tmp_path / "a.safetensors").stat().st_size < 23e6
    assert tensors_sha256(load_network(tmp_path / "a.safetensors").state_dict()) == sha256
