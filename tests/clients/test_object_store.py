"""CTs come from an object store over HTTP: moto's S3 server on this machine, in an environment of its own."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

from omentum.exchange import remote_sources
from omentum.project.project import opened
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

MOTO = "5.2.5"
SHAPE = (12, 11, 10)
NAMES = ("a.nii.gz", "b.nii.gz", "c/ct.nii.gz")


class ObjectStore:
    """A server of S3 that can be ended and begun again at the same address, with the same files."""

    def __init__(self, python, files):
        self.python, self.files = python, files
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def begin(self):
        """Begin, and put the files there."""
        server = [str(self.python.with_name("moto_server")), "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ends = time.monotonic() + 60
        while not self._answers() and time.monotonic() < ends:
            time.sleep(0.1)
        self._ask("scans", b"")
        for name, content in self.files.items():
            self._ask(f"scans/cts/{name}", content)

    def end(self):
        self.process.kill()
        self.process.wait()

    def now(self):
        """Give the files as they are there now."""
        return {name: self._ask(f"scans/cts/{name}") for name in self.files}

    def _ask(self, path, content=None):
        kind = {"Content-Type": "application/octet-stream", "x-amz-acl": "public-read"}
        method = "GET" if content is None else "PUT"
        asked = urllib.request.Request(f"{self.url}/{path}", data=content, method=method, headers=kind)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.read()

    def _answers(self):
        try:
            with urllib.request.urlopen(self.url, timeout=5):
                return True
        except OSError:
            return False


@pytest.fixture
def store(client_python, tmp_path, monkeypatch):
    """Three CTs in a bucket; credentials and endpoint as AWS's tools take them."""
    python = client_python(f"moto=={MOTO}", f"moto[s3]=={MOTO}", "flask", "flask-cors", until=(3, 14))
    files = {}
    for seed, name in enumerate(NAMES):
        ct = np.full(SHAPE, -1000, dtype=np.int16)
        inside = ct[2:-2, 2:-2]
        inside[:] = np.random.default_rng(seed).normal(40, 20, inside.shape)
        path = tmp_path / "made" / f"{seed}.nii.gz"
        write_nifti(path, Volume(ct, Geometry(SHAPE, np.diag([3.0, 3.0, 3.0, 1.0]))))
        files[name] = path.read_bytes()
    store = ObjectStore(python, files)
    for name, value in {
        "AWS_ENDPOINT_URL": store.url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    store.begin()
    yield store
    store.end()


@pytest.fixture
def root(omentum, tmp_path):
    assert omentum("init", tmp_path / "atlas").code == 0
    return tmp_path / "atlas"


def cases(root):
    with opened(root, looking=True) as project:
        return {case.case_id for case in project.store.cases.every()}


def test_cts_of_a_bucket_are_added_and_the_bucket_stays_as_it_is(omentum, store, root):
    ran = omentum("-C", root, "add", "s3://scans/cts", "--json")
    assert ran.code == 0, ran.err
    (portion,) = json.loads(ran.out)["portions"]
    assert {one["case"]: one["source"] for one in portion["added"]} == {
        "a": "s3://scans/cts/a.nii.gz",
        "b": "s3://scans/cts/b.nii.gz",
        "c": "s3://scans/cts/c/ct.nii.gz",
    }
    assert store.now() == store.files
    assert not list((root / "cache").rglob("*.nii.gz"))
    again = omentum("-C", root, "add", "s3://scans/cts/")
    assert (again.code, again.out) == (0, "")


def test_a_network_that_goes_away_is_one_sentence_a_case_and_the_next_run_goes_on(
    omentum, store, root, monkeypatch
):
    really = remote_sources.fetch

    def goes_away(one, path):
        if one.below.name == "a.nii.gz":  # the folder `c` came before it, and `b` comes after it
            store.end()
        really(one, path)

    with monkeypatch.context() as broken:
        broken.setattr(remote_sources, "fetch", goes_away)
        ran = omentum("-C", root, "add", "s3://scans/cts", "--json")
    assert ran.code == 1, ran.err
    (portion,) = json.loads(ran.out)["portions"]
    assert [one["case"] for one in portion["added"]] == ["c"]
    failed = {one["case"]: one["reason"] for one in portion["failed"]}
    assert set(failed) == {"s3://scans/cts/a.nii.gz", "s3://scans/cts/b.nii.gz"}
    for reason in failed.values():
        assert "could not be read" in reason
        assert reason.endswith("run the same command again")
        assert "\n" not in reason
    store.begin()
    ran = omentum("-C", root, "add", "s3://scans/cts")
    assert ran.code == 0, ran.err
    assert cases(root) == {"a", "b", "c"}


def test_an_address_where_nothing_is_is_refused(omentum, store, root):
    ran = omentum("-C", root, "add", "s3://scans/nothing")
    assert (ran.code, ran.out) == (2, "")
    assert "s3://scans/nothing holds no file; check the address" in ran.err


def test_an_address_goes_alone(omentum, store, root, tmp_path):
    ran = omentum("-C", root, "add", "s3://scans/cts", tmp_path)
    assert ran.code == 2
    assert "an address goes without other paths" in ran.err
