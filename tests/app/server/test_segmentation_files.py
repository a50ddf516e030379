"""Segmentations are made once, and those that were used longest ago go when space is short."""

import os

import pytest

from omentum.app.server.dicomweb.segmentation_files import SegmentationFiles


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
