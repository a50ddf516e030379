import json
from dataclasses import replace

import numpy as np
import pytest

from omentum.exchange.import_options import ImportOptions
from omentum.incoming import add_cases
from omentum.project.project import opened
from omentum.review.folder_import import import_round
from omentum.review.import_tree_revisions import TREE_READER
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.geometry import Geometry
from omentum.volumes.mask_files import read_masks
from omentum.volumes.mask_hash import organ_sha256s
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.probabilities import read_probabilities
from omentum.volumes.volume import Volume

from .conftest import CASE, ORGANS, SHAPE, box, centre_mm, new_project, on, write_tree


@pytest.mark.parametrize(
    ("grid", "masks_on"),
    [("LPS", "LPS"), ("RAS", "RAS"), ("SAR", "LPS"), ("PIL", "PIL"), ("oblique", "oblique")],
)
def test_each_organ_of_a_tree_comes_in_by_its_name_at_its_place(project, tmp_path, grid, masks_on):
    write_tree(tmp_path / "tree", grid, masks_on)
    added = add_cases(project, [tmp_path / "tree"])
    assert added.cases.done == (CASE,)
    assert added.predictions.done == (f"{CASE}/swinunetr", f"{CASE}/unet")
    assert added.revisions.done == (f"{CASE}/celiac_trunk", f"{CASE}/kidney_left")
    assert not [*added.cases.failed, *added.predictions.failed, *added.revisions.failed, *added.left_alone]
    case = project.store.cases.get(CASE)
    ras = on("oblique" if grid == "oblique" else "RAS", np.zeros(SHAPE)).geometry
    for network, shift in (("unet", 0), ("swinunetr", 1)):
        made = project.predictions(network)[CASE]
        masks = read_masks(made.masks_path)
        assert set(masks.organs) == set(ORGANS) == set(made.organs)
        assert masks.geometry.same_grid(case.geometry)
        for name in ORGANS:
            there = centre_mm(masks.mask(name), masks.geometry)
            np.testing.assert_allclose(there, centre_mm(box(name, shift), ras), atol=1e-3)
    if grid != "oblique":
        masks = read_masks(project.predictions("unet")[CASE].masks_path)
        right, left = (
            centre_mm(masks.mask(f"kidney_{side}"), masks.geometry)[0] for side in ("right", "left")
        )
        assert right > left, "in RAS+ the right hand is at greater x"
    maps = read_probabilities(project.predictions("unet")[CASE].probabilities_path)
    assert {int(values.max()) for _, values in maps.parts.values()} == {200}
    for one in project.store.revisions.all():
        kept = read_nifti(one.path)
        assert kept.geometry.same_grid(case.geometry)
        shift = {"kidney_left": 2, "celiac_trunk": 1}[one.organ]
        np.testing.assert_allclose(
            centre_mm(kept.voxels > 0, kept.geometry), centre_mm(box(one.organ, shift), ras), atol=1e-3
        )


def test_a_revision_of_a_tree_is_the_one_that_an_import_would_make(project, tmp_path):
    case = write_tree(tmp_path / "tree")
    add_cases(project, [tmp_path / "tree"])
    ours = {one.organ: one for one in project.store.revisions.all()}
    with opened(new_project(tmp_path / "other")) as other:
        add_cases(other, [case / "ct.nii.gz"], case_id=CASE)
        imported = {one.organ: one for one in import_round(other, tmp_path / "tree").revisions}
        for name, one in imported.items():
            assert ours[name].path.name == one.path.name
            assert ours[name].path.read_bytes() == one.path.read_bytes()
            same = ("case_id", "organ", "sha256", "round_number", "minutes")
            assert [getattr(ours[name], field) for field in same] == [getattr(one, field) for field in same]
    assert {one.reader for one in ours.values()} == {TREE_READER}
    trunk = ours["celiac_trunk"]
    voxel_ml = project.store.cases.get(CASE).geometry.voxel_ml
    assert trunk.network == "average"
    assert trunk.added_ml == pytest.approx(4 * voxel_ml), "compared with what the reader began with"
    assert trunk.dice_to_base == pytest.approx(0.5)


def test_a_revision_without_the_mask_that_was_shown_is_compared_with_nothing(project, tmp_path):
    case = write_tree(tmp_path / "tree")
    (case / "average/segmentations/kidney_left.nii.gz").unlink()
    add_cases(project, [tmp_path / "tree"])
    (kidney,) = (one for one in project.store.revisions.all() if one.organ == "kidney_left")
    assert (kidney.network, kidney.removed_ml) == ("synthetic", None)


def test_masks_that_cannot_be_used_are_named_and_all_else_comes_in(project, tmp_path):
    case = write_tree(tmp_path / "tree")
    unet, average = case / "backbones/unet", case / "average/segmentations"
    good = (unet / "segmentations/liver.nii.gz").read_bytes()
    coarser = Geometry(
        (20, 18, 15), on("LPS", np.zeros(SHAPE, np.uint8)).geometry.affine @ np.diag([1, 1, 1.2, 1])
    )
    write_nifti(unet / "segmentations/liver.nii.gz", Volume(np.zeros(coarser.shape, np.uint8), coarser))
    write_nifti(unet / "soft_pred/kidney_left.nii.gz", on("LPS", np.full(SHAPE, 2.5, np.float32)))
    write_nifti(average / "celiac_truck_revised.nii.gz", on("LPS", np.full(SHAPE, 3, np.uint8)))
    shifted = on("LPS", box("kidney_left"))
    affine = shifted.geometry.affine.copy()
    affine[0, 3] += 0.5
    write_nifti(
        average / "kidney_left_revised.nii.gz", Volume(shifted.voxels, Geometry(shifted.voxels.shape, affine))
    )
    added = add_cases(project, [tmp_path / "tree"])
    told = {one.key: one.reason for one in (*added.predictions.failed, *added.revisions.failed)}
    assert added.cases.done == (CASE,)
    assert added.cases.failed == ()
    assert told.keys() == {
        f"{CASE}/unet/liver", f"{CASE}/unet/kidney_left", f"{CASE}/celiac_trunk", f"{CASE}/kidney_left",
    }  # fmt: skip
    assert "nor on its lattice" in told[f"{CASE}/unet/liver"]
    assert "its value 3 is that of kidney_left" in told[f"{CASE}/celiac_trunk"]
    assert "voxels off" in told[f"{CASE}/kidney_left"]
    assert project.store.revisions.all() == []
    made = project.predictions("unet")[CASE]
    assert set(made.organs) == set(ORGANS) - {"liver"}
    assert read_masks(made.masks_path).mask("kidney_left").any(), "a bad soft prediction leaves its mask"
    again = add_cases(project, [tmp_path / "tree"])
    assert {one.key for one in (*again.predictions.failed, *again.revisions.failed)} == told.keys()
    (unet / "segmentations/liver.nii.gz").write_bytes(good)
    mended = add_cases(project, [tmp_path / "tree"])
    assert mended.predictions.done == (f"{CASE}/unet",)
    assert set(project.predictions("unet")[CASE].organs) == set(ORGANS)


def test_a_prediction_says_where_it_came_from_and_knows_no_weights(project, tmp_path):
    case = write_tree(tmp_path / "tree")
    add_cases(project, [tmp_path / "tree"])
    made = project.predictions("unet")[CASE]
    assert made.weights_sha256.startswith("files:")
    assert made.origin == f"{case / 'ct.nii.gz'}, backbones/unet" == made.made_with["imported_from"]
    assert made.masks_sha256 == file_sha256(made.masks_path)
    assert project.store.predictions.organ_hashes("unet")[CASE] == organ_sha256s(read_masks(made.masks_path))
    assert made.findings, "boxes of some voxels are no organs"
    assert json.loads(made.summary_path.read_text())["made_with"] == made.made_with


def test_where_nobody_is_to_be_named_no_path_of_the_tree_is_kept(project, tmp_path):
    write_tree(tmp_path / "Doe_Jane")
    add_cases(project, [tmp_path / "Doe_Jane"], options=ImportOptions(deidentify=True))
    assert project.predictions("unet").keys() == {CASE}
    store = project.store
    kept = [store.cases.every(), store.arrivals.all(), store.labels.of_case(CASE), store.revisions.all()]
    assert "Doe" not in repr([*kept, store.predictions.of_case(CASE)]).replace(str(project.folder.root), "")


def test_a_tree_of_other_organs_and_strange_names_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))
    case = write_tree(tmp_path / "tree")
    (case / "backbones/unet").rename(case / "backbones/un net")
    (case / "average/segmentations/kidney_left_revised.nii.gz").rename(
        case / "average/segmentations/appendix_revised.nii.gz"
    )
    from omentum.exchange.importers.find_sources import find_sources

    told = {
        one.key.removeprefix(f"{case}/"): one.reason for one in find_sources([tmp_path / "tree"]).left_out
    }
    assert "names a folder" in told["backbones/un net/segmentations/liver.nii.gz"]
    assert "no organ" in told["average/segmentations/appendix_revised.nii.gz"]
    assert "painted" in told["backbones/swinunetr/pseudo_label.nii.gz"]
    with opened(new_project(tmp_path / "p", organs=("aorta",))) as workspace:
        added = add_cases(workspace, [tmp_path / "tree"])
        (alone,) = added.left_alone
        assert "no" in alone.reason
        assert "organ of this project" in alone.reason
        assert workspace.predictions("swinunetr") == {}


def test_add_ends_with_1_where_a_mask_of_a_tree_cannot_be_used(home, omentum, tmp_path):
    case = write_tree(tmp_path / "tree")
    write_nifti(
        case / "average/segmentations/kidney_left_revised.nii.gz", on("LPS", np.full(SHAPE, 9, np.uint8))
    )
    omentum("init", tmp_path / "p", "--network", "tiny", "--organs", "liver")
    ran = omentum("-C", tmp_path / "p", "add", tmp_path / "tree")
    assert ran.code == 1
    assert f"{CASE}/kidney_left was set aside" in ran.err
    assert "added 1 case" in ran.err
    assert "took 2 predictions and 1 revisions" in ran.out


def test_a_case_of_another_name_takes_what_lies_beside_its_ct(project, tmp_path):
    case = write_tree(tmp_path / "tree")
    added = add_cases(project, [case], case_id="mine")
    assert added.predictions.done == ("mine/swinunetr", "mine/unet")
    assert {one.case_id for one in project.store.revisions.all()} == {"mine"}
    assert replace(project.store.cases.get("mine")).original_organs == ("liver", "liver_tumor")
