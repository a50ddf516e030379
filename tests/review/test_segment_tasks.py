"""Tasks go out as one file of segments for 3D Slicer, which comes back as Slicer saves it."""

from datetime import timedelta

import numpy as np
import pytest
import SimpleITK as sitk

from fixtures.catch import trial_of
from omentum.errors import ConfigError
from omentum.review.folder_export import export_round
from omentum.review.folder_import import import_round
from omentum.review.task_layout import ExportOptions, TaskLayout, task_layout_named
from omentum.volumes.geometry import LPS_TO_RAS
from omentum.volumes.itk_io import read_itk_fields, read_itk_layers
from omentum.volumes.nifti import read_nifti, read_nifti_geometry
from omentum.volumes.segment_fields import segments_in
from omentum.volumes.segmentations import read_segmentation

from .conftest import told

AS_SEGMENTS = ExportOptions(layout=TaskLayout.SEG_NRRD, lasting=timedelta(days=1))


@pytest.fixture
def folder(queued, tmp_path):
    export_round(queued.workspace, tmp_path / "tasks", reader="anna", options=AS_SEGMENTS)
    return tmp_path / "tasks"


@pytest.fixture
def path(folder):
    return folder / "a" / "a.seg.nrrd"


def as_slicer_saves(path, masks, *, completed=(), to=None):
    """Write segments over a file: cropped to what is drawn, with other values and layers."""
    grid = read_nifti_geometry(path.with_name("ct.nii.gz"))
    drawn = np.argwhere(np.any([*masks.values(), np.zeros(grid.shape, bool)], axis=0))
    low, high = (drawn.min(0), drawn.max(0) + 1) if len(drawn) else (np.zeros(3, int), np.ones(3, int))
    box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    layers = [(mask[box] * np.uint8(value)) for value, mask in enumerate(masks.values(), start=2)]
    image = sitk.GetImageFromArray(np.stack(layers, axis=-1).transpose(2, 1, 0, 3), isVector=True)
    affine = LPS_TO_RAS @ grid.cropped(box).affine
    image.SetOrigin(affine[:3, 3])
    image.SetSpacing(grid.spacing_mm)
    image.SetDirection((affine[:3, :3] / grid.spacing_mm).ravel())
    fields = {"Segmentation_ReferenceImageExtentOffset": " ".join(str(part.start) for part in box)}
    for number, name in enumerate(masks):
        status = "completed" if name in completed else "inprogress"
        fields |= {
            f"Segment{number}_ID": f"Segment_{number}",
            f"Segment{number}_Name": name,
            f"Segment{number}_Layer": str(number),
            f"Segment{number}_LabelValue": str(number + 2),
            f"Segment{number}_Tags": f"Segmentation.Status:{status}|",
        }
    for key, value in fields.items():
        image.SetMetaData(key, value)
    sitk.WriteImage(image, to or path, useCompression=True)


def masks_of(path, case):
    return {one.name: one.mask for one in read_segmentation(path, case.geometry)}


def says(imported):
    return {one.result.revision.key: one.result.revision.says.value for one in imported.taken}


def test_a_case_is_the_ct_and_one_file_with_the_tasks_organs_first(folder, path):
    names = {"ct.nii.gz", "a.seg.nrrd", "HOW_TO.txt", "task.json"}
    assert {one.name for one in path.parent.iterdir()} == names
    segments = segments_in(path, read_itk_fields(path), n_layers=len(read_itk_layers(path).voxels))
    assert [one.name for one in segments] == ["liver", "spleen", "pancreas"]
    assert 'until it is "Completed"' in (path.parent / "HOW_TO.txt").read_text()


def test_what_comes_back_as_it_went_out_is_known(queued, folder, path):
    assert import_round(queued.workspace, folder).revisions == []
    masks = masks_of(path, queued.workspace.store.cases.get("a"))
    as_slicer_saves(path, dict(reversed(masks.items())))
    imported = import_round(queued.workspace, folder)
    assert (imported.revisions, imported.set_aside) == ([], [])


def test_a_changed_segment_is_a_revision_and_a_completed_one_is_accepted(
    queued, folder, path, drawn, spleen, liver
):
    masks = masks_of(path, queued.workspace.store.cases.get("a"))
    assert np.array_equal(masks["liver"], liver)
    as_slicer_saves(path, {**masks, "liver": drawn, "spleen": spleen}, completed=["spleen"])
    imported = import_round(queued.workspace, folder)
    assert says(imported) == {("a", "liver"): "revised", ("a", "spleen"): "accepted"}
    assert all(one.result.stands and one.result.revision.reader == "anna" for one in imported.taken)
    taken = next(one.result.revision for one in imported.taken if one.result.revision.organ == "liver")
    assert taken.base_sha256 == queued.workspace.store.predictions.hashes_of("a", "synthetic")["liver"]
    assert import_round(queued.workspace, folder).taken == []


def test_an_empty_segment_is_absent_only_where_its_reader_says_so(queued, folder, path):
    masks = masks_of(path, queued.workspace.store.cases.get("a"))
    gone = {**masks, "spleen": np.zeros_like(masks["spleen"])}
    as_slicer_saves(path, gone)
    imported = import_round(queued.workspace, folder)
    assert imported.taken == []
    why = "its segment 'spleen' has no voxel; name it spleen_revised to say that the organ is absent"
    assert told(imported) == {"a/a.seg.nrrd": why}
    as_slicer_saves(path, gone, completed=["spleen"])
    assert says(import_round(queued.workspace, folder)) == {("a", "spleen"): "absent"}


@pytest.mark.parametrize("name", [None, "milz 2", "Segment_1"])
def test_a_segment_that_was_removed_or_renamed_is_told_and_not_taken(queued, folder, path, drawn, name):
    masks = masks_of(path, queued.workspace.store.cases.get("a")) | {"liver": drawn}
    spleen = masks.pop("spleen")
    as_slicer_saves(path, masks if name is None else {**masks, name: spleen})
    imported = import_round(queued.workspace, folder)
    assert list(says(imported)) == [("a", "liver")]
    assert "its segment 'spleen' was removed or renamed" in imported.set_aside[-1].reason
    assert len(imported.set_aside) == (1 if name is None else 2)


def test_the_only_segment_of_a_saved_file_is_known_by_its_name(queued, folder, path, drawn):
    as_slicer_saves(path, {"liver": drawn}, to=path.with_name("liver_revised.seg.nrrd"))
    assert list(says(import_round(queued.workspace, folder))) == [("a", "liver")]


def test_exporting_again_keeps_what_a_reader_saved(queued, folder, path, drawn):
    masks = masks_of(path, queued.workspace.store.cases.get("a"))
    as_slicer_saves(path, {**masks, "liver": drawn})
    saved = path.read_bytes()
    export_round(queued.workspace, folder, reader="anna", options=AS_SEGMENTS)
    assert path.read_bytes() == saved
    assert list(says(import_round(queued.workspace, folder))) == [("a", "liver")]


def test_an_organ_that_was_shown_beside_the_tasks_is_measured_against_what_was_shown(queued, folder, path):
    masks = masks_of(path, queued.workspace.store.cases.get("a"))
    masks["pancreas"][10:14, 18:20, 5:9] = True
    as_slicer_saves(path, masks)
    (taken,) = import_round(queued.workspace, folder).taken
    revision = taken.result.revision
    assert (revision.organ, revision.task_number, revision.removed_ml) == ("pancreas", None, 0.0)
    assert revision.added_ml == pytest.approx(32 * 0.064)


def test_a_layout_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match=r"nifti, seg\.nrrd, mitk"):
        task_layout_named("slicer")


def test_a_folder_of_both_layouts_takes_back_what_was_saved_in_either(queued, folder, path, drawn, spleen):
    export_round(queued.workspace, folder, reader="anna")
    masks = masks_of(path, queued.workspace.store.cases.get("a"))
    as_slicer_saves(path, {**masks, "liver": drawn})
    export_round(queued.workspace, folder, reader="anna", options=AS_SEGMENTS)
    spleen[19] = False
    queued.write(folder / "a" / "spleen.nii.gz", spleen.astype(np.uint8))
    imported = import_round(queued.workspace, folder)
    assert says(imported) == {("a", "liver"): "revised", ("a", "spleen"): "revised"}
    assert imported.set_aside == []


def test_a_catch_trial_goes_out_as_the_planted_mask_and_its_answer_is_no_revision(caught, tmp_path):
    project = caught.workspace
    task, trial = trial_of(project)
    export_round(project, tmp_path / "tasks", reader="anna", options=AS_SEGMENTS)
    path = tmp_path / "tasks" / task.case_id / f"{task.case_id}.seg.nrrd"
    masks = masks_of(path, project.store.cases.get(task.case_id))
    np.testing.assert_array_equal(masks["liver"], read_nifti(trial.path).voxels > 0)
    n_before = len(project.store.revisions.of_case(task.case_id))
    as_slicer_saves(path, masks, completed=["liver"])
    (taken,) = import_round(project, tmp_path / "tasks").taken
    assert taken.result.revision.says.value == "accepted"
    (reading,) = project.store.catch_readings.all()
    assert (reading.is_found, reading.reader) == (False, "anna")
    assert len(project.store.revisions.of_case(task.case_id)) == n_before
