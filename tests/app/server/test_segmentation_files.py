"""Segmentations are made once, and those that were used longest ago go when space is short."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from omentum.app.server.dicomweb.segmentation_files import SegmentationFiles
from omentum.errors import BusyError


def test_a_file_is_made_once_and_the_oldest_goes(tmp_path):
    files, made = SegmentationFiles(tmp_path / "kept", most_bytes=250), []

    def ask(name: str) -> str:
        def make(path) -> None:
            made.append(name)
            path.write_bytes(bytes(100))

        return files.path(name, make).name

    for number, name in enumerate(["a", "b", "a"]):
        assert ask(name) == f"{name}.dcm"
        os.utime(tmp_path / "kept" / f"{name}.dcm", (number, number))
    ask("c")
    assert made == ["a", "b", "c"]
    assert {one.name for one in (tmp_path / "kept").iterdir()} == {"a.dcm", "c.dcm"}


def test_what_cannot_be_made_leaves_nothing(tmp_path):
    files = SegmentationFiles(tmp_path)

    def fail(path) -> None:
        path.write_bytes(b"half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        files.path("a", fail)
    assert list(tmp_path.iterdir()) == []


def test_when_as_many_wait_as_may_the_next_is_told_to_come_back(tmp_path):
    files, begun, goes_on = SegmentationFiles(tmp_path, most_waiting=1), threading.Event(), threading.Event()

    def make(path) -> None:
        begun.set()
        assert goes_on.wait(60)
        path.write_bytes(b"made")

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(files.path, "a", make)
        assert begun.wait(60)
        with pytest.raises(BusyError, match="try again"):
            files.path("b", make)
        goes_on.set()
        assert first.result().read_bytes() == b"made"
    assert files.path("b", make).read_bytes() == b"made"
