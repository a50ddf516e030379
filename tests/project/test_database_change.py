"""A move that is killed at any step leaves a project that works, and the same move again ends it."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from omentum.errors import ConfigError, ProjectError
from omentum.project.database_change import move_database, restore_database
from omentum.project.project import opened
from omentum.records import Task
from omentum.store.tasks import pool_of

STEPS = ("upgrade", "write_rows", "go_on_after", "_refuse_other", "_checked", "change_settings", "replace")
KILLED = """
import os, pathlib, signal, sys
import omentum.project.database_change as change
import omentum.store.copy_tables as copy, omentum.store.move as move
from omentum.project.project import opened

name, root = sys.argv[2], pathlib.Path(sys.argv[1])

def killed_after(place, function, at=1, calls=0):
    def call(*arguments, **named):
        nonlocal calls
        calls += 1
        done = function(*arguments, **named)
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    setattr(place, name, call)

with opened(root) as project:
    for place in (change, copy, move):
        if hasattr(place, name):
            killed_after(place, getattr(place, name), at=5 if name == "write_rows" else 1)
    if name == "replace":
        killed_after(pathlib.Path, pathlib.Path.replace)
    change.move_database(project, sys.argv[3], anyway=True)  # the test has the project open
"""


def settings_of(root: Path) -> str:
    return next(
        line for line in (root / "omentum.toml").read_text().splitlines() if line.startswith("database")
    )


@pytest.fixture
def used(atlas):
    """A project with a case and a revision."""
    mask = atlas.box((3, 11), (3, 11), (3, 11))
    atlas.add("a")
    atlas.predict("a", {"liver": mask})
    atlas.hand_in("a", "liver", mask)
    return atlas


@pytest.fixture(params=["sqlite", "postgresql"])
def other(request):
    """Where the database moves."""
    return "sqlite:///other.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")


@pytest.mark.parametrize("step", STEPS)
def test_a_move_that_is_killed_leaves_a_project_that_works_and_ends_when_it_is_done_again(used, other, step):
    root = used.workspace.folder.root
    revisions = used.workspace.store.revisions.all()
    used.workspace.store.close()
    ran = subprocess.run([sys.executable, "-c", KILLED, root, step, other], capture_output=True, check=False)
    assert ran.returncode == -9, ran.stderr
    is_moved = other in settings_of(root)
    assert is_moved == (step in ("change_settings", "replace"))
    with opened(root) as project:
        assert project.store.revisions.all() == revisions
        assert project.store.log.check().problems == ()
        if not is_moved:
            move_database(project, other)
    assert other in settings_of(root)
    with opened(root) as project:
        assert project.store.revisions.all() == revisions


def test_urls_that_other_programs_take_are_written_as_the_settings_take_them(used, postgresql_url):
    move_database(used.workspace, postgresql_url.replace("postgresql+psycopg://", "postgresql://"))
    assert postgresql_url in settings_of(used.workspace.folder.root)


def test_a_url_of_another_kind_is_refused_without_its_password(used):
    with pytest.raises(ConfigError, match=r"mysql:\.\.\.") as refused:
        move_database(used.workspace, "mysql://lab:pa55word@host/atlas")
    assert "pa55word" not in str(refused.value)


def test_comments_and_settings_stay_when_the_database_moves(used):
    path = used.workspace.folder.settings_path
    path.write_text(path.read_text() + "# ours\n")
    before = path.read_text()
    move_database(used.workspace, "sqlite:///other.db")
    assert path.read_text() == before.replace('sqlite:///omentum.db"', 'sqlite:///other.db"')


@pytest.fixture
def claimed(used):
    """The same while a reader has a task."""
    store = used.workspace.store
    store.tasks.add(Task(round_number=1, case_id="a", organ="liver", rank=1, attention_ml=1.0))
    store.leases.claim(pool_of(1), "reader-7", 1, timedelta(days=1))
    return used.workspace


def test_nothing_changes_while_readers_have_tasks_unless_a_person_says_so(claimed, tmp_path):
    made = claimed.store.back_up(tmp_path / "a.db")
    with pytest.raises(ProjectError, match=r"others work in this project: 1 task with reader-7; .*--anyway"):
        move_database(claimed, "sqlite:///other.db")
    with pytest.raises(ProjectError, match="others work in this project"):
        restore_database(claimed, made.path, force=True)
    restore_database(claimed, made.path, force=True, anyway=True)
    move_database(claimed, "sqlite:///other.db", anyway=True)


def test_a_backup_takes_the_place_of_a_used_database_only_by_force_and_that_is_kept(used, tmp_path):
    made = used.workspace.store.back_up(tmp_path / "a.db")
    used.add("b")
    with pytest.raises(ProjectError, match="give --force, which first keeps a backup"):
        restore_database(used.workspace, made.path)
    done = restore_database(used.workspace, made.path, force=True)
    assert used.workspace.store.cases.names() == {"a"}
    assert done.before is not None
    assert done.before.path.parent == used.workspace.folder.backups_dir
    restore_database(used.workspace, done.before.path, force=True)
    assert used.workspace.store.cases.names() == {"a", "b"}
    assert used.workspace.store.log.check().problems == ()


def test_a_damaged_backup_replaces_nothing_and_makes_no_file(used, tmp_path):
    (tmp_path / "a.db").write_bytes(b"torn")
    with pytest.raises(ProjectError, match="no backup"):
        restore_database(used.workspace, tmp_path / "a.db", force=True)
    assert used.workspace.store.cases.names() == {"a"}
    assert not used.workspace.folder.backups_dir.exists()
