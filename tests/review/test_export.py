import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from omentum.errors import GridMismatchError, ReviewError
from omentum.records import WHOLE_CT, MaskFinding, TaskKind
from omentum.review.export import ExportHeader, export_task
from omentum.review.task_file import read_task_file
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.mask_hash import organ_sha256s
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

from .conftest import shown_of

HEADER = ExportHeader(project="0123", holder="anna", network="starter")


@pytest.fixture
def export(case, masks, attention_dir, tmp_path):
    """Export these tasks of the case, from these masks or the usual ones."""

    def call(tasks, shown=masks):
        folder = tmp_path / "review"
        of_case = shown_of(shown)
        return export_task(tasks, case, of_case, header=HEADER, attention_dir=attention_dir, folder=folder)

    return call


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_reader_finds_all_files_in_the_folder_of_the_case(export, tasks, tmp_path):
    folder = export(tasks)
    assert folder == tmp_path / "review" / "c1"
    assert set(contents(folder)) == {
        "ct.nii.gz", "liver.nii.gz", "spleen.nii.gz", "labels.nii.gz", "labels.json",
        "attention_liver.nii.gz", "labels.label.txt", "labels.ctbl", "task.json", "HOW_TO.txt",
    }  # fmt: skip


def test_the_ct_is_a_copy_that_can_be_changed_without_harm(export, tasks, case):
    ct_path = export(tasks) / "ct.nii.gz"
    assert ct_path.read_bytes() == case.ct_path.read_bytes()
    assert not ct_path.samefile(case.ct_path)


def test_each_mask_has_its_organs_own_index_on_the_cts_grid(export, tasks, masks, case):
    folder = export(tasks)
    for name in ("liver", "spleen"):
        image = nib.load(folder / f"{name}.nii.gz")
        assert image.get_data_dtype() == np.uint8
        np.testing.assert_array_equal(image.affine, nib.load(case.ct_path).affine)
        np.testing.assert_array_equal(np.asarray(image.dataobj), masks.mask(name) * organ(name).index)


def test_simpleitk_sees_masks_and_ct_in_one_place(export, tasks):
    folder = export(tasks)
    ct, mask = (sitk.ReadImage(str(folder / name)) for name in ("ct.nii.gz", "liver.nii.gz"))
    assert ct.GetSize() == mask.GetSize()
    for what in ("GetOrigin", "GetSpacing", "GetDirection"):
        np.testing.assert_allclose(getattr(ct, what)(), getattr(mask, what)(), atol=1e-6)


def test_all_predicted_organs_are_shown_for_context(export, tasks, masks):
    labels = np.asarray(nib.load(export(tasks) / "labels.nii.gz").dataobj)
    np.testing.assert_array_equal(labels, masks.painted())
    assert set(np.unique(labels)) == {0, organ("liver").index, organ("gall_bladder").index}


def test_the_task_says_what_was_shown_to_whom_and_where_to_look(export, tasks, masks):
    folder = export(tasks)
    told = json.loads((folder / "task.json").read_text())
    assert (told["version"], told["round"], told["case_id"], told["network"]) == (2, 1, "c1", "starter")
    assert (told["project"], told["holder"]) == ("0123", "anna")
    assert [spot["organ"] for spot in told["hot_spots"]] == ["liver"] * 3
    hashes = organ_sha256s(masks)
    assert [(row["organ"], row["task"], row["base"]) for row in told["organs"]] == [
        ("liver", 1, hashes["liver"]),
        ("spleen", 2, hashes["spleen"]),
    ]
    assert told["sha256"] == {
        path.name: file_sha256(path) for path in folder.iterdir() if path.name != "task.json"
    }


def test_the_page_names_each_file_to_open_and_to_save(export, tasks):
    page = (export(tasks) / "HOW_TO.txt").read_text()
    for name in ("liver", "spleen"):
        assert f"open {name}.nii.gz, save as {name}_revised.nii.gz" in page
    assert "{" not in page


def test_the_page_says_how_hot_spots_lead_the_look(export, tasks):
    page = (export([replace(tasks[0], n_spots=3), replace(tasks[1], n_spots=1)]) / "HOW_TO.txt").read_text()
    liver, spleen = (line for line in page.splitlines() if ": open " in line)
    assert liver.endswith("save as liver_revised.nii.gz, from its hot spots on all of it")
    assert spleen.endswith("save as spleen_revised.nii.gz, at its hot spot")


def test_an_audited_organ_does_not_tell_of_its_hot_spots(export, tasks):
    page = (export([replace(tasks[0], n_spots=3, kind=TaskKind.AUDIT)]) / "HOW_TO.txt").read_text()
    (line,) = [line for line in page.splitlines() if ": open " in line]
    assert line.endswith(", LOOK AT THE WHOLE ORGAN")


def test_exporting_again_changes_nothing_and_keeps_what_a_reader_saved(export, tasks):
    folder = export(tasks)
    (folder / "liver_revised.nii.gz").write_bytes(b"an hour of work")
    before = contents(folder)
    written = (folder / "liver.nii.gz").stat().st_mtime_ns
    export(tasks)
    assert contents(folder) == before
    assert (folder / "liver.nii.gz").stat().st_mtime_ns == written


def test_what_a_reader_saved_over_is_never_lost_nor_taken_for_what_was_shown(export, tasks, masks, case, box):
    folder = export(tasks)
    drawn = Volume(masks.mask("liver") | box((12, 13), (2, 12), (2, 9)), case.geometry)
    write_nifti(folder / "liver.nii.gz", drawn)
    write_nifti(folder / "labels.nii.gz", Volume(drawn.voxels.astype(np.uint8), case.geometry))
    before = contents(folder)
    better = MaskSet.from_labels(np.zeros(case.geometry.shape, np.uint8), case.geometry, ["liver", "spleen"])
    export(tasks, better)
    after = contents(folder)
    assert [after[name] == before[name] for name in ("liver.nii.gz", "labels.nii.gz")] == [True, True]
    told = read_task_file(folder)
    assert told.organs["liver"].base_sha256 == organ_sha256s(masks)["liver"]


def test_an_export_that_was_killed_is_finished_by_the_same_command(export, tasks, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("omentum.review.export.write_painted", killed)
        with pytest.raises(KeyboardInterrupt):
            export(tasks)
    folder = export(tasks)
    assert read_task_file(folder).round_number == 1
    assert not list(folder.glob(".*"))


def test_a_better_prediction_replaces_the_mask_that_nobody_touched(export, tasks, case, box):
    export(tasks)
    better = box((1, 13), (1, 13), (1, 10))
    labels = better.astype(np.uint8) * organ("liver").index
    shown = MaskSet.from_labels(labels, case.geometry, ["liver", "spleen"])
    folder = export(tasks, shown)
    np.testing.assert_array_equal(np.asarray(nib.load(folder / "liver.nii.gz").dataobj) > 0, better)


def test_masks_on_another_grid_are_refused(export, tasks, masks):
    elsewhere = Geometry(masks.geometry.shape, np.eye(4))
    with pytest.raises(GridMismatchError):
        export(tasks, MaskSet(masks.codes, masks.sets, masks.organs, elsewhere))


@pytest.mark.parametrize(
    "text", ["[1", "[]", '{"round": 1}', '{"round": "x", "case_id": "c1", "network": ""}']
)
def test_a_task_file_that_was_written_over_is_named(tmp_path, text):
    (tmp_path / "task.json").write_text(text)
    with pytest.raises(ReviewError, match=r"task\.json is not the JSON"):
        read_task_file(tmp_path)


def test_a_task_about_the_whole_ct_shows_it_and_says_how_to_answer(
    export, tasks, case, shown, tmp_path, attention_dir
):
    said = MaskFinding(organ=WHOLE_CT, rule="orientation", said="upside down", severity=1.0)
    task = replace(tasks[0], organ=WHOLE_CT, kind=TaskKind.FINDING, reason="whole CT: upside down")
    folder = export_task(
        [task],
        case,
        replace(shown, ct_findings=(said,)),
        header=HEADER,
        attention_dir=attention_dir,
        folder=tmp_path / "review",
    )
    assert {"ct.nii.gz", "labels.nii.gz"} <= set(contents(folder))
    assert "liver.nii.gz" not in contents(folder)
    page = (folder / "HOW_TO.txt").read_text()
    assert "THE WHOLE CT: upside down" in page
    assert "omentum review confirm --rule orientation --cases c1\n" in page
    assert "omentum cases exclude c1" in page


def test_of_an_audited_organ_the_reader_sees_nothing_that_tells_how_it_scored(export, tasks):
    export(tasks)  # exported for its attention before, which must not stay either
    liver, spleen = tasks
    folder = export([replace(liver, kind=TaskKind.AUDIT, attention_ml=0.0), spleen])
    assert not (folder / "attention_liver.nii.gz").exists()
    told = json.loads((folder / "task.json").read_text())
    assert told["hot_spots"] == []
    shown = {"task", "base", "base_source"}
    assert [{key: row[key] for key in row.keys() - shown} for row in told["organs"]] == [
        {"organ": "liver", "look_at": "the whole organ"},
        {"organ": "spleen", "rank": 2, "attention_ml": 1.0},
    ]
    assert (folder / "liver.nii.gz").is_file()


def test_the_page_says_which_organ_to_look_at_as_a_whole(export, tasks):
    assert "WHOLE" not in (export(tasks) / "HOW_TO.txt").read_text()
    page = (export([tasks[0], replace(tasks[1], kind=TaskKind.AUDIT)]) / "HOW_TO.txt").read_text()
    (line,) = [line for line in page.splitlines() if "WHOLE ORGAN" in line]
    assert line.startswith("Spleen: open spleen.nii.gz")
    assert "slice by slice" in page
    assert "lot" not in page.split()
