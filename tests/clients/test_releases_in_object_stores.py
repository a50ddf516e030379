"""Releases go to an object store over HTTP, whole or resumable, and are verified there."""

import errno
import io
import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fixtures.object_store import killed
from omentum.errors import UploadError
from omentum.volumes import object_store, remote_folder
from omentum.volumes.object_store import PART_BYTES
from omentum.volumes.remote_folder import RemoteFolder, digest_of

AT = "s3://scans/atlas/V1"
LISTS = ("atlas/V1/manifest.json", "atlas/V1/SHA256SUMS")


def released(root):
    folder = root / "releases" / "V1"
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def test_a_release_is_pushed_byte_for_byte_and_a_second_time_uploads_nothing(run, store, root):
    ran = run("release", "push", "V1", AT, "--json")
    assert ran.code == 0, ran.err
    files = released(root)
    told = json.loads(ran.out)
    assert (told["files"], told["uploaded"], told["there_before"]) == (len(files), len(files), 0)
    assert told["bytes"] == sum(path.stat().st_size for path in files.values())
    times = store.times()
    assert set(times) == {f"atlas/V1/{name}" for name in files}
    assert all(store.read(f"atlas/V1/{name}") == path.read_bytes() for name, path in files.items())
    assert max(times.values()) == times[LISTS[1]]
    again = run("release", "push", "current", f"{AT}/")
    assert (again.code, "0 files uploaded" in again.out) == (0, True), again.err
    assert store.times() == times
    ran = run("release", "verify", AT)
    assert (ran.code, "every file" in ran.out) == (0, True), ran.err


def test_a_push_that_is_killed_is_no_release_and_the_next_one_uploads_only_what_is_missing(run, store, root):
    assert killed(9, "-C", root, "release", "push", "V1", AT) == -signal.SIGKILL
    before = store.times()
    assert 0 < len(before) <= 9
    assert not set(LISTS) & set(before)
    ran = run("release", "verify", AT)
    assert (ran.code, "has no SHA256SUMS" in ran.err) == (1, True)
    ran = run("release", "push", "V1", AT, "--json")
    assert (ran.code, json.loads(ran.out)["there_before"]) == (0, len(before)), ran.err
    assert {name: time for name, time in store.times().items() if name in before} == before
    assert run("release", "verify", AT).code == 0


def test_other_content_is_refused_and_replaced_only_when_that_is_asked_for(run, store, root):
    assert run("release", "push", "V1", AT).code == 0
    name = "a/segmentations/liver.nii.gz"
    whole = store.read(f"atlas/V1/{name}")
    for damaged in (whole[:-1] + b"x", whole[:-3]):
        store.put(f"atlas/V1/{name}", damaged)
        ran = run("release", "verify", AT)
        assert (ran.code, f"{name} was changed" in ran.err) == (1, True)
        times = store.times()
        ran = run("release", "push", "V1", AT)
        assert (ran.code, ran.out) == (2, "")
        assert f"other content than the release V1 in {name}" in ran.err
        assert "--replace" in ran.err
        assert store.times() == times
    ran = run("release", "push", "V1", AT, "--replace")
    assert (ran.code, f"{name} had other content and was replaced" in ran.err) == (0, True), ran.err
    assert store.read(f"atlas/V1/{name}") == whole
    assert run("release", "verify", AT).code == 0


def test_replacing_takes_the_lists_away_until_every_file_is_there(run, store, root):
    assert run("release", "push", "V1", AT).code == 0
    store.put("atlas/V1/a/ct.nii.gz", b"damaged")
    assert killed(0, "-C", root, "release", "push", "V1", AT, "--replace") == -signal.SIGKILL
    assert not set(LISTS) & set(store.times())
    assert run("release", "push", "V1", AT, "--replace").code == 0
    assert run("release", "verify", AT).code == 0


def test_a_missing_file_is_found_and_put_back(run, store, root):
    assert run("release", "push", "V1", AT).code == 0
    store.remove("atlas/V1/dataset.json")
    ran = run("release", "verify", AT)
    assert (ran.code, "dataset.json is missing" in ran.err) == (1, True)
    assert "1 file uploaded" in run("release", "push", "V1", AT).out
    assert run("release", "verify", AT).code == 0


def test_a_folder_with_other_files_is_no_place_for_a_release(run, store, root):
    store.put("atlas/V1/notes.txt", b"mine")
    ran = run("release", "push", "V1", AT)
    assert (ran.code, "notes.txt, which do not belong to the release V1" in ran.err) == (2, True), ran.err
    assert set(store.times()) == {"atlas/V1/notes.txt"}


def test_a_release_that_was_changed_here_is_not_published(run, store, root):
    path = released(root)["a/ct.nii.gz"]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1])
    ran = run("release", "push", "V1", AT)
    assert (ran.code, "ct.nii.gz was changed since it was released" in ran.err) == (2, True)
    assert not set(LISTS) & set(store.times())


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://no-such-bucket/V1", "there is no such bucket; check the address"),
        ("abc://bucket/V1", "cannot be reached by 'abc' here"),
        ("releases/elsewhere", "it must be an address, such as s3://"),
    ],
)
def test_a_place_that_is_none_is_refused_in_a_sentence(run, store, address, said):
    ran = run("release", "push", "V1", address)
    assert (ran.code, ran.out, said in ran.err) == (2, "", True), ran.err
    assert ran.err.count("\n") == 1


def test_whom_the_store_does_not_know_is_refused_in_a_sentence(run, make_object_store):
    make_object_store(asks_for_credentials=True)
    ran = run("release", "push", "V1", AT)
    assert (ran.code, ran.out, "with your credentials" in ran.err) == (2, "", True), ran.err
    assert ran.err.count("\n") == 1


class LetsNobodyIn(BaseHTTPRequestHandler):
    """Answers as S3 does to those who give no credentials."""

    def do_GET(self):
        says = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        self.send_response(403)
        self.send_header("Content-Length", str(len(says)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(says)

    def do_HEAD(self):
        self.do_GET()

    def log_message(self, *_):
        """Say nothing."""


def test_without_credentials_a_push_is_refused_in_a_sentence(run, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), LetsNobodyIn) as server:
        threading.Thread(target=server.serve_forever).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        ran = run("release", "push", "V1", AT)
        server.shutdown()
    assert (ran.code, ran.out, "may not be read with your credentials" in ran.err) == (2, "", True), ran.err
    assert ran.err.count("\n") == 1


def test_a_network_that_goes_away_ends_the_push_with_a_sentence(run, store, root, monkeypatch):
    really, begun = object_store._S3.put, []

    def put(*where):
        begun.append(where)
        if len(begun) == 5:
            store.end()
        really(*where)

    monkeypatch.setattr(object_store._S3, "put", put)
    ran = run("release", "push", "V1", AT)
    assert (ran.code, ran.out, "check the network" in ran.err) == (2, "", True), ran.err
    assert ran.err.rstrip().endswith("run the same command again")
    assert ran.err.count("\n") == 1


class Breaks(io.BytesIO):
    """A file of a disk that breaks after the first parts."""

    def read(self, size=-1):
        if self.tell():
            raise OSError(errno.EIO, "Input/output error")
        return super().read(size)


def test_a_file_of_several_parts_is_told_by_the_stores_checksum_and_half_of_it_is_never_there(
    store, tmp_path, monkeypatch
):
    path = tmp_path / "masks.tar"
    path.write_bytes(os.urandom(2 * PART_BYTES + 7))
    folder, digest = RemoteFolder("s3://scans/there"), digest_of(path)

    def read_back(_):
        raise AssertionError("it was read back")

    with monkeypatch.context() as counted:
        counted.setattr(remote_folder, "_hashed", read_back)
        folder.put(path, "masks.tar", digest)
        assert folder.holds("masks.tar", digest)
    assert store.read("there/masks.tar") == path.read_bytes()
    with monkeypatch.context() as broken:
        broken.setattr(Path, "open", lambda *_: Breaks(b"0" * 3 * PART_BYTES))
        with pytest.raises(UploadError, match="Input/output error"):
            folder.put(path, "half.tar", digest)
    assert "there/half.tar" not in store.times()
    assert set(RemoteFolder("s3://scans/there").sizes) == {"masks.tar"}
