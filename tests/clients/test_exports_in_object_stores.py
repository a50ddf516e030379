"""Exports go to an object store over HTTP, and go on after a kill."""

import json
import signal

import pytest

from fixtures.object_store import killed


def exported(store, name):
    """Give the files of an export in the store, by their names below it."""
    return {key.removeprefix(f"{name}/"): key for key in store.times() if key.startswith(f"{name}/")}


@pytest.mark.parametrize("layout", ["monai", "masks-only"])
def test_an_export_to_a_store_has_the_bytes_of_an_export_to_a_folder(run, store, root, tmp_path, layout):
    assert run("export", "V1", "--layout", layout, "-o", tmp_path / "here").code == 0
    ran = run("export", "V1", "--layout", layout, "-o", "s3://scans/there", "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert (told["folder"], told["done"], told["skipped"]) == ("s3://scans/there", ["a", "b"], [])
    here = {path.relative_to(tmp_path / "here").as_posix(): path for path in (tmp_path / "here").rglob("*.*")}
    there = exported(store, "there")
    assert set(there) == {*here, "SHA256SUMS"}
    assert all(store.read(there[name]) == path.read_bytes() for name, path in here.items())
    assert run("release", "verify", "s3://scans/there").code == 0
    times = store.times()
    again = run("export", "V1", "--layout", layout, "-o", "s3://scans/there")
    assert (again.code, store.times()) == (0, times), again.err
    assert not list((root / "cache").rglob("*.nii.gz"))


def test_an_export_that_is_killed_goes_on_and_has_ended_only_with_its_checksums(run, store, root):
    words = ("export", "V1", "--layout", "dicom-seg", "-o", "s3://scans/there")
    assert killed(6, "-C", root, *words) == -signal.SIGKILL
    before = store.times()
    assert 0 < len(before) <= 6
    ran = run("release", "verify", "s3://scans/there")
    assert (ran.code, "has no SHA256SUMS" in ran.err) == (1, True)
    other = run("export", "V1", "--layout", "monai", "-o", "s3://scans/there")
    assert (other.code, "holds another export or none" in other.err) == (2, True)
    ran = run(*words)
    assert ran.code == 0, ran.err
    assert {name: time for name, time in store.times().items() if name in before} == before
    assert run("release", "verify", "s3://scans/there").code == 0


def test_an_export_replaces_no_file_that_has_other_content(run, store, root):
    words = ("export", "V1", "--layout", "monai", "-o", "s3://scans/there")
    assert killed(1, "-C", root, *words) == -signal.SIGKILL
    store.put("there/imagesTr/a.nii.gz", b"of somebody else")
    ran = run(*words)
    assert (ran.code, "imagesTr/a.nii.gz has other content than this export" in ran.err) == (2, True), ran.err
    assert store.read("there/imagesTr/a.nii.gz") == b"of somebody else"
    assert "there/SHA256SUMS" not in store.times()
