"""MITK opens the list of tasks, and what it saves for them comes back."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from omentum.review.folder_export import export_round
from omentum.review.folder_import import import_round
from omentum.review.task_layout import ExportOptions, TaskLayout
from omentum.volumes.labels import organ

from .conftest import told

AS_MITK = ExportOptions(layout=TaskLayout.MITK)


@pytest.fixture
def folder(queued, tmp_path):
    export_round(queued.workspace, tmp_path / "tasks", reader="anna", options=AS_MITK)
    return tmp_path / "tasks"


def as_mitk_saves(path, mask, labels):
    """Write a mask beside the CT, with MITK's list of labels in the header."""
    ct = sitk.ReadImage(path.with_name("ct.nii.gz"))
    image = sitk.GetImageFromArray(mask.astype(np.uint16).transpose(2, 1, 0))
    image.CopyInformation(ct)
    groups = [{"labels": [{"name": name, "value": 1} for name in labels]}]
    image.SetMetaData("org.mitk.multilabel.segmentation.labelgroups", json.dumps(groups))
    sitk.WriteImage(image, path, useCompression=True)


def test_the_list_names_every_task_with_paths_below_its_own_folder(folder):
    listed = json.loads((folder / "mitk-tasks.json").read_text())
    assert (listed["FileFormat"], listed["Version"]) == ("MITK Segmentation Task List", 1)
    tasks = listed["Tasks"]
    assert [one["Name"] for one in tasks] == ["a: Liver", "a: Spleen", "b: Spleen"]
    assert (tasks[0]["LabelName"], tasks[0]["Result"]) == ("liver", "a/liver_revised.nrrd")
    for one in tasks:
        assert (folder / one["Image"]).is_file()
        assert (folder / one["Segmentation"]).is_file()
    suggested = json.loads((folder / listed["Defaults"]["LabelNameSuggestions"]).read_text())
    assert {"name": "liver", "color": "#{:02x}{:02x}{:02x}".format(*organ("liver").colour)} in suggested


def test_an_organ_without_a_voxel_begins_with_a_label_of_its_name(queued, atlas, tmp_path):
    atlas.predict("a", {})
    export_round(queued.workspace, tmp_path / "tasks", top=1, options=AS_MITK)
    (task,) = json.loads((tmp_path / "tasks" / "mitk-tasks.json").read_text())["Tasks"]
    assert "Segmentation" not in task
    assert task["LabelName"] == "liver"


@pytest.mark.parametrize("labels", [["liver"], ["Label 1"]])
def test_results_come_back_and_interim_ones_are_told(queued, folder, drawn, labels):
    as_mitk_saves(folder / "a" / "liver_revised.nrrd", drawn, labels)
    as_mitk_saves(folder / "b" / "spleen_revised.interim.nrrd", drawn, ["spleen"])
    imported = import_round(queued.workspace, folder)
    assert [one.result.revision.key for one in imported.taken] == [("a", "liver")]
    assert told(imported) == {
        "b/spleen_revised.interim.nrrd": "MITK saved it before the task was finished; accept the task there"
    }
    assert {"mitk-tasks.json", "mitk-labels.json"} <= {one.file for one in imported.known}


def test_a_result_without_a_label_is_told_and_not_taken_as_absent(queued, folder, liver):
    as_mitk_saves(folder / "a" / "liver_revised.nrrd", np.zeros_like(liver), [])
    imported = import_round(queued.workspace, folder)
    assert imported.taken == []
    assert "holds no segment" in told(imported)["a/liver_revised.nrrd"]
