"""`omentum db` backs a database up, brings it back and moves it, and says where it was and is."""

import json

import pytest


@pytest.fixture
def root(atlas):
    """The folder of a project with two cases."""
    atlas.add("a", "b")
    return atlas.workspace.folder.root


def test_a_lost_database_comes_back_from_its_backup(omentum, root, tmp_path):
    done = omentum("-C", root, "db", "backup", tmp_path / "a.db")
    assert done.code == 0
    assert "it holds no CT and no mask" in done.out
    for path in root.glob("omentum.db*"):
        path.unlink()
    assert omentum("-C", root, "db", "restore", tmp_path / "a.db").code == 0
    assert json.loads(omentum("-C", root, "status", "--json").out)["cases"] == 2
    assert omentum("-C", root, "audit-log", "verify").code == 0


def test_a_damaged_database_is_told_how_to_come_back(omentum, root, tmp_path):
    omentum("-C", root, "db", "backup", tmp_path / "a.db")
    content = bytearray((root / "omentum.db").read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    (root / "omentum.db").write_bytes(content)
    said = omentum("-C", root, "status").err
    assert "move it away and bring a backup back with `omentum db restore FILE`" in said


def test_programs_are_told_what_a_backup_holds(omentum, root, tmp_path):
    told = json.loads(omentum("-C", root, "db", "backup", tmp_path / "a.db", "--json").out)
    again = json.loads(omentum("-C", root, "db", "backup", tmp_path / "b.db", "--json").out)
    assert told["rows"] == again["rows"] > 2
    assert len(told["sha256"]) == 64


def test_a_release_that_is_newer_than_the_backup_is_told_of(omentum, root, atlas, tmp_path):
    omentum("-C", root, "db", "backup", tmp_path / "a.db")
    atlas.workspace.store.rounds.finish(1)
    last = atlas.workspace.store.log.last()
    release = root / "releases/V1/manifest.json"
    release.parent.mkdir(parents=True)
    release.write_text(json.dumps({"audit_log": {"entries": last.number + 5, "sha256": last.sha256}}))
    done = omentum("-C", root, "db", "restore", tmp_path / "a.db", "--force")
    assert done.code == 0
    assert "what it held before is kept in" in done.out
    assert "release V1 was made when the log had" in done.err


def test_a_moved_database_is_used_and_the_old_one_is_named(omentum, root, postgresql_url):
    done = omentum("-C", root, "db", "move", "--to", postgresql_url)
    assert done.code == 0, done.err
    assert "omentum.db is as it was, and is not used any more" in done.out
    (root / "omentum.db").rename(root / "old.db")
    assert json.loads(omentum("-C", root, "status", "--json").out)["cases"] == 2
    back = json.loads(omentum("-C", root, "db", "move", "--to", "sqlite:///back.db", "--json").out)
    assert back["database"].endswith("/back.db")
    assert json.loads(omentum("-C", root, "status", "--json").out)["cases"] == 2


def test_a_password_is_never_shown(omentum, root):
    url = "postgresql://lab:pa55word@localhost:9/atlas?password=pa55word"
    done = omentum("-C", root, "db", "move", "--to", url)
    assert done.code == 2
    assert "pa55word" not in done.out + done.err
    assert "lab:***@localhost" in done.err
