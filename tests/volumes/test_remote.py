"""Files of an object store: listed and fetched, whole or not at all; what goes wrong is one sentence."""

import errno
from pathlib import PurePosixPath

import fsspec
import pytest

from omentum.errors import DownloadError
from omentum.volumes import remote
from omentum.volumes.object_store import is_address
from omentum.volumes.remote import fetch, list_remote


@pytest.fixture
def store():
    """A store in memory, with two files below `scans`."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pipe("/scans/a.nii.gz", b"a" * 1000)
    files.pipe("/scans/p1/1.dcm", b"1" * 500)
    yield files
    files.store.clear()


def test_files_are_listed_by_their_places_below_the_address(store):
    listed = list_remote("memory://scans/")
    assert [(one.url, one.below, one.n_bytes) for one in listed] == [
        ("memory://scans/a.nii.gz", PurePosixPath("a.nii.gz"), 1000),
        ("memory://scans/p1/1.dcm", PurePosixPath("p1/1.dcm"), 500),
    ]


def test_an_address_may_be_of_one_file(store, tmp_path):
    (one,) = list_remote("memory://scans/a.nii.gz")
    assert (one.url, one.below.name) == ("memory://scans/a.nii.gz", "a.nii.gz")
    fetch(one, tmp_path / "a.nii.gz")
    assert (tmp_path / "a.nii.gz").read_bytes() == b"a" * 1000


def test_where_nothing_is_there_is_a_sentence(store):
    with pytest.raises(DownloadError, match="memory://nowhere"):
        list_remote("memory://nowhere")


def test_a_scheme_that_cannot_be_used_names_what_to_install():
    with pytest.raises(DownloadError, match=r"'abc' here .*install fsspec's package"):
        list_remote("abc://bucket/scans")


def test_a_file_that_is_there_in_its_size_is_not_fetched_again(store, tmp_path):
    (one,) = list_remote("memory://scans/a.nii.gz")
    (tmp_path / "a.nii.gz").write_bytes(b"b" * 1000)
    fetch(one, tmp_path / "a.nii.gz")
    assert (tmp_path / "a.nii.gz").read_bytes() == b"b" * 1000


def test_a_file_that_comes_in_another_size_leaves_nothing(store, tmp_path):
    (one,) = list_remote("memory://scans/a.nii.gz")
    store.pipe("/scans/a.nii.gz", b"a" * 999)
    with pytest.raises(
        DownloadError, match="came with 999 bytes in place of 1000; run the same command again"
    ):
        fetch(one, tmp_path / "a.nii.gz")
    assert list(tmp_path.iterdir()) == []


def test_digits_that_are_no_checksum_are_told_from_damage_by_fetching_twice(store, tmp_path, monkeypatch):
    (one,) = list_remote("memory://scans/a.nii.gz")
    really, came = remote._fetched, []

    def encrypted(file, part):
        return really(file, part)[0], "0" * 32

    def damaged(file, part):
        came.append(really(file, part))
        return f"{len(came):032x}", "0" * 32

    monkeypatch.setattr(remote, "_fetched", encrypted)
    fetch(one, tmp_path / "equal.nii.gz")
    assert (tmp_path / "equal.nii.gz").stat().st_size == 1000
    monkeypatch.setattr(remote, "_fetched", damaged)
    with pytest.raises(DownloadError, match="came in other bytes each time"):
        fetch(one, tmp_path / "damaged.nii.gz")
    assert not (tmp_path / "damaged.nii.gz").exists()


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (PermissionError("403"), "may not be read with your credentials"),
        (FileNotFoundError("a"), "is not there"),
        (TimeoutError("no answer\nat all"), r"could not be read \(no answer\); run the same command again"),
        (RuntimeError(""), r"could not be read \(RuntimeError\)"),
    ],
)
def test_whatever_a_store_raises_is_one_sentence(store, tmp_path, monkeypatch, raised, said):
    (one,) = list_remote("memory://scans/a.nii.gz")

    def fails(*_):
        raise raised

    monkeypatch.setattr(remote, "_fetched", fails)
    with pytest.raises(DownloadError, match=said) as error:
        fetch(one, tmp_path / "a.nii.gz")
    assert "\n" not in str(error.value)


def test_a_full_disk_of_this_machine_is_no_fault_of_the_store(store, tmp_path, monkeypatch):
    (one,) = list_remote("memory://scans/a.nii.gz")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(remote, "_fetched", full)
    with pytest.raises(OSError, match="No space left") as error:
        fetch(one, tmp_path / "a.nii.gz")
    assert not isinstance(error.value, DownloadError)


@pytest.mark.parametrize("text", ["/scans", "scans/a.nii.gz", "C:/scans", "s3:/bucket", ""])
def test_a_path_is_no_address(text):
    assert not is_address(text)
