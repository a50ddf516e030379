import numpy as np
import pytest
import torch

from omentum.errors import CheckpointError
from omentum.networks.torch_files import read_torch_file

TENSORS = {"b.weight": torch.arange(6.0).reshape(2, 3), "a": torch.tensor([1, 2])}


@pytest.fixture
def read_back(tmp_path):
    """Function: save as PyTorch does, then read."""

    def run(content, name="weights.pth", zipped=True):
        torch.save(content, tmp_path / name, _use_new_zipfile_serialization=zipped)
        return read_torch_file(tmp_path / name)

    return run


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors", "weights"])
@pytest.mark.parametrize("wrapper", [None, "net", "state_dict", "model_state_dict"])
def test_tensors_come_in_the_files_order_however_they_are_wrapped(read_back, zipped, name, wrapper):
    content = TENSORS if wrapper is None else {"epoch": 3, "optimizer": {"lr": 0.1}, wrapper: TENSORS}
    found = read_back(content, name, zipped)
    assert list(found) == ["b.weight", "a"]
    assert all(torch.equal(found[key], value) for key, value in TENSORS.items())


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int64, np.bool_])
@pytest.mark.parametrize("core", ["core", "_core"])
def test_numpys_numbers_beside_the_tensors_do_no_harm(tmp_path, kind, core):
    path = tmp_path / "weights.pth"
    torch.save({"net": TENSORS, "best": kind(1)}, path, _use_new_zipfile_serialization=False)
    written = path.read_bytes()
    for other in (b"numpy._core.multiarray", b"numpy.core.multiarray"):  # as NumPy 2 and 1 call it
        written = written.replace(other, f"numpy.{core}.multiarray".encode())
    path.write_bytes(written)
    assert list(read_torch_file(path)) == ["b.weight", "a"]


@pytest.mark.parametrize("name", ["weights.pth", "weights.safetensors"])
def test_one_wrong_bit_among_the_numbers_is_told(tmp_path, name):
    torch.save({"a": torch.zeros(10_000)}, tmp_path / name)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CheckpointError, match="damaged"):
        read_torch_file(tmp_path / name)


@pytest.mark.parametrize(
    "content",
    [
        7,
        [torch.zeros(3)],
        {"net": {"a": 1}},
        {1: torch.zeros(3)},
        {"a": torch.zeros(3).to_sparse()},
        {"a": torch.zeros(3, device="meta")},
        {"a": torch.zeros(3, dtype=torch.complex64)},
    ],
    ids=str,
)
def test_what_is_no_state_dict_of_plain_tensors_gives_none(read_back, content):
    assert read_back(content) == {}


def test_arrays_of_objects_are_still_refused(read_back):
    with pytest.raises(CheckpointError, match="carries code"):
        read_back({"net": TENSORS, "history": np.array([print], dtype=object)})
