"""A project that the version before made: it opens, gives the same release, and takes its folders."""

import json
import shutil

import numpy as np

from omentum.project.project import opened
from omentum.records import (
    ReaderAnswer,
    TaskKind,
    TaskState,
)
from omentum.volumes.nifti import read_nifti


def voxels_below(release):
    return {
        path.relative_to(release).as_posix(): read_nifti(path).voxels
        for path in sorted(release.glob("*/segmentations/*.nii.gz"))
    }


def sources_in(release):
    return {
        path.parent.name: {
            organ: (told["source"], told.get("revision_sha256"), told.get("revision_kept_beside"))
            for organ, told in json.loads(path.read_text())["organs"].items()
        }
        for path in sorted(release.glob("*/lineage.json"))
    }


def test_it_opens_with_all_that_was_known(old):
    with opened(old / "project") as workspace:
        store = workspace.store
        counts = store.tasks.counts(1)
        assert counts == {TaskState.CLAIMED: 3, TaskState.DONE: 2}
        assert [task.kind for task in store.tasks.of_round(1)][2:] == [TaskKind.AUDIT] * 3
        revisions = store.revisions.all()
        assert [one.says for one in revisions] == [
            ReaderAnswer.REVISED,
            ReaderAnswer.REVISED,
            ReaderAnswer.ACCEPTED,
            ReaderAnswer.REVISED,
            ReaderAnswer.REVISED,
        ]
        assert all(one.base_sha256 is None and one.path.is_file() for one in revisions)
        assert [one.task_number for one in revisions] == [None, None, 3, 2, 2]
        assert store.audits.of_round(1).n_cases_drawn > 0
        found = {
            (one.case.case_id, mask.organ): (mask.source.value, mask.revision and mask.revision.sha256)
            for one in workspace.standing()
            for mask in one.masks
        }
    for case_id, organs in sources_in(old / "project/releases/V1").items():
        for organ, (source, revised, beside) in organs.items():
            assert found.pop((case_id, organ)) == (source, revised or beside)
    assert found == {}


def test_a_release_has_the_same_masks_as_the_one_that_the_older_version_made(old, omentum):
    root = old / "project"
    ran = omentum("-C", root, "assemble", "--version", "V2")
    assert ran.code == 0, ran.err
    before, after = voxels_below(root / "releases/V1"), voxels_below(root / "releases/V2")
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[path], after[path]) for path in before)
    assert sources_in(root / "releases/V2") == sources_in(root / "releases/V1")


def test_folders_that_the_older_version_exported_are_taken(old, omentum):
    for case_id, organ in (("phantom_0023", "spleen"), ("phantom_0021", "kidney_right")):
        folder = old / "tasks" / case_id
        shutil.copy(folder / f"{organ}.nii.gz", folder / f"{organ}_revised.nii.gz")
    ran = omentum("-C", old / "project", "review", "import", old / "tasks", "--reader", "anna", "--json")
    assert ran.code == 0, ran.err + ran.out
    told = json.loads(ran.out)
    assert told["set_aside"] == []
    assert {(one["case"], one["organ"], one["stands"]) for one in told["taken"]} == {
        ("phantom_0023", "spleen", True),
        ("phantom_0021", "kidney_right", True),
    }
    with opened(old / "project") as workspace:
        assert workspace.store.tasks.counts(1)[TaskState.DONE] == 4
        taken = [one for one in workspace.store.revisions.all() if one.reader == "anna"]
        assert {one.says for one in taken} == {ReaderAnswer.ACCEPTED}
        assert {(one.round_number, one.network) for one in taken} == {(1, "starter")}


def test_who_may_not_write_to_it_is_told_so_and_it_is_not_migrated(old, omentum, monkeypatch):
    before = (old / "project/omentum.db").read_bytes()
    monkeypatch.setattr("omentum.project.project.is_writable", lambda *_: False)
    ran = omentum("-C", old / "project", "status")
    assert ran.code == 2
    assert "is of an older version (0004" in ran.err
    assert (old / "project/omentum.db").read_bytes() == before
