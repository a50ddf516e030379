"""A database moves only while no program has the project open to write to it, and those are named."""

import subprocess
import sys

import pytest

from omentum.errors import ProjectError
from omentum.project import database_change
from omentum.project.database_change import move_database, restore_database
from omentum.project.project import opened

OPEN = """
import pathlib, sys
from omentum.project.project import opened

with opened(pathlib.Path(sys.argv[-1]), looking="look" in sys.argv) as project:
    print("open", flush=True)
    word = sys.stdin.readline().strip()
    if word:
        project.store.facts.set(word, word)
"""


@pytest.fixture
def root(atlas):
    """The folder of a project with a case."""
    atlas.add("a")
    atlas.workspace.store.close()
    return atlas.workspace.folder.root


@pytest.fixture
def program(root):
    """Function: start a program that has the project open, and return once it has."""
    begun = []

    def begin(*words):
        one = subprocess.Popen(
            [sys.executable, "-c", OPEN, *words, str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        begun.append(one)
        assert one.stdout.readline() == "open\n", one.stderr.read()
        return one

    yield begin
    for one in begun:
        one.kill()
        one.communicate()


def move(root, **how):
    with opened(root) as project:
        return move_database(project, "sqlite:///new.db", **how)


def test_a_program_that_only_has_the_project_open_is_named_and_nothing_moves(root, program):
    idle = program("review", "serve")
    with pytest.raises(ProjectError, match=rf"others work .*: omentum review serve \(process {idle.pid} on "):
        move(root)
    with opened(root) as project, pytest.raises(ProjectError, match=r"serve .*, which may lose what they do"):
        restore_database(project, root / "a.db", force=True)
    assert not (root / "new.db").exists()
    idle.communicate("kept")
    move(root)
    with opened(root) as project:
        assert project.store.facts.get("kept") == "kept"


def test_one_that_was_killed_or_only_looks_is_in_nobodys_way(root, program):
    killed = program("add")
    killed.kill()
    killed.communicate()
    program("look")
    move(root)
    assert not list((root / "programs").glob(f"*:{killed.pid}:*")), "its file is removed"


def test_one_that_begins_while_the_database_is_copied_is_seen(root, program, monkeypatch):
    refuse = database_change._refuse_while_others_work
    calls = []

    def begin_after_the_first(*given):
        refuse(*given)
        calls.append(given)
        if len(calls) == 1:
            program("tune")

    monkeypatch.setattr(database_change, "_refuse_while_others_work", begin_after_the_first)
    with pytest.raises(ProjectError, match=r"omentum tune \(process"):
        move(root)
    with opened(root) as project:
        project.store.cases.exclude("a", "motion")


def test_one_that_writes_after_a_move_is_told_where_the_project_is(root, program):
    late = program("add")
    move(root, anyway=True)
    _, said = late.communicate("lost")
    assert late.returncode != 0
    assert "takes no writes, as the project has moved to sqlite:///" in said
    assert "new.db; start the program again" in said
    with opened(root) as project:
        assert project.store.facts.get("lost") is None


def test_a_move_that_is_killed_before_the_settings_name_the_new_database_loses_nothing(root, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(database_change, "change_settings", killed)
        with pytest.raises(KeyboardInterrupt):
            move(root)
    with opened(root) as project:
        assert project.store.cases.names() == {"a"}
        with pytest.raises(ProjectError, match="run the same `omentum db move` again"):
            project.store.facts.set("x", "y")
    move(root)
    with opened(root) as project:
        project.store.facts.set("x", "y")
