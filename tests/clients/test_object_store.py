"""CTs come from an object store over HTTP."""

import json

import numpy as np
import pytest

from omentum.exchange import remote_sources
from omentum.project.project import opened
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

SHAPE = (12, 11, 10)
NAMES = ("a.nii.gz", "b.nii.gz", "c/ct.nii.gz")


class ScanStore:
    """Three CTs in a bucket, which are there again when the store begins again."""

    def __init__(self, store, folder):
        self._store, self.files = store, {}
        for seed, name in enumerate(NAMES):
            ct = np.full(SHAPE, -1000, dtype=np.int16)
            inside = ct[2:-2, 2:-2]
            inside[:] = np.random.default_rng(seed).normal(40, 20, inside.shape)
            path = folder / f"{seed}.nii.gz"
            write_nifti(path, Volume(ct, Geometry(SHAPE, np.diag([3.0, 3.0, 3.0, 1.0]))))
            self.files[name] = path.read_bytes()
        self._put()

    def _put(self):
        for name, content in self.files.items():
            self._store.put(f"cts/{name}", content)

    def begin(self):
        self._store.begin()
        self._put()

    def end(self):
        self._store.end()

    def now(self):
        """Give the files as they are there now."""
        return {name: self._store.read(f"cts/{name}") for name in self.files}


@pytest.fixture
def store(make_object_store, tmp_path):
    return ScanStore(make_object_store(), tmp_path / "made")


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
