"""Cases are excluded, renamed and erased, whatever kills the program on the way."""

import json
import struct

import numpy as np
import pytest

from omentum.errors import ConfigError, ProjectError, UnknownCaseError
from omentum.project import case_life
from omentum.project.case_life import (
    erase_case,
    exclude_case,
    finish_case_changes,
    include_case,
    rename_case,
    unfinished_changes,
)
from omentum.project.case_list import list_cases
from omentum.project.project import opened
from omentum.records import Arrival, Task, TaskState

NAME, LONGER = "phantom_7", "phantom_7-b"
"""Two cases, of which one name holds the other."""
KEY = "0123456789abcdef"


class Killed(BaseException):
    """Ends a program at that place."""


def killed(*_, **__):
    raise Killed


@pytest.fixture
def full(atlas):
    """A project of two cases with predictions, labels, a queue, caches, reports, and a release."""
    liver = {"liver": atlas.box((4, 12), (4, 12), (4, 12))}
    atlas.add(NAME, LONGER, original=liver)
    for name in (NAME, LONGER):
        atlas.predict(name, liver)
    store, folder = atlas.workspace.store, atlas.workspace.folder
    store.arrivals.keep(Arrival(case_id=NAME, voxels="v"))
    store.tasks.replace(
        1,
        [
            Task(round_number=1, case_id=name, organ="liver", rank=k, attention_ml=1.0, reason="large")
            for k, name in enumerate((NAME, LONGER))
        ],
    )
    for name in (NAME, LONGER):
        for path, text in {
            f"cache/{name}-{KEY}.npz": name,
            f"rounds/1/{name}.png": name,
            f"rounds/1/report-of-{LONGER}.json": json.dumps({name: [f"{NAME}.nii.gz", LONGER]}),
            f"releases/V1/{LONGER}/lineage.json": LONGER,
        }.items():
            (folder.root / path).parent.mkdir(parents=True, exist_ok=True)
            (folder.root / path).write_text(text)
        header = json.dumps({"__metadata__": {"organ": "liver", "case_id": name}}).encode()
        features = folder.cache_dir / "features" / f"{len(name)}.safetensors"
        features.parent.mkdir(exist_ok=True)
        features.write_bytes(struct.pack("<Q", len(header)) + header)
    (folder.root / "rounds/1/report.html").write_text(f"<p>worst: {NAME}</p>")
    (folder.root / "rounds/1/other.html").write_text(f"<p>worst: {LONGER}</p>")
    (folder.root / "networks/n-r1").mkdir(parents=True)
    (folder.root / "networks/n-r1/tune.json").write_text(json.dumps({"cases": [NAME, LONGER]}))
    (folder.root / "networks/n-r1/model-card.md").write_text(f"- {NAME}, {LONGER}\n")
    (folder.case_dir(NAME) / "attention").mkdir()
    (folder.case_dir(NAME) / "attention/hot_spots.json").write_text(json.dumps({"case_id": NAME}))
    return atlas


def named_in(folder):
    """Give the files outside releases that hold the name, other than inside the longer one."""
    found = []
    for path in folder.root.rglob("*"):
        at = path.relative_to(folder.root)
        if at.parts[0] == "releases":
            continue
        seen = str(at).encode() + (path.read_bytes() if path.is_file() else b"")
        if NAME.encode() in seen.replace(LONGER.encode(), b""):
            found.append(str(at))
    return found


def test_an_excluded_case_takes_no_part_until_it_is_included_again(full):
    workspace, store = full.workspace, full.workspace.store
    before = store.tasks.of_round(1)
    skipped = exclude_case(workspace, NAME, " motion ")
    assert [task.case_id for task in skipped] == [NAME]
    (task,) = store.tasks.of_round(1, TaskState.SKIPPED)
    assert (task.case_id, task.reason) == (NAME, "case excluded: motion | before that: large")
    assert [case.case_id for case in store.cases.all()] == [LONGER]
    assert [one.case.case_id for one in workspace.standing()] == [LONGER]
    assert {line.case.case_id: line.state for line in list_cases(workspace)} == {
        NAME: "excluded",
        LONGER: "in",
    }
    assert [one.number for one in include_case(workspace, NAME)] == [task.number]
    assert store.tasks.of_round(1) == before
    assert len(store.leases.free("tasks 1")) == 2
    with pytest.raises(ProjectError, match="say why"):
        exclude_case(workspace, NAME, " ")
    with pytest.raises(UnknownCaseError):
        exclude_case(workspace, "nobody", "motion")


@pytest.mark.parametrize("killed_in", ["", "move_files"])
def test_a_renamed_case_is_found_under_its_new_name_wherever_it_stood(full, monkeypatch, killed_in):
    workspace = full.workspace
    folder, store = workspace.folder, workspace.store
    masks = (folder.prediction_dir(NAME, "synthetic") / "masks.nii.gz").read_bytes()
    if killed_in:
        with monkeypatch.context() as patch:
            patch.setattr(case_life, killed_in, killed)
            with pytest.raises(Killed):
                rename_case(workspace, NAME, "new")
        assert unfinished_changes(store) == ["case renamed: new"]
        with opened(folder.root, looking=True):
            assert folder.case_dir(NAME).is_dir()
        with opened(folder.root):
            pass
    else:
        rename_case(workspace, NAME, "new")
    assert unfinished_changes(store) == []
    assert store.former_names.current(NAME) == "new"
    assert not folder.case_dir(NAME).exists()
    (line,) = [one for one in list_cases(workspace) if one.case.case_id == "new"]
    assert line.predicted_by == ("synthetic",)
    assert line.former_names == (NAME,)
    assert line.case.ct_path.is_file()
    assert store.predictions.of_case("new")["synthetic"].masks_path.read_bytes() == masks
    standing = {one.case.case_id: one.masks for one in workspace.standing()}
    assert all(mask.path.is_file() for mask in standing["new"])
    assert json.loads((folder.case_dir("new") / "attention/hot_spots.json").read_text()) == {"case_id": "new"}
    assert json.loads((folder.root / "networks/n-r1/tune.json").read_text()) == {"cases": ["new", LONGER]}
    kept = sorted(path.name for path in folder.cache_dir.rglob("*") if path.is_file())
    assert kept == [f"{len(LONGER)}.safetensors", f"new-{KEY}.npz", f"{LONGER}-{KEY}.npz"]


def test_a_name_that_cannot_be_or_whose_folder_is_there_is_refused(full):
    (full.workspace.folder.cases_dir / "left").mkdir()
    for name, error in (("left", ProjectError), ("../up", ConfigError), (LONGER, ProjectError)):
        with pytest.raises(error):
            rename_case(full.workspace, NAME, name)
    assert full.workspace.store.cases.get(NAME).ct_path.is_file()


@pytest.mark.parametrize("killed_in", ["", "erase_files", "Store.scrub"])
def test_no_byte_outside_releases_names_an_erased_case(full, monkeypatch, killed_in):
    workspace = full.workspace
    folder, store = workspace.folder, workspace.store
    (folder.releases_dir / "V2" / NAME).mkdir(parents=True)
    exclude_case(workspace, NAME, "unsure")
    rename_case(workspace, NAME, "between")
    rename_case(workspace, "between", NAME)
    assert named_in(folder)
    if killed_in:
        with monkeypatch.context() as patch:
            target = case_life if "." not in killed_in else case_life.Store
            patch.setattr(target, killed_in.rpartition(".")[2], killed)
            with pytest.raises(Killed):
                erase_case(workspace, NAME, why="consent withdrawn", by="reader-1")
        assert unfinished_changes(store)
        with opened(folder.root):
            pass
    else:
        erased = erase_case(workspace, NAME, why="consent withdrawn", by="reader-1")
        assert erased.is_scrubbed
        assert {path.name for path in erased.removed_reports} == {"report.html", f"{NAME}.png"}
    assert unfinished_changes(store) == []
    assert named_in(folder) == []
    (tombstone,) = store.tombstones.all()
    assert tombstone.releases == ("V2",)
    assert tombstone.voxels == "v"
    alias = tombstone.pseudonym
    assert json.loads((folder.root / "networks/n-r1/tune.json").read_text()) == {"cases": [alias, LONGER]}
    assert (folder.root / "networks/n-r1/model-card.md").read_text() == f"- {alias}, {LONGER}\n"
    assert [line.case.case_id for line in list_cases(workspace)] == [LONGER]
    for path in ("rounds/1/other.html", f"rounds/1/{LONGER}.png", f"cache/{LONGER}-{KEY}.npz"):
        assert (folder.root / path).is_file()
    assert np.array_equal(store.cases.get(LONGER).geometry.shape, full.shape)
    assert [task.case_id for task in store.tasks.of_round(1)] == [LONGER]


def test_a_case_whose_files_are_gone_is_excluded_and_erased_all_the_same(full):
    import shutil

    shutil.rmtree(full.workspace.folder.case_dir(NAME))
    exclude_case(full.workspace, NAME, "deleted")
    erase_case(full.workspace, NAME, why="deleted", by="reader-1")
    assert named_in(full.workspace.folder) == []


def test_a_reason_that_names_the_case_is_refused(full):
    with pytest.raises(ProjectError, match="leave the name out"):
        erase_case(full.workspace, NAME, why=f"{NAME} withdrew", by="reader-1")
    assert full.workspace.store.cases.get(NAME)


def test_a_database_in_use_is_scrubbed_by_the_next_command(full):
    folder, store = full.workspace.folder, full.workspace.store
    reader = case_life.Store.open("sqlite:///omentum.db", folder.root, wait_seconds=0.1, read_only=True)
    with reader, reader._database.reading() as session:
        session.connection().exec_driver_sql("SELECT * FROM cases").fetchall()
        quick = case_life.Store.open("sqlite:///omentum.db", folder.root, wait_seconds=0.1)
        with quick:
            quick.facts.set(case_life._SCRUB, "due")
            finish_case_changes(folder, quick)
    assert unfinished_changes(store) == [case_life._SCRUB]
    finish_case_changes(folder, store)
    assert unfinished_changes(store) == []
