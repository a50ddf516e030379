"""Every importer passes over what operating systems leave between files."""

import json
import shutil
from pathlib import Path

import pytest

from omentum.exchange.importers.datalist import datalist
from omentum.exchange.importers.find_sources import IMPORTERS, find_sources
from omentum.exchange.importers.labels import OriginalLabel, _pictures
from omentum.exchange.label_files import _files
from omentum.volumes.label_schemes import LabelScheme

LISTED = {
    "labels": {"background": 0, "liver": 1},
    "channel_names": {"0": "CT"},
    "training": [{"image": "./imagesTr/a_0000.nii.gz", "label": "./labelsTr/a.nii.gz"}],
}
LAYOUTS = {
    "data set": ["04_LiTS/volume-1.nii", "04_LiTS/segmentation-1.nii", "04_LiTS/volume-2.nii"],
    "dataset.json": ["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz", "dataset.json"],
    "nnU-Net": [
        "Dataset001/imagesTr/a_0000.nii.gz",
        "Dataset001/labelsTr/a.nii.gz",
        "Dataset001/dataset.json",
    ],
    "case folder": [
        "one/ct.nii.gz",
        "one/backbones/unet/segmentations/liver.nii.gz",
        "one/average/segmentations/liver.nii.gz",
        "one/average/segmentations/liver_revised.nii.gz",
    ],
    "pair": ["a.hdr", "a.img"],
    "plain": ["a.nii.gz", "b.nrrd", "labels/c.nii.gz"],
}


def fill(root: Path, names: list[str]) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        listed = dict(LISTED) if name == "dataset.json" else {**LISTED, "training": []}
        path.write_bytes(json.dumps(listed).encode() if path.suffix == ".json" else b"x")


def clutter(root: Path) -> None:
    """Do what a Mac, Windows and an archive of a Mac leave."""
    files = [path for path in root.rglob("*") if path.is_file()]
    for folder in {root, *(path.parent for path in files)}:
        for name in (".DS_Store", "Thumbs.db"):
            (folder / name).write_bytes(b"\0\0\0\1Bud1")
    for path in files:
        (path.parent / f"._{path.name}").write_bytes(b"\0\5\26\7" + bytes(200) + b"\xff")
        beside = root / "__MACOSX" / path.relative_to(root)
        beside.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, beside)
        (beside.parent / f"._{path.name}").write_bytes(b"\0\5\26\7")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_hidden_files_change_nothing_that_an_importer_finds(tmp_path, layout):
    fill(tmp_path, LAYOUTS[layout])
    before = find_sources([tmp_path])
    clutter(tmp_path)
    after = find_sources([tmp_path])
    assert after.sources == before.sources
    assert len(after.sources) == (2 if layout in {"data set", "plain"} else 1)
    assert not after.unusable


def test_every_importer_is_walked():
    assert IMPORTERS.keys() <= {*LAYOUTS, "release"}, "a release has the files of its manifest alone"


def test_a_list_of_cases_has_no_hidden_ones(tmp_path):
    fill(tmp_path, ["01/img/img1.nii.gz", "01/label/label1.nii.gz"])
    clutter(tmp_path / "01")
    assert datalist(tmp_path, "01", "img", "label") == ["01/img/img1.nii.gz\t01/label/label1.nii.gz"]


def test_a_label_of_many_files_has_no_hidden_ones(tmp_path):
    fill(tmp_path, ["1.png", "2.png", "liver.nii.gz"])
    clutter(tmp_path)
    label = OriginalLabel(path=tmp_path, ids=LabelScheme(name="x", values={"liver": frozenset([1])}))
    assert [path.name for path in _pictures(tmp_path)] == ["1.png", "2.png"]
    assert [path.name for path in _files(label)] == ["1.png", "2.png", "liver.nii.gz"]
