import json
import os
import pickle
import stat
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from omentum.errors import CheckpointError
from omentum.networks.network import NetworkSpec, build
from omentum.networks.weights import load_network, save_network, tensors_sha256

SPEC = NetworkSpec(
    architecture="starter", organs=("liver", "spleen"), spacing_mm=2.5, window_voxels=(32, 48, 16)
)


class Evil:
    """Unpickled by a careless program, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class Shell(Evil):
    def __reduce__(self):
        return os.system, (f"touch '{self.path}'",)


@pytest.fixture(scope="module")
def network():
    return build(SPEC, seed=9)


@pytest.fixture(scope="module")
def saved(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "weights.safetensors"
    save_network(path, network)
    return path


@pytest.fixture
def changed(saved, tmp_path):
    """Function: change the tensors, then the path of a file that holds them under the same spec."""

    def make(change, metadata=None):
        tensors = load_file(saved)
        change(tensors)
        path = tmp_path / "changed.safetensors"
        save_file(tensors, path, metadata={"omentum": SPEC.to_json()} if metadata is None else metadata)
        return path

    return make


def refusal(path):
    with pytest.raises(CheckpointError) as refused:
        load_network(path)
    assert str(path) in str(refused.value)
    return str(refused.value)


def test_weights_come_back_bit_for_bit_with_their_spec_ready_for_prediction(network, saved):
    loaded = load_network(saved)
    assert loaded.spec == SPEC
    assert not loaded.training
    assert tensors_sha256(loaded.state_dict()) == tensors_sha256(network.state_dict())
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
        assert loaded.state_dict()[name].dtype == value.dtype


def test_saving_tells_the_hash_of_what_it_saved(network, tmp_path):
    sha256 = save_network(tmp_path / "a.safetensors", network)
    assert sha256 == tensors_sha256(load_file(tmp_path / "a.safetensors"))
    assert sha256 == tensors_sha256(network.state_dict())


@pytest.mark.parametrize(("numbers", "share"), [("float16", 0.52), ("int8", 0.28)])
def test_fewer_bytes_a_weight_make_a_smaller_file_read_as_float32(network, saved, tmp_path, numbers, share):
    path = tmp_path / "small.safetensors"
    sha256 = save_network(path, network, numbers=numbers)
    assert path.stat().st_size < share * saved.stat().st_size
    loaded = load_network(path).state_dict()
    assert tensors_sha256(loaded) == sha256
    for name, value in network.state_dict().items():
        torch.testing.assert_close(loaded[name], value, rtol=1e-3, atol=float(value.abs().max()) / 250)


def test_a_saved_file_may_be_read_by_whom_the_umask_lets(network, tmp_path):
    before = os.umask(0o027)
    try:
        save_network(tmp_path / "a.safetensors", network)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.safetensors").stat().st_mode) == 0o640


def test_tensors_that_are_views_or_lie_across_memory_are_saved_as_they_read(network, tmp_path):
    other = build(SPEC, seed=9).to(memory_format=torch.channels_last_3d)
    assert save_network(tmp_path / "a.safetensors", other) == tensors_sha256(network.state_dict())
    assert tensors_sha256(load_network(tmp_path / "a.safetensors").state_dict()) == tensors_sha256(
        network.state_dict()
    )


def test_the_hash_is_independent_of_order_and_memory_layout():
    a, b = torch.arange(24.0).reshape(4, 6), torch.tensor(3)
    assert tensors_sha256({"a": a, "b": b}) == tensors_sha256({"b": b, "a": a.t().contiguous().t()})


@pytest.mark.parametrize("seed", range(5))
def test_the_hash_changes_with_any_bit(seed):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(40).astype(np.float32)
    flipped = values.copy().view(np.uint32)
    flipped[rng.integers(40)] ^= np.uint32(1) << np.uint32(rng.integers(32))
    before = tensors_sha256({"a": torch.from_numpy(values)})
    assert tensors_sha256({"a": torch.from_numpy(flipped.view(np.float32))}) != before


def test_the_hash_tells_names_types_and_shapes_apart():
    zeros = torch.zeros(4)
    hashes = {
        tensors_sha256(tensors)
        for tensors in [
            {"a": zeros},
            {"b": zeros},
            {"a": zeros.reshape(2, 2)},
            {"a": zeros.to(torch.int32)},
            {"a": zeros.to(torch.bfloat16)},
            {"a": torch.zeros(0)},
            {"a": zeros, "b": zeros},
            {},
        ]
    }
    assert len(hashes) == 8


def test_missing_extra_and_misshapen_tensors_are_each_named(changed):
    def spoil(tensors):
        del tensors["down.0.first.weight"]
        tensors["stranger"] = torch.zeros(3)
        tensors["reduce.0.weight"] = torch.zeros(4, 4)

    said = refusal(changed(spoil))
    assert "3 tensors do not fit" in said
    assert "down.0.first.weight is missing" in said
    assert "stranger is not part of the network" in said
    assert "reduce.0.weight has shape (4, 4), not (8, 16, 1, 1, 1)" in said


def test_of_many_tensors_that_do_not_fit_the_first_are_named_and_the_others_counted(changed):
    said = refusal(changed(lambda tensors: [tensors.pop(name) for name in list(tensors)[:12]]))
    assert "12 tensors do not fit" in said
    assert said.count("is missing") == 5
    assert "and 7 more" in said


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(changed, value):
    def spoil(tensors):
        tensors["join.1.first.weight"].view(-1)[7] = value

    assert "join.1.first.weight is not finite" in refusal(changed(spoil))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    for path in (tmp_path / "nothing.safetensors", tmp_path):
        assert "no such file" in refusal(path)


@pytest.mark.parametrize("ending", [".safetensors", ".pth", ""])
@pytest.mark.parametrize("n_bytes", [0, 4, 9, 500, 40_000, -1])
def test_a_truncated_file_is_refused_as_damaged(saved, tmp_path, n_bytes, ending):
    path = tmp_path / f"short{ending}"
    path.write_bytes(saved.read_bytes()[:n_bytes])
    assert "damaged" in refusal(path)


@pytest.mark.parametrize(
    "content",
    [
        b"hello, I am a text file\n" * 20,
        b"name,volume\nliver,1500\n",
        b"case,organ\nliver,1\n",
        b"\x89PNG\r\n\x1a\n" + bytes(100),
        b"\x1f\x8b\x08" + bytes(100),
        b"PK\x03\x04" + bytes(100),
    ],
)
def test_a_file_of_another_kind_is_refused_and_not_accused_of_carrying_code(tmp_path, content):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    said = refusal(path)
    assert "neither safetensors" in said
    assert "code" not in said


@pytest.mark.parametrize("seed", range(30))
def test_no_bytes_whatever_end_in_a_traceback(tmp_path, seed):
    rng = np.random.default_rng(seed)
    path = tmp_path / "weights.pth"
    path.write_bytes([b"", b"\x80\x02", b"\x80\x04"][seed % 3] + rng.bytes(int(rng.integers(5, 200))))
    refusal(path)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("evil", [Evil, Shell])
@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_a_pickle_that_carries_code_is_refused_and_does_not_run(tmp_path, evil, protocol, ending):
    touched = tmp_path / "touched"
    path = tmp_path / f"weights{ending}"
    path.write_bytes(pickle.dumps({"state_dict": evil(touched)}, protocol=protocol))
    assert "carries code" in refusal(path)
    assert not touched.exists()
    pickle.loads(path.read_bytes())  # the pickle works: a careless program would have run it
    assert touched.exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_with_code_beside_its_tensors_is_refused_and_does_not_run(tmp_path, network, zipped):
    touched = tmp_path / "touched"
    path = tmp_path / "weights.pth"
    content = {"state_dict": network.state_dict(), "hook": Shell(touched)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    assert "carries code" in refusal(path)
    assert not touched.exists()


def test_a_whole_pickled_network_counts_as_code(tmp_path, network):
    torch.save(network, tmp_path / "weights.pth")
    assert "carries code" in refusal(tmp_path / "weights.pth")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_plain_state_dict_is_told_from_code_and_the_cure_is_said(tmp_path, network, zipped):
    path = tmp_path / "weights.pth"
    torch.save(network.state_dict(), path, _use_new_zipfile_serialization=zipped)
    said = refusal(path)
    assert "carries code" not in said
    assert "PyTorch checkpoint" in said
    assert "save it as safetensors" in said
    assert "known are starter, universal-swinunetr, universal-unet" in said


@pytest.mark.parametrize("metadata", [{}, {"format": "pt"}])
def test_a_file_that_does_not_say_which_network_it_is_is_refused(changed, metadata):
    assert "its header names none" in refusal(changed(lambda _: None, metadata=metadata))


def spec_with(**changes):
    return json.dumps({**json.loads(SPEC.to_json()), **changes})


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "",
        "null",
        "[1, 2]",
        "{}",
        spec_with(architecture="giant"),
        spec_with(architecture=["starter"]),
        spec_with(organs=["soul"]),
        spec_with(organs=[]),
        spec_with(organs=7),
        spec_with(spacing_mm=-1),
        spec_with(spacing_mm="wide"),
        spec_with(window_voxels=[32, 32]),
        spec_with(window_voxels=[32, 32, 40]),
        spec_with(window_voxels=[0, 32, 32]),
        spec_with(window_voxels="big"),
        spec_with(unheard_of=1),
    ],
)
def test_a_header_from_which_no_network_can_be_built_is_refused(changed, text):
    assert "its header names no network" in refusal(changed(lambda _: None, metadata={"omentum": text}))


def test_a_save_that_fails_leaves_the_old_file_whole(saved, network, tmp_path, monkeypatch):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(saved.read_bytes())

    def half(_tensors, part, **_):
        part.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr("omentum.networks.weights.save_file", half)
    with pytest.raises(OSError, match="no space"):
        save_network(path, network)
    assert [file.name for file in tmp_path.iterdir()] == ["weights.safetensors"]
    load_network(path)
