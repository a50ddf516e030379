"""`omentum review export --as` chooses the files that tasks go out in."""

import json

import pytest

from omentum.records import Task


@pytest.fixture
def project(atlas):
    liver = atlas.box((3, 19), (3, 17), (2, 17))
    atlas.add("a")
    atlas.predict("a", {"liver": liver})
    task = Task(round_number=1, case_id="a", organ="liver", rank=1, attention_ml=1.0)
    atlas.workspace.store.tasks.replace(1, [task])
    return atlas.workspace.folder.root


def test_each_layout_goes_out_and_is_known_when_it_comes_back(omentum, project, tmp_path):
    for layout, name in [
        ("seg.nrrd", "a/a.seg.nrrd"),
        ("mitk", "mitk-tasks.json"),
        ("nifti", "a/liver.nii.gz"),
    ]:
        command = ["review", "export", tmp_path / layout, "--reader", "anna", "--as", layout]
        assert omentum("-C", project, *command).code == 0
        assert (tmp_path / layout / name).is_file()
        back = omentum("-C", project, "review", "import", tmp_path / layout, "--json")
        assert back.code == 0
        told = json.loads(back.out)
        assert (told["taken"], told["set_aside"]) == ([], [])


def test_another_layout_is_refused_before_a_task_is_claimed(omentum, project, tmp_path):
    done = omentum("-C", project, "review", "export", tmp_path / "t", "--as", "dicom")
    assert (done.code, "nifti, seg.nrrd, mitk" in done.err) == (2, True)
    assert not (tmp_path / "t").exists()
