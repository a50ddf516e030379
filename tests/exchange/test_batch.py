from dataclasses import replace

import numpy as np
import pytest

from omentum.errors import ConfigError, UnreadableImageError
from omentum.exchange import batch
from omentum.exchange.batch import add_found
from omentum.exchange.import_options import ImportOptions
from omentum.exchange.importers.find_sources import find_sources
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.intake import is_held_out
from omentum.project.case_life import erase_case
from omentum.project.project import ADD_STAGE
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.nifti import read_nifti


@pytest.fixture
def scan(atlas, tmp_path):
    """Writes a CT under a path below `tmp_path`."""

    def write(name: str, seed: int = 0):
        voxels = np.random.default_rng(seed).integers(-900, 900, atlas.shape).astype(np.int16)
        return atlas.write(tmp_path / name, voxels)

    return write


def names(workspace) -> list[str]:
    return [case.case_id for case in workspace.store.cases.all()]


def tree(folder) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_folder_of_cts_becomes_cases_with_files_and_records(atlas, scan, tmp_path):
    for name in ("data/a.nii.gz", "data/b/ct.nii.gz"):
        scan(name)
    told = []
    done = add_found(
        atlas.workspace, find_sources([tmp_path / "data"]), progress=lambda *one: told.append(one)
    )
    assert (done.done, done.skipped, done.failed) == (("a", "b"), (), ())
    assert told == [("add", 1, 2, "a"), ("add", 2, 2, "b")]
    assert names(atlas.workspace) == ["a", "b"]
    case = atlas.workspace.store.cases.get("b")
    assert case.ct_path.is_file()
    assert case.source == str(tmp_path / "data" / "b" / "ct.nii.gz")
    assert case.geometry.shape == atlas.shape


def test_the_same_source_again_changes_nothing(atlas, scan):
    path = scan("a.nii.gz")
    add_found(atlas.workspace, find_sources([path]))
    ct = atlas.workspace.store.cases.get("a").ct_path
    written = ct.stat().st_mtime_ns
    again = add_found(atlas.workspace, find_sources([path]))
    assert (again.done, again.skipped) == ((), ("a",))
    assert ct.stat().st_mtime_ns == written
    assert names(atlas.workspace) == ["a"]


def test_another_ct_of_a_name_that_is_taken_is_set_aside_and_the_others_come_in(atlas, scan, tmp_path):
    add_found(atlas.workspace, find_sources([scan("one/a.nii.gz")]))
    before = atlas.workspace.store.cases.get("a")
    scan("two/0.nii.gz", seed=1)
    scan("two/a.nii.gz", seed=1)
    done = add_found(atlas.workspace, find_sources([tmp_path / "two"]))
    assert (done.done, done.skipped, done.moved) == (("0",), (), {})
    (failure,) = done.failed
    assert failure.key == "a"
    assert "'a' already" in failure.reason
    assert "--id NAME" in failure.reason
    assert atlas.workspace.store.cases.get("a").source == before.source
    assert names(atlas.workspace) == ["0", "a"]


def test_of_two_cts_of_one_name_in_a_batch_the_second_is_set_aside(atlas, scan):
    first, second = scan("one/a.nii.gz"), scan("two/a.nii.gz", seed=1)
    done = add_found(atlas.workspace, find_sources([first, second]))
    assert done.done == ("a",)
    (failure,) = done.failed
    assert failure.key == str(second)
    assert str(first) in failure.reason


def test_a_ct_that_cannot_be_used_is_set_aside_and_the_others_come_in(atlas, scan, tmp_path):
    for name in ("data/a.nii.gz", "data/b.nii.gz", "data/c.nii.gz"):
        scan(name)
    bad = tmp_path / "data" / "b.nii.gz"
    whole = bad.read_bytes()
    bad.write_bytes(whole[: len(whole) // 2])
    done = add_found(atlas.workspace, find_sources([tmp_path / "data"]))
    assert done.done == ("a", "c")
    assert [failure.key for failure in done.failed] == ["b"]
    assert "b.nii.gz" in done.failed[0].reason
    assert names(atlas.workspace) == ["a", "c"]
    assert not atlas.workspace.folder.case_dir("b").exists()
    assert [one.key for one in atlas.workspace.store.ledger.failures(ADD_STAGE)] == ["b"]
    bad.write_bytes(whole)
    again = add_found(atlas.workspace, find_sources([tmp_path / "data"]))
    assert (again.done, again.skipped) == (("b",), ("a", "c"))
    assert atlas.workspace.store.ledger.failures(ADD_STAGE) == []


def test_a_case_and_all_that_is_known_of_it_are_kept_together_or_not_at_all(
    atlas, scan, tmp_path, monkeypatch
):
    path = scan("a.nii.gz")
    label = OriginalLabel(
        path=atlas.write(tmp_path / "l.nii.gz", np.full(atlas.shape, 6, np.uint8)),
        ids="omentum",
        organs=("liver",),
    )
    store = atlas.workspace.store

    def add():
        return add_found(atlas.workspace, find_sources([path]), labels=lambda _: label)

    for owner, name in (
        (store.cases, "add"),
        (store.arrivals, "keep"),
        (store.labels, "add"),
        (store.ledger, "mark_done"),
    ):
        with monkeypatch.context() as dying:
            dying.setattr(owner, name, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                add()
        assert atlas.workspace.folder.case_dir("a").is_dir(), "files first"
        assert (store.cases.every(), store.arrivals.all(), store.labels.current()) == ([], {}, {})
        assert store.ledger.done_keys(ADD_STAGE) == set()
    assert add().done == ("a",)
    case, arrival, version = store.cases.get("a"), store.arrivals.of_case("a"), store.labels.current()["a"]
    assert arrival.ct_sha256 == file_sha256(case.ct_path)
    assert (version.path, version.sha256) == (case.original_label_path, file_sha256(case.original_label_path))
    assert version.organs == case.original_organs == ("liver",)
    assert all(one.mask_sha256 for one in version.findings if one.organ == "liver")
    assert add().skipped == ("a",)


def test_a_folder_that_moved_is_known_and_its_cases_say_where_they_are_from_now(atlas, scan, tmp_path):
    scan("data/a.nii.gz")
    scan("data/b.nii.gz", seed=1)
    add_found(atlas.workspace, find_sources([tmp_path / "data"]))
    atlas.workspace.store.cases.exclude("b", "motion")
    (tmp_path / "data").rename(tmp_path / "disk")
    again = add_found(atlas.workspace, find_sources([tmp_path / "disk"]))
    assert (again.done, again.skipped, again.failed) == ((), ("a", "b"), ())
    assert again.moved == {name: str(tmp_path / "data" / f"{name}.nii.gz") for name in ("a", "b")}
    assert atlas.workspace.store.cases.get("b").source == str(tmp_path / "disk" / "b.nii.gz")
    assert add_found(atlas.workspace, find_sources([tmp_path / "disk"])).moved == {}


def test_a_ct_of_another_name_is_its_case_if_the_first_source_is_gone_and_a_copy_if_not(
    atlas, scan, tmp_path
):
    first = scan("data/a.nii.gz")
    add_found(atlas.workspace, find_sources([first]))
    copy = tmp_path / "copy.nii.gz"
    copy.write_bytes(first.read_bytes())
    beside = add_found(atlas.workspace, find_sources([copy]))
    assert beside.done == ("copy",)
    assert atlas.workspace.store.arrivals.of_case("copy").same_voxels_as == "a"
    renamed = first.rename(tmp_path / "data" / "patient-1.nii.gz")
    again = add_found(atlas.workspace, find_sources([renamed]))
    assert (again.done, again.skipped, again.moved) == ((), ("a",), {"a": str(first)})
    assert [(one.path, one.case_id) for one in again.sources] == [(renamed, "a")]
    assert names(atlas.workspace) == ["a", "copy"]
    assert not atlas.workspace.folder.case_dir("patient-1").exists()
    third = add_found(atlas.workspace, find_sources([renamed]))
    assert (third.skipped, third.moved) == (("a",), {})


def test_a_ct_that_was_erased_is_set_aside_until_it_is_readmitted(atlas, scan):
    path = scan("a.nii.gz")
    add_found(atlas.workspace, find_sources([path]))
    store = atlas.workspace.store
    voxels = store.arrivals.of_case("a").voxels
    erase_case(atlas.workspace, "a", why="consent withdrawn", by="reader-1")
    assert [one.voxels for one in store.tombstones.all()] == [voxels]
    other = path.rename(path.with_name("other.nii.gz"))
    again = add_found(atlas.workspace, find_sources([other]))
    (failure,) = again.failed
    assert "was erased on 20" in failure.reason
    assert "(consent withdrawn)" in failure.reason
    assert "--readmit" in failure.reason
    assert not atlas.workspace.folder.case_dir("other").exists()
    path = other.rename(path.with_name("unusual-name.nii.gz"))
    assert len(add_found(atlas.workspace, find_sources([path])).failed) == 1
    assert store.ledger.failures() == []
    kept = [one for one in atlas.workspace.folder.root.rglob("*") if one.is_file()]
    assert not [one for one in kept if b"unusual-name" in one.read_bytes()], "no byte names it"
    other = path.rename(other)
    done = add_found(atlas.workspace, find_sources([other]), options=ImportOptions(readmit=True))
    assert done.done == ("other",)
    assert store.tombstones.all() == []


def test_a_name_given_for_several_cts_is_refused(atlas, scan, tmp_path):
    scan("data/a.nii.gz")
    scan("data/b.nii.gz")
    with pytest.raises(ConfigError, match="2 were found"):
        add_found(atlas.workspace, find_sources([tmp_path / "data"]), case_id="mine")
    assert names(atlas.workspace) == []


@pytest.mark.parametrize("bad", ["../x", "a/b", "", ".hidden"])
def test_a_name_that_is_no_folder_name_is_refused_at_once(atlas, scan, bad):
    with pytest.raises(ConfigError, match="--id"):
        add_found(atlas.workspace, find_sources([scan("a.nii.gz")]), case_id=bad)
    assert atlas.workspace.store.ledger.failures() == []


def test_one_ct_may_be_given_a_name(atlas, scan):
    add_found(atlas.workspace, find_sources([scan("a.nii.gz")]), case_id="mine")
    assert names(atlas.workspace) == ["mine"]


def test_a_path_that_holds_no_ct_is_refused(atlas, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnreadableImageError):
        add_found(atlas.workspace, find_sources([tmp_path / "empty"]))


def test_labels_are_found_for_the_cts_that_have_them(atlas, scan, tmp_path):
    scan("data/a/ct.nii.gz")
    scan("data/b/ct.nii.gz")
    liver = atlas.box((4, 9), (4, 9), (4, 9))
    atlas.write(tmp_path / "data" / "b" / "labels.nii.gz", liver.astype(np.uint8) * 6)

    def labels(source):
        path = source.beside("labels.nii.gz")
        return None if path is None else OriginalLabel(path=path, ids="omentum", organs=("liver",))

    add_found(atlas.workspace, find_sources([tmp_path / "data"]), labels=labels)
    a, b = atlas.workspace.store.cases.all()
    assert (a.original_label_path, a.original_organs) == (None, ())
    assert b.original_organs == ("liver",)
    np.testing.assert_array_equal(read_nifti(b.original_label_path).voxels == 6, liver)


def test_patients_are_drawn_for_evaluation_by_a_secret_and_stay_drawn(atlas, scan):
    add_found(atlas.workspace, find_sources([scan("a.nii.gz")]))
    case = atlas.workspace.store.cases.get("a")
    secret, other = bytes(range(32)), bytes(32)
    cases = [replace(case, case_id=f"c{k}", patient_id=f"p{k // 2}") for k in range(4000)]
    drawn = [is_held_out(one, secret, 0.2) for one in cases]
    assert 0.17 < np.mean(drawn) < 0.23
    assert drawn[::2] == drawn[1::2], "both CTs of a patient fall together"
    assert drawn == [is_held_out(one, secret, 0.2) for one in cases]
    assert drawn != [is_held_out(one, other, 0.2) for one in cases]
    wider = [is_held_out(one, secret, 0.4) for one in cases]
    assert all(more for less, more in zip(drawn, wider, strict=True) if less)
    assert not any(is_held_out(one, secret, 0.0) for one in cases)


def test_the_share_of_the_settings_decides_who_is_kept(atlas, scan, tmp_path):
    for k in range(12):
        scan(f"data/c{k}.nii.gz", seed=k)
    half = replace(atlas.workspace, settings=atlas.workspace.settings.changed(held_out_share=0.5))
    add_found(half, find_sources([tmp_path / "data"]))
    kept = [case.held_out for case in half.store.cases.all()]
    secret = batch.read_secret(half.folder)
    drawn = [is_held_out(case, secret, 0.5) for case in half.store.cases.all()]
    assert kept == [False] * 4 + drawn[4:]  # the first patients are never kept
