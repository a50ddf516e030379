"""Files go to an object store as they are, and what is there is told from what is not by checksums."""

import hashlib

import fsspec
import pytest

from omentum.errors import DownloadError, UploadError
from omentum.volumes import object_store
from omentum.volumes.object_store import PART_BYTES
from omentum.volumes.remote_folder import RemoteFolder, digest_of, each_at_once


@pytest.fixture
def files():
    """A store in memory, which gives no checksum."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pipe("/atlas/V1/a/ct.nii.gz", b"a" * 1000)
    yield files
    files.store.clear()


@pytest.fixture
def made(tmp_path):
    path = tmp_path / "made.bin"
    path.write_bytes(b"made here")
    return path


def test_a_file_is_uploaded_and_listed(files, made):
    folder = RemoteFolder("memory://atlas/V1/")
    assert folder.sizes == {"a/ct.nii.gz": 1000}
    folder.put(made, "b/made.bin", digest_of(made))
    assert files.cat("/atlas/V1/b/made.bin") == b"made here"
    assert RemoteFolder("memory://atlas/V1").sizes == folder.sizes == {"a/ct.nii.gz": 1000, "b/made.bin": 9}
    folder.remove("b/made.bin")
    assert RemoteFolder("memory://atlas/V1").sizes == folder.sizes == {"a/ct.nii.gz": 1000}


def test_where_the_store_gives_no_checksum_the_file_is_read(files, tmp_path):
    folder = RemoteFolder("memory://atlas/V1")
    same, other = tmp_path / "same", tmp_path / "other"
    same.write_bytes(b"a" * 1000)
    other.write_bytes(b"a" * 999 + b"b")
    assert folder.holds("a/ct.nii.gz", digest_of(same))
    assert not folder.holds("a/ct.nii.gz", digest_of(other))
    assert not folder.holds("nowhere", digest_of(same))


def test_a_file_that_did_not_come_as_it_was_sent_is_told(files, made, monkeypatch):
    def damaged(store, source, path):
        files.pipe(path, b"made herf")

    monkeypatch.setattr(object_store._Other, "put", damaged)
    with pytest.raises(UploadError, match=r"b/made.bin is not what was sent there; run the same"):
        RemoteFolder("memory://atlas/V1").put(made, "b/made.bin", digest_of(made))


def test_checksums_are_those_that_s3_gives_of_a_whole_file_and_of_parts(tmp_path):
    content = bytes(range(256)) * (PART_BYTES // 256) + b"the rest"
    path = tmp_path / "large"
    path.write_bytes(content)
    digest = digest_of(path)
    parts = [hashlib.md5(part).digest() for part in (content[:PART_BYTES], content[PART_BYTES:])]
    assert digest.sha256 == hashlib.sha256(content).hexdigest()
    assert digest.etags == (
        hashlib.md5(content).hexdigest(),
        hashlib.md5(parts[0] + parts[1]).hexdigest() + "-2",
    )


def test_an_address_of_a_file_is_no_folder(files):
    with pytest.raises(DownloadError, match="is a file; give the address of a folder"):
        RemoteFolder("memory://atlas/V1/a/ct.nii.gz")


def test_work_in_threads_is_told_in_order_and_ends_with_the_first_error():
    told = []

    def work(number):
        if number == 700:
            raise DownloadError("s3://a", "is away")
        return number * 2

    each_at_once(range(600), work, lambda item, result: told.append((item, result)))
    assert told == [(number, 2 * number) for number in range(600)]
    told.clear()
    with pytest.raises(DownloadError, match="is away"):
        each_at_once(range(100_000), work, lambda item, _: told.append(item))
    assert told == list(range(700))
