"""CTs of an object store come in a portion at a time; nothing is written there, and nothing comes twice."""

import fsspec
import numpy as np
import pytest

from omentum.exchange import remote_sources
from omentum.incoming import add_address
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume

SHAPE = (12, 11, 10)
URL = "memory://bucket/scans"


@pytest.fixture
def store(tmp_path):
    """A store in memory with CTs `a`, `b` with a label, and `c` in a folder of its own."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    for seed, name in enumerate(("a.nii.gz", "b.nii.gz", "c/ct.nii.gz")):
        rng = np.random.default_rng(seed)
        ct = np.full(SHAPE, -1000, dtype=np.int16)
        ct[2:-2, 2:-2] = rng.normal(40, 20, ct[2:-2, 2:-2].shape)
        put(files, tmp_path, name, ct)
    label = np.zeros(SHAPE, dtype=np.uint8)
    label[2:5, 2:5, 2:5] = 6
    put(files, tmp_path, "b_seg.nii.gz", label)
    yield files
    files.store.clear()


def put(files, tmp_path, name, voxels):
    path = tmp_path / "made" / name.replace("/", "-")
    write_nifti(path, Volume(voxels, Geometry(SHAPE, np.diag([3.0, 3.0, 3.0, 1.0]))))
    files.pipe(f"/bucket/scans/{name}", path.read_bytes())


@pytest.fixture
def root(tmp_path):
    begin_project(tmp_path / "atlas", Settings(organs=("liver", "spleen")))
    return tmp_path / "atlas"


def added(project, **options):
    portions = list(add_address(project, URL, **options))
    done = sorted(case_id for one in portions for case_id in one.cases.done)
    failed = {one.key: one.reason for portion in portions for one in portion.cases.failed}
    return done, failed, portions


def test_every_ct_is_a_case_that_names_its_address_and_the_cache_is_empty_again(root, store):
    before = {path: bytes(store.cat(path)) for path in store.find("/bucket")}
    with opened(root) as project:
        done, failed, portions = added(project)
        assert (done, failed, len(portions)) == (["a", "b", "c"], {}, 1)
        sources = {case.case_id: case.source for case in project.store.cases.every()}
        assert sources == {"a": f"{URL}/a.nii.gz", "b": f"{URL}/b.nii.gz", "c": f"{URL}/c/ct.nii.gz"}
        assert not list((root / "cache").rglob("*.nii.gz"))
        kept = read_nifti(project.store.cases.get("a").ct_path).voxels
        assert kept.shape == SHAPE
        (left,) = portions[0].left_alone
        assert left.key == f"{URL}/b_seg.nii.gz"
    assert {path: bytes(store.cat(path)) for path in store.find("/bucket")} == before


def test_what_is_a_case_already_is_not_fetched_again(root, store, monkeypatch, tmp_path):
    with opened(root) as project:
        added(project)
        ct = read_nifti(project.store.cases.get("a").ct_path).voxels
        put(store, tmp_path, "d.nii.gz", np.ascontiguousarray(ct[::-1]))
        really, came = remote_sources.fetch, []
        monkeypatch.setattr(
            remote_sources, "fetch", lambda one, path: (came.append(one.below.name), really(one, path))
        )
        assert added(project)[0] == ["d"]
        assert came == ["d.nii.gz"]
        assert added(project) == ([], {}, [])


def test_portions_are_as_large_as_the_disk_allows(root, store):
    with opened(root) as project:
        done, failed, portions = added(project, portion_bytes=1)
    assert (done, failed) == (["a", "b", "c"], {})
    assert len(portions) == 3, "a CT comes with the files that are named after it"


def test_an_entry_that_does_not_come_is_told_by_its_address_and_comes_with_the_next_run(
    root, store, monkeypatch
):
    really = remote_sources.fetch

    def fails(one, path):
        if one.below.name == "b_seg.nii.gz":
            raise remote_sources.DownloadError(one.url, "could not be read (no route); run the same again")
        really(one, path)

    with opened(root) as project:
        with monkeypatch.context() as broken:
            broken.setattr(remote_sources, "fetch", fails)
            done, failed, _ = added(project)
        assert done == ["a", "c"]
        assert list(failed) == [f"{URL}/b.nii.gz"]
        assert "b_seg.nii.gz could not be read (no route)" in failed[f"{URL}/b.nii.gz"]
        assert added(project)[:2] == (["b"], {})


def test_a_damaged_ct_is_named_by_its_address_and_the_others_come(root, store):
    store.pipe("/bucket/scans/a.nii.gz", b"no gzip at all")
    with opened(root) as project:
        done, failed, _ = added(project)
    assert done == ["b", "c"]
    (reason,) = failed.values()
    assert f"{URL}/a.nii.gz" in reason
    assert "cache" not in reason


def test_a_portion_without_any_ct_says_so(root, store):
    for name in ("a.nii.gz", "b.nii.gz", "b_seg.nii.gz", "c/ct.nii.gz"):
        store.rm(f"/bucket/scans/{name}")
    store.pipe("/bucket/scans/readme.txt", b"nothing here")
    with opened(root) as project:
        done, failed, _ = added(project)
    assert done == []
    (reason,) = failed.values()
    assert f"{URL}: no CT is in it" in reason
