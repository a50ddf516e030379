import json

import pytest

from omentum.networks.mask_folders import MaskFolder, forget_mask_folder, keep_mask_folder, known_mask_folders


@pytest.fixture
def user(tmp_path, monkeypatch):
    """An empty data folder of a user."""
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "user"))
    return tmp_path / "user"


@pytest.fixture
def left(tmp_path):
    """A folder with a mask that somebody's network left."""
    folder = tmp_path / "left"
    (folder / "case").mkdir(parents=True)
    (folder / "case" / "liver.nii.gz").write_bytes(b"a mask")
    return folder


def test_there_are_none_at_first(user):
    assert known_mask_folders() == {}
    assert not user.exists()


def test_what_is_kept_is_known_by_name_until_it_is_forgotten(user, left, tmp_path):
    keep_mask_folder("theirs", left, "totalsegmentator", ["liver", "spleen"])
    keep_mask_folder("another", tmp_path, "omentum", [])
    theirs = MaskFolder(folder=left, ids="totalsegmentator", organs=("liver", "spleen"))
    another = MaskFolder(folder=tmp_path, ids="omentum", organs=())
    assert known_mask_folders() == {"another": another, "theirs": theirs}
    assert list(known_mask_folders()) == ["another", "theirs"]
    forget_mask_folder("theirs")
    assert known_mask_folders() == {"another": another}
    assert [path.name for path in (user / "models").iterdir()] == ["another"]


def test_what_the_network_left_is_neither_copied_nor_removed(user, left):
    keep_mask_folder("theirs", left, "omentum", ["liver"])
    assert [path.name for path in user.rglob("*") if path.is_file()] == ["files.json"]
    forget_mask_folder("theirs")
    assert (left / "case" / "liver.nii.gz").read_bytes() == b"a mask"


def test_a_folder_is_found_from_anywhere(user, left, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keep_mask_folder("theirs", left.relative_to(tmp_path), "omentum", ["liver"])
    monkeypatch.chdir("/")
    assert known_mask_folders()["theirs"].folder == left


def test_weights_and_files_that_happen_to_lie_there_are_no_left_files(user, left):
    keep_mask_folder("theirs", left, "omentum", ["liver"])
    (user / "models" / "mine").mkdir()
    (user / "models" / "mine" / "weights.safetensors").write_bytes(b"weights")
    (user / "models" / "files.json").write_text("{}")
    assert set(known_mask_folders()) == {"theirs"}


def test_what_is_kept_is_plain_json(user, left):
    keep_mask_folder("theirs", left, "omentum", ["liver"])
    told = json.loads((user / "models" / "theirs" / "files.json").read_text())
    assert told == {"folder": str(left), "ids": "omentum", "organs": ["liver"]}
