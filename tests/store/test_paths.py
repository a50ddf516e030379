"""A project folder can be moved, and be reached by any way."""

from pathlib import Path

import pytest

from omentum.store.paths import Paths
from omentum.store.store import Store


def test_a_moved_project_finds_its_files_where_they_are_now(tmp_path, case_of, revision_of):
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    with Store.open("sqlite:///omentum.db", old) as store:
        store.cases.add(
            case_of(
                ct_path=old / "cases/a/ct.nii.gz", original_label_path=old / "cases/a/original_label.nii.gz"
            )
        )
        store.rounds.start("starter")
        store.revisions.add(revision_of(path=old / "cases/a/revisions/liver/f00.nii.gz"))
    old.rename(new)
    with Store.open("sqlite:///omentum.db", new) as store:
        case = store.cases.get("a")
        assert case.ct_path == new / "cases/a/ct.nii.gz"
        assert case.original_label_path == new / "cases/a/original_label.nii.gz"
        assert store.revisions.all()[0].path == new / "cases/a/revisions/liver/f00.nii.gz"


def test_what_lies_elsewhere_keeps_its_place(tmp_path):
    outside = tmp_path / "outside" / "ct.nii.gz"
    text = Paths(tmp_path / "project").stored(outside)
    assert Paths(tmp_path / "moved").given(text) == outside


def test_a_root_that_is_given_from_here_gives_paths_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = Paths(Path("atlas"))
    assert paths.stored(Path("atlas/cases/a/ct.nii.gz")) == "cases/a/ct.nii.gz"
    assert paths.stored(tmp_path / "atlas/cases/a/ct.nii.gz") == "cases/a/ct.nii.gz"
    assert paths.given("cases/a/ct.nii.gz") == Path("atlas/cases/a/ct.nii.gz")


def test_a_linked_ct_is_known_by_its_link_and_not_by_what_it_points_to(tmp_path):
    source = tmp_path / "scans" / "1.nii.gz"
    link = tmp_path / "atlas" / "ct.nii.gz"
    for path in (source, link):
        path.parent.mkdir()
    source.write_bytes(b"")
    link.symlink_to(source)
    assert Paths(tmp_path / "atlas").stored(link) == "ct.nii.gz"


@pytest.mark.parametrize("way", ["link", "real"])
def test_a_root_behind_a_link_is_the_same_root(tmp_path, way):
    real, link = tmp_path / "real", tmp_path / "link"
    (real / "cases").mkdir(parents=True)
    link.symlink_to(real)
    root, other = (link, real) if way == "link" else (real, link)
    assert Paths(root).stored(other / "cases" / "ct.nii.gz") == "cases/ct.nii.gz"


def test_steps_up_are_followed(tmp_path):
    (tmp_path / "atlas" / "cases").mkdir(parents=True)
    assert Paths(tmp_path / "atlas").stored(tmp_path / "atlas/cases/../cases/a.nii.gz") == "cases/a.nii.gz"
    outside = Paths(tmp_path / "atlas").stored(tmp_path / "atlas/../other/a.nii.gz")
    assert Path(outside).is_absolute()
