"""A label that comes, or is corrected by its publisher, after its CT has come in."""

import json
import os
from datetime import UTC, datetime

import numpy as np
import pytest

from omentum.exchange import label_updates
from omentum.exchange.batch import add_found
from omentum.exchange.import_options import ImportOptions
from omentum.exchange.importers.find_sources import find_sources
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.label_updates import LABEL_STAGE, relabel, update_labels
from omentum.records import MaskSource
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.nifti import read_nifti

LIVER = 6
TELL = ImportOptions(check_labels=False)
UPDATE = ImportOptions(check_labels=False, update_labels=True)


@pytest.fixture
def scans(atlas, tmp_path):
    """Two CTs; the first one has a label of its liver."""
    for seed, name in enumerate("ab"):
        voxels = np.random.default_rng(seed).integers(-900, 900, atlas.shape).astype(np.int16)
        atlas.write(tmp_path / "data" / f"{name}.nii.gz", voxels)
    draw(atlas, tmp_path, "a", (4, 9))
    add_found(atlas.workspace, find_sources([tmp_path / "data"]), labels=labels)
    return tmp_path / "data"


def draw(atlas, root, name, side, value=LIVER):
    liver = atlas.box(side, (4, 9), (4, 9))
    return atlas.write(root / "data" / f"{name}_seg.nii.gz", liver.astype(np.uint8) * value)


def labels(source):
    path = source.beside("{name}_seg.nii.gz")
    return None if path is None else OriginalLabel(path=path, ids="omentum", organs=("liver",))


def look(workspace, folder, options=TELL):
    sources = [(one, labels(one)) for one in find_sources([folder]).sources]
    return update_labels(workspace, [one for one in sources if one[1]], options=options)


def test_a_label_whose_files_look_as_before_is_not_opened(atlas, scans, monkeypatch):
    monkeypatch.setattr(label_updates, "compare_label", None)
    seen = look(atlas.workspace, scans)
    assert (seen.updated, seen.changed, seen.failed) == ({}, {}, ())


@pytest.mark.parametrize("change", ["time", "bytes"])
def test_a_label_that_says_the_same_is_known_and_next_time_not_opened(atlas, scans, monkeypatch, change):
    path = scans / "a_seg.nii.gz"
    if change == "time":
        os.utime(path, (1, 1))
    else:
        draw(atlas, scans.parent, "a", (4, 9))
        image = read_nifti(path).voxels.astype(np.int32)
        atlas.write(path, image)
    for _ in range(2):
        seen = look(atlas.workspace, scans, UPDATE)
        assert (seen.updated, seen.changed, seen.failed) == ({}, {}, ())
        monkeypatch.setattr(label_updates, "compare_label", None)
    assert len(atlas.workspace.store.labels.of_case("a")) == 1


def test_a_label_that_changed_or_came_late_is_told_and_taken_only_where_asked(atlas, scans, tmp_path):
    store = atlas.workspace.store
    before = store.cases.get("a")
    first = before.original_label_path.read_bytes()
    draw(atlas, tmp_path, "a", (6, 11))
    draw(atlas, tmp_path, "b", (4, 9))
    told = look(atlas.workspace, scans)
    assert told.updated == {}
    assert "changed since it came in; take it with --update-labels" in told.changed["a"]
    assert "has come for it" in told.changed["b"]
    assert store.cases.get("a").original_label_path == before.original_label_path
    taken = look(atlas.workspace, scans, UPDATE)
    assert (taken.changed, taken.failed) == ({}, ())
    a, b = store.cases.get("a"), store.cases.get("b")
    assert before.original_label_path.read_bytes() == first, "what was recorded is never overwritten"
    assert a.original_label_path.name == "original_label.v2.nii.gz"
    assert a.source_label_path.name == "source_label.v2.nii.gz"
    assert a.source_label_path.read_bytes() == (scans / "a_seg.nii.gz").read_bytes()
    assert b.original_label_path.name == "original_label.nii.gz"
    assert (a.original_organs, b.original_organs) == (("liver",), ("liver",))
    drawn = atlas.box((6, 11), (4, 9), (4, 9))
    np.testing.assert_array_equal(read_nifti(a.original_label_path).voxels == LIVER, drawn)
    versions = store.labels.of_case("a")
    assert [one.sha256 for one in versions] == [
        file_sha256(before.original_label_path),
        file_sha256(a.original_label_path),
    ]
    assert look(atlas.workspace, scans, UPDATE).updated == {}
    draw(atlas, tmp_path, "a", (4, 9))
    look(atlas.workspace, scans, UPDATE)
    assert store.cases.get("a").original_label_path.name == "original_label.v3.nii.gz"


def test_other_organs_asked_of_the_same_file_are_another_label(atlas, scans):
    label = OriginalLabel(path=scans / "a_seg.nii.gz", ids="omentum", organs=("liver", "spleen"))
    case = atlas.workspace.store.cases.get("a")
    assert relabel(atlas.workspace, case, label).organs == ("spleen", "liver")
    assert relabel(atlas.workspace, atlas.workspace.store.cases.get("a"), label) is None


def test_an_update_that_was_killed_before_its_record_is_made_again_under_the_same_name(
    atlas, scans, tmp_path, monkeypatch
):
    draw(atlas, tmp_path, "a", (6, 11))
    with monkeypatch.context() as dying:
        dying.setattr(label_updates, "keep_comparison", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            look(atlas.workspace, scans, UPDATE)
    case = atlas.workspace.store.cases.get("a")
    assert (case.ct_path.parent / "original_label.v2.nii.gz").is_file()
    assert case.original_label_path.name == "original_label.nii.gz"
    (version,) = look(atlas.workspace, scans, UPDATE).updated.values()
    assert version.path.name == "original_label.v2.nii.gz"


def test_a_label_that_cannot_be_used_is_set_aside_and_the_others_are_taken(atlas, scans, tmp_path):
    draw(atlas, tmp_path, "a", (4, 9), value=200)
    draw(atlas, tmp_path, "b", (4, 9))
    seen = look(atlas.workspace, scans, UPDATE)
    assert list(seen.updated) == ["b"]
    (failure,) = seen.failed
    assert failure.key == "a"
    assert "200" in failure.reason
    failures = atlas.workspace.store.ledger.failures
    assert [one.key for one in failures(LABEL_STAGE)] == ["a"]
    draw(atlas, tmp_path, "a", (4, 9))
    assert look(atlas.workspace, scans, UPDATE).failed == ()
    assert failures(LABEL_STAGE) == []


def test_what_people_revised_stays_and_is_told(atlas, scans, tmp_path, hand_in):
    hand_in(atlas.workspace, "a", "liver", atlas.box((5, 9), (4, 9), (4, 9)))
    draw(atlas, tmp_path, "a", (6, 11))
    seen = look(atlas.workspace, scans, UPDATE)
    assert seen.stay == {"a": ("liver",)}
    assert len(atlas.workspace.store.revisions.of_case("a")) == 1
    (mask,) = next(one for one in atlas.workspace.standing() if one.case.case_id == "a").masks
    assert (mask.source, mask.path.name) == (MaskSource.ORIGINAL, "original_label.v2.nii.gz")
    assert mask.sha256 == atlas.workspace.store.labels.current()["a"].sha256
    assert seen.updated["a"].time <= datetime.now(UTC)


def test_the_command_tells_what_changed_and_what_moved_and_takes_it_where_asked(
    omentum, tmp_path, write_volume
):
    for name in "ab":
        write_volume(tmp_path / f"src/{name}.nii.gz")
    write_volume(tmp_path / "src/a_seg.nii.gz", values=[LIVER])
    assert omentum("init", tmp_path / "p", "--network", "starter", "--organs", "liver").code == 0

    def add(folder, *options):
        label = ("--label", "{name}_seg.nii.gz", "--label-ids", "omentum", "--label-organs", "liver,spleen")
        ran = omentum("-C", tmp_path / "p", "add", tmp_path / folder, *label, *options, "--json")
        return ran, json.loads(ran.out)

    ran, told = add("src")
    assert (ran.code, [one["case"] for one in told["added"]], told["left_out"]) == (0, ["a", "b"], [])
    write_volume(tmp_path / "src/a_seg.nii.gz", values=[1, LIVER])
    write_volume(tmp_path / "src/b_seg.nii.gz", values=[LIVER])
    ran, told = add("src")
    assert (ran.code, told["before"], told["labels_updated"]) == (1, ["a", "b"], [])
    assert [one["case"] for one in told["labels_changed"]] == ["a", "b"]
    assert "a: its label changed since it came in; take it with --update-labels" in ran.err
    ran, told = add("src", "--update-labels")
    assert (ran.code, told["labels_changed"], told["failed"]) == (0, [], [])
    files = [(one["case"], one["file"].rpartition("/")[2]) for one in told["labels_updated"]]
    assert files == [("a", "original_label.v2.nii.gz"), ("b", "original_label.nii.gz")]
    (tmp_path / "src").rename(tmp_path / "moved")
    ran, told = add("moved", "--update-labels")
    assert (ran.code, told["before"], told["labels_updated"]) == (0, ["a", "b"], [])
    assert told["moved"][0] == {"case": "a", "from": str(tmp_path / "src/a.nii.gz")}
    write_volume(tmp_path / "other/a.nii.gz", seed=7)
    write_volume(tmp_path / "other/c.nii.gz", seed=7)
    ran = omentum("-C", tmp_path / "p", "add", tmp_path / "other")
    assert ran.code == 1
    assert "a was set aside" in ran.err
    assert "there is a case 'a' already" in ran.err
    assert "added 1 case" in ran.err
