import json

import pytest

from omentum.networks.left_files import LeftFiles, forget_files, keep_files, known_files


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
    assert known_files() == {}
    assert not user.exists()


def test_what_is_kept_is_known_by_name_until_it_is_forgotten(user, left, tmp_path):
    keep_files("theirs", left, "totalsegmentator", ["liver", "spleen"])
    keep_files("another", tmp_path, "omentum", [])
    theirs = LeftFiles(folder=left, ids="totalsegmentator", organs=("liver", "spleen"))
    another = LeftFiles(folder=tmp_path, ids="omentum", organs=())
    assert known_files() == {"another": another, "theirs": theirs}
    assert list(known_files()) == ["another", "theirs"]
    forget_files("theirs")
    assert known_files() == {"another": another}
    assert [path.name for path in (user / "models").iterdir()] == ["another"]


def test_what_the_network_left_is_neither_copied_nor_removed(user, left):
    keep_files("theirs", left, "omentum", ["liver"])
    assert [path.name for path in user.rglob("*") if path.is_file()] == ["files.json"]
    forget_files("theirs")
    assert (left / "case" / "liver.nii.gz").read_bytes() == b"a mask"


def test_a_folder_is_found_from_anywhere(user, left, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keep_files("theirs", left.relative_to(tmp_path), "omentum", ["liver"])
    monkeypatch.chdir("/")
    assert known_files()["theirs"].folder == left


def test_weights_and_files_that_happen_to_lie_there_are_no_left_files(user, left):
    keep_files("theirs", left, "omentum", ["liver"])
    (user / "models" / "mine").mkdir()
    (user / "models" / "mine" / "weights.safetensors").write_bytes(b"weights")
    (user / "models" / "files.json").write_text("{}")
    assert set(known_files()) == {"theirs"}


def test_what_is_kept_is_plain_json(user, left):
    keep_files("theirs", left, "omentum", ["liver"])
    told = json.loads((user / "models" / "theirs" / "files.json").read_text())
    assert told == {"folder": str(left), "ids": "omentum", "organs": ["liver"]}
