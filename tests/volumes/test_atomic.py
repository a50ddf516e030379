import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from omentum.volumes import atomic
from omentum.volumes.atomic import copy, flushed_together, move_folder, sweep, write_json, write_text, writing

HANG = """
import sys, time
from pathlib import Path
from omentum.volumes.atomic import writing
with writing(Path(sys.argv[1])) as part:
    part.write_text("half")
    print("writing", flush=True)
    time.sleep(600)
"""


@contextmanager
def writer_at_work(path):
    """Another process, in the middle of writing; ended when the block is left."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    command = [sys.executable, "-c", HANG, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout.readline() == "writing\n"
            yield process
        finally:
            process.kill()


def test_a_file_is_there_whole_and_alone(tmp_path):
    write_text(tmp_path / "new" / "folder" / "a.txt", "Größe\n")
    assert (tmp_path / "new" / "folder" / "a.txt").read_bytes() == "Größe\n".encode()
    assert list((tmp_path / "new" / "folder").iterdir()) == [tmp_path / "new" / "folder" / "a.txt"]


def test_a_part_lies_in_the_same_folder_and_keeps_the_ending(tmp_path):
    with writing(tmp_path / "ct.nii.gz") as part:
        part.write_bytes(b"x")
        assert part.parent == tmp_path
        assert part.name.endswith("ct.nii.gz")
        assert part.name != "ct.nii.gz"
        assert not (tmp_path / "ct.nii.gz").exists()


def test_whoever_reads_the_old_file_goes_on_reading_it(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with (tmp_path / "a.txt").open() as reader:
        write_text(tmp_path / "a.txt", "new")
        assert reader.read() == "old"
    assert (tmp_path / "a.txt").read_text() == "new"


def test_file_and_folder_are_flushed_to_disk(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append(os.fstat(handle).st_ino))
    write_text(tmp_path / "a.txt", "a")
    assert flushed == [(tmp_path / "a.txt").stat().st_ino, tmp_path.stat().st_ino]


def test_an_exception_in_the_middle_leaves_the_old_file_whole(tmp_path):
    write_text(tmp_path / "a.txt", "old")

    def fail():
        with writing(tmp_path / "a.txt") as part:
            part.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_block_that_writes_nothing_is_an_error_and_no_file(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(FileNotFoundError), writing(tmp_path / "a.txt"):
        pass
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_killed_writer_leaves_the_old_file_whole_and_its_part_is_swept(tmp_path):
    path = tmp_path / "case" / "a.txt"
    write_text(path, "old")
    with writer_at_work(path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert path.read_text() == "old"
    (left,) = set(path.parent.iterdir()) - {path}
    assert left.read_text() == "half"
    assert sweep(tmp_path) == [left]
    assert list(path.parent.iterdir()) == [path]


def test_the_part_of_a_writer_that_lives_is_left_alone(tmp_path):
    with writer_at_work(tmp_path / "a.txt"), writing(tmp_path / "b.txt") as ours:
        ours.write_text("b")
        before = set(tmp_path.iterdir())
        assert len(before) == 2
        assert sweep(tmp_path) == []
        assert set(tmp_path.iterdir()) == before
    assert (tmp_path / "b.txt").read_text() == "b"


def test_parts_of_other_machines_are_left_alone_however_alike_their_names(tmp_path):
    with writing(tmp_path / "a.txt") as part:
        part.write_text("a")
        ours = part.name
    host = socket.gethostname()
    others = [tmp_path / ours.replace(host, f"{host}{more}").replace(str(os.getpid()), "999999999")
              for more in ("-2", "0", ".lan", "-999999999")]  # fmt: skip
    for path in [*others, tmp_path / "omentum-part.txt"]:
        path.write_text("half")
    assert sweep(tmp_path) == []
    assert all(path.exists() for path in others)


def test_a_folder_moves_into_a_free_or_empty_place_and_into_no_other(tmp_path):
    (tmp_path / "empty").mkdir()
    for place in ("free/of/this", "empty"):
        write_text(tmp_path / "part" / "a.txt", place)
        move_folder(tmp_path / "part", tmp_path / place)
        assert (tmp_path / place / "a.txt").read_text() == place
        assert not (tmp_path / "part").exists()
    write_text(tmp_path / "part" / "a.txt", "new")
    with pytest.raises(OSError, match="not empty"):
        move_folder(tmp_path / "part", tmp_path / "empty")
    assert (tmp_path / "empty" / "a.txt").read_text() == "empty"
    assert (tmp_path / "part" / "a.txt").read_text() == "new"


def test_sweeping_where_there_is_nothing_finds_nothing(tmp_path):
    assert sweep(tmp_path) == []
    assert sweep(tmp_path / "missing") == []


def test_two_threads_may_write_one_file_at_once(tmp_path):
    both_inside, errors = threading.Barrier(2, timeout=60), []

    def work(text):
        try:
            with writing(tmp_path / "a.txt") as part:
                both_inside.wait()
                part.write_text(text * 1000)
                both_inside.wait()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(letter,)) for letter in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert (tmp_path / "a.txt").read_text() in {"a" * 1000, "b" * 1000}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_json_does_not_have_are_refused(tmp_path, value):
    write_json(tmp_path / "a.json", {"ml": None})
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"ml": value})
    assert json.loads((tmp_path / "a.json").read_text()) == {"ml": None}


def test_json_is_read_back_as_it_was_and_ends_in_a_newline(tmp_path):
    content = {"name": "Prüfer", "ml": [1.5, None], "n": 3}
    write_json(tmp_path / "a.json", content)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == content
    assert "Prüfer" in text
    assert text.endswith("}\n")


def test_a_copy_is_never_a_link(tmp_path):
    (tmp_path / "source.txt").write_text("first")
    (tmp_path / "link.txt").symlink_to(tmp_path / "source.txt")
    for number, name in enumerate(("source.txt", "link.txt")):
        target = tmp_path / "project" / f"{number}.txt"
        copy(tmp_path / name, target)
        assert not target.is_symlink()
        assert target.stat().st_nlink == 1
    (tmp_path / "source.txt").write_text("changed")
    assert {path.read_text() for path in (tmp_path / "project").iterdir()} == {"first"}


def test_a_copy_of_nothing_leaves_nothing(tmp_path):
    with pytest.raises(FileNotFoundError):
        copy(tmp_path / "missing", tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_flushed_together_are_flushed_once_each_when_the_block_ends(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(atomic, "_flush", flushed.append)
    with flushed_together():
        write_text(tmp_path / "a" / "1.txt", "one")
        write_text(tmp_path / "a" / "2.txt", "two")
        assert flushed == []
    assert flushed == [tmp_path / "a" / "1.txt", tmp_path / "a" / "2.txt", tmp_path / "a"]
    write_text(tmp_path / "3.txt", "three")
    assert flushed[-1] == tmp_path, "afterwards, each is flushed at once"
