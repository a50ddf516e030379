import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from omentum import incoming
from omentum.exchange.add import Manner
from omentum.exchange.batch import ADD_STAGE
from omentum.incoming import add_cases
from omentum.predict import left_before
from omentum.predict.round import predict_round
from omentum.review import drawn_before
from omentum.review.drawn_before import TREE_READER
from omentum.review.round import import_round
from omentum.settings import Settings
from omentum.volumes.geometry import Geometry
from omentum.volumes.mask_files import read_masks
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.orient import reoriented
from omentum.volumes.probabilities import read_probabilities
from omentum.volumes.volume import Volume
from omentum.workspace import new_workspace, opened

SHAPE = (20, 18, 16)
CASE = "04_LiTS_liver_7"
ORGANS = ("kidney_right", "kidney_left", "liver", "celiac_trunk", "gall_bladder")
BOXES = {  # in a RAS grid
    "kidney_right": ((13, 17), (3, 7), (4, 9)),
    "kidney_left": ((2, 6), (3, 7), (5, 11)),
    "liver": ((10, 18), (8, 15), (8, 14)),
    "celiac_trunk": ((9, 11), (6, 8), (6, 8)),
    "gall_bladder": ((11, 13), (12, 16), (4, 7)),
}
TREE_NAMES = {"celiac_trunk": "celiac_truck"}


def box(name: str, shift: int = 0) -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    x, y, z = BOXES[name]
    mask[slice(*x), slice(*y), slice(z[0] + shift, z[1] + shift)] = True
    return mask


def on(grid: str, voxels: np.ndarray) -> Volume:
    """RAS voxels on a grid, each at its own place in the patient."""
    affine = np.diag([2.0, 2.5, 3.0, 1.0])
    affine[:3, 3] = (-21.0, 13.5, -4.25)
    if grid == "oblique":
        a, b = np.radians((20.0, -12.0))
        turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]]) @ np.array(
            [[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]]
        )
        affine[:3, :3] = turn @ affine[:3, :3]
        return Volume(voxels, Geometry(voxels.shape, affine))
    moved = reoriented(Volume(voxels, Geometry(voxels.shape, affine)), grid)
    return Volume(np.asfortranarray(moved.voxels), moved.geometry)


def write_tree(root: Path, grid: str = "LPS", masks_on: str | None = None, case_id: str = CASE) -> Path:
    """A case as AbdomenAtlas has it: masks as float32, soft predictions as bytes, two revisions."""
    case, masks_on = root / case_id, masks_on or grid
    rng = np.random.default_rng(list(case_id.encode()))
    write_nifti(case / "ct.nii.gz", on(grid, rng.integers(-900, 900, SHAPE).astype(np.int16)))
    original = np.where(box("liver"), 1, 0).astype(np.uint8)
    write_nifti(case / "original_label.nii.gz", on(grid, original))
    for network, shift in (("unet", 0), ("swinunetr", 1)):
        folder = case / "backbones" / network
        for name in BOXES:
            file, mask = f"{TREE_NAMES.get(name, name)}.nii.gz", box(name, shift)
            write_nifti(folder / "segmentations" / file, on(masks_on, mask.astype(np.float32)))
            if network == "unet":
                write_nifti(folder / "soft_pred" / file, on(masks_on, mask * np.uint8(200)))
        write_nifti(folder / "pseudo_label.nii.gz", on(masks_on, np.zeros(SHAPE, dtype=np.float32)))
    average = case / "average" / "segmentations"
    for name in ("kidney_left", "celiac_trunk", "gall_bladder"):
        write_nifti(average / f"{TREE_NAMES.get(name, name)}.nii.gz", on(masks_on, box(name).astype(float)))
    for name, shift in (("kidney_left", 2), ("celiac_trunk", 1)):
        file = f"{TREE_NAMES.get(name, name)}_revised.nii.gz"
        write_nifti(average / file, on(masks_on, box(name, shift).astype(np.float32)))
    return case


def new_project(root: Path, organs: tuple[str, ...] = ORGANS) -> Path:
    new_workspace(root, Settings(organs=organs, networks=("made-up",), held_out_share=0.0))
    return root


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty open project that knows five organs; its network has no weights."""
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))
    with opened(new_project(tmp_path / "p")) as workspace:
        yield workspace


def centre_mm(mask: np.ndarray, geometry: Geometry) -> np.ndarray:
    return geometry.to_mm(np.argwhere(mask)).mean(axis=0)


def known(workspace) -> dict:
    """All that a project knows of what was made before; times and paths of the project aside."""
    store = workspace.store
    return {
        "cases": [case.case_id for case in store.cases.all()],
        "revisions": sorted(
            (one.organ, one.sha256, one.network, one.added_ml) for one in store.revisions.all()
        ),
        "revised": sorted(path.name for path in workspace.folder.cases_dir.rglob("revisions/*/*")),
        "predictions": {
            network: {
                case_id: made.weights_sha256 for case_id, made in workspace.predictions(network).items()
            }
            for network in ("unet", "swinunetr")
        },
        "files": sorted(
            path.relative_to(workspace.folder.cases_dir).as_posix()
            for path in workspace.folder.cases_dir.rglob("*")
        ),
        "failed": store.ledger.failures(),
    }


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
        imported = {one.organ: one for one in import_round(other, tmp_path / "tree")}
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
    assert trunk.dice_to_before == pytest.approx(0.5)


def test_a_revision_without_the_mask_that_was_shown_is_compared_with_nothing(project, tmp_path):
    case = write_tree(tmp_path / "tree")
    (case / "average/segmentations/kidney_left.nii.gz").unlink()
    add_cases(project, [tmp_path / "tree"])
    (kidney,) = (one for one in project.store.revisions.all() if one.organ == "kidney_left")
    assert (kidney.network, kidney.removed_ml) == ("made-up", 0.0)


def test_the_same_tree_again_changes_and_doubles_nothing(project, tmp_path):
    write_tree(tmp_path / "tree")
    add_cases(project, [tmp_path / "tree"])
    before = known(project)
    times = {path: path.stat().st_mtime_ns for path in project.folder.cases_dir.rglob("*.nii.gz")}
    again = add_cases(project, [tmp_path / "tree"])
    assert (again.cases.done, again.predictions.done, again.revisions.done) == ((), (), ())
    assert len(again.predictions.skipped) == len(again.revisions.skipped) == 2
    assert known(project) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


KILLED_AT = [
    (incoming, "settled_sources"),
    (left_before, "is_predicted"),
    (drawn_before, "take_revision"),
    (drawn_before, "noted"),
    (drawn_before, "mark_done"),
]


@pytest.mark.parametrize(("room", "name"), KILLED_AT, ids=lambda one: getattr(one, "__name__", one))
@pytest.mark.parametrize("after", [False, True])
def test_what_was_killed_anywhere_goes_on_and_nothing_is_lost_or_doubled(
    project, tmp_path, monkeypatch, room, name, after
):
    write_tree(tmp_path / "tree")
    with opened(new_project(tmp_path / "whole")) as whole:
        add_cases(whole, [tmp_path / "tree"])
        wanted = known(whole)
    real = getattr(room, name)

    def killed(*args, **options):
        if after:
            real(*args, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(room, name, killed)
        if name == "is_predicted":  # asked of what an earlier run has noted
            add_cases(project, [tmp_path / "tree"])
        with pytest.raises(KeyboardInterrupt):
            add_cases(project, [tmp_path / "tree"])
    add_cases(project, [tmp_path / "tree"])
    assert known(project) == wanted


def test_a_process_that_is_killed_between_a_ct_and_its_predictions_goes_on(project, tmp_path):
    write_tree(tmp_path / "tree")
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom omentum import incoming\n"
        "from omentum.predict import stage\nfrom omentum.workspace import opened\n"
        "stage.write_painted = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "with opened(Path(sys.argv[1])) as workspace:\n"
        "    incoming.add_cases(workspace, [Path(sys.argv[2])])\n"
    )
    command = [sys.executable, "-c", script, str(project.folder.root), str(tmp_path / "tree")]
    environment = {**os.environ, "PYTHONPATH": str(Path(incoming.__file__).parents[1])}
    done = subprocess.run(command, check=False, env=environment, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [case.case_id for case in project.store.cases.all()] == [CASE]
    assert project.predictions("swinunetr") == {}
    added = add_cases(project, [tmp_path / "tree"])
    assert added.cases.skipped == (CASE,)
    assert len(added.predictions.done) == len(added.revisions.done) == 2
    with opened(new_project(tmp_path / "whole")) as whole:
        add_cases(whole, [tmp_path / "tree"])
        assert known(project) == known(whole)


def test_killed_while_a_prediction_was_written(project, tmp_path, monkeypatch):
    from omentum.predict import stage

    write_tree(tmp_path / "tree")
    with monkeypatch.context() as patch:
        patch.setattr(stage, "write_preview", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            add_cases(project, [tmp_path / "tree"])
    assert project.predictions("swinunetr") == {}
    add_cases(project, [tmp_path / "tree"])
    assert set(project.predictions("swinunetr")) == set(project.predictions("unet")) == {CASE}
    assert len(project.store.revisions.all()) == 2


def test_masks_that_cannot_be_used_are_named_and_all_else_comes_in(project, tmp_path):
    case = write_tree(tmp_path / "tree")
    unet, average = case / "backbones/unet", case / "average/segmentations"
    good = (unet / "segmentations/liver.nii.gz").read_bytes()
    write_nifti(unet / "segmentations/liver.nii.gz", on("LPS", np.zeros((20, 18, 15), np.uint8)))
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
    assert "shape" in told[f"{CASE}/unet/liver"]
    assert "values" in told[f"{CASE}/celiac_trunk"]
    assert "mm off" in told[f"{CASE}/kidney_left"]
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


def test_what_the_project_made_itself_is_never_overwritten(project, tmp_path):
    case = write_tree(tmp_path / "tree")
    add_cases(project, [case / "ct.nii.gz"], case_id=CASE)
    folder = project.folder.prediction_dir(CASE, "unet")
    folder.mkdir(parents=True)
    (folder / "masks.nii.gz").write_bytes(b"ours")
    detail = {"weights_sha256": "w" * 64, "organs": ["liver"]}
    project.store.ledger.mark_done("predict unet", CASE, detail)
    write_nifti(tmp_path / "tasks" / CASE / "kidney_left_revised.nii.gz", on("LPS", box("kidney_left", -1)))
    (ours,) = import_round(project, tmp_path / "tasks")
    added = add_cases(project, [tmp_path / "tree"])
    assert [one.key.removeprefix(f"{case}/") for one in added.left_alone] == [
        "backbones/unet", "average/segmentations/kidney_left_revised.nii.gz",
    ]  # fmt: skip
    assert (folder / "masks.nii.gz").read_bytes() == b"ours"
    assert project.store.revisions.latest()[CASE, "kidney_left"] == ours
    assert added.revisions.done == (f"{CASE}/celiac_trunk",)


def test_a_revision_made_here_stands_when_the_tree_is_added_again(project, tmp_path):
    case = write_tree(tmp_path / "tree")
    add_cases(project, [tmp_path / "tree"])
    write_nifti(tmp_path / "tasks" / CASE / "kidney_left_revised.nii.gz", on("LPS", box("kidney_left", -1)))
    (ours,) = import_round(project, tmp_path / "tasks")
    project.store.rounds.finish(1)
    project.store.rounds.start("made-up")
    add_cases(project, [tmp_path / "tree"])
    assert project.store.revisions.latest()[CASE, "kidney_left"] == ours
    path = case / "average/segmentations/celiac_truck_revised.nii.gz"
    write_nifti(path, on("LPS", box("celiac_trunk", 3)))
    added = add_cases(project, [tmp_path / "tree"])
    assert added.revisions.done == (f"{CASE}/celiac_trunk",), "a mask that was revised again there is taken"
    assert project.store.revisions.latest()[CASE, "celiac_trunk"].round_number == 2


def test_the_ledger_says_where_a_prediction_came_from_and_knows_no_weights(project, tmp_path):
    case = write_tree(tmp_path / "tree")
    add_cases(project, [tmp_path / "tree"])
    made_with = project.store.ledger.details("predict unet")[CASE]["made_with"]
    assert made_with["weights_sha256"].startswith("files:")
    assert made_with["imported_from"] == f"{case / 'ct.nii.gz'}, backbones/unet"
    summary = json.loads(project.predictions("unet")[CASE].summary_path.read_text())
    assert summary["made_with"] == made_with


def test_where_nobody_is_to_be_named_no_path_of_the_tree_is_kept(project, tmp_path):
    write_tree(tmp_path / "Doe_Jane")
    add_cases(project, [tmp_path / "Doe_Jane"], manner=Manner(deidentify=True))
    assert project.predictions("unet").keys() == {CASE}
    noted = json.dumps(
        [project.store.ledger.details(one) for one in (ADD_STAGE, "predict unet", drawn_before.DRAWN_STAGE)]
    )
    assert "Doe" not in noted


def test_an_imported_network_is_a_second_opinion_and_needs_no_weights(project, tmp_path):
    write_tree(tmp_path / "tree")
    add_cases(project, [tmp_path / "tree"])
    (batch,) = predict_round(project, networks=["unet"])
    assert (batch.skipped, batch.failed) == ((CASE,), ())
    write_tree(tmp_path / "more", case_id="04_LiTS_liver_8")
    add_cases(project, [tmp_path / "more/04_LiTS_liver_8/ct.nii.gz"])
    (batch,) = predict_round(project, networks=["unet"])
    (failure,) = batch.failed
    assert "no weights here" in failure.reason


def test_a_tree_of_other_organs_and_strange_names_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))
    case = write_tree(tmp_path / "tree")
    (case / "backbones/unet").rename(case / "backbones/un net")
    (case / "average/segmentations/kidney_left_revised.nii.gz").rename(
        case / "average/segmentations/appendix_revised.nii.gz"
    )
    from omentum.exchange.sources import look_through

    told = {
        one.key.removeprefix(f"{case}/"): one.reason for one in look_through([tmp_path / "tree"]).left_out
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


def test_a_network_that_predicts_here_is_not_mixed_with_what_others_made_by_its_name(home, tmp_path):
    case = write_tree(tmp_path / "tree")
    (case / "backbones/unet").rename(case / "backbones/tiny")
    new_workspace(tmp_path / "p", Settings(organs=("liver",), networks=("tiny",), held_out_share=0.0))
    with opened(tmp_path / "p") as workspace:
        added = add_cases(workspace, [tmp_path / "tree"])
        assert workspace.predictions("tiny") == {}
        assert added.predictions.done == (f"{CASE}/swinunetr",)
        (alone,) = added.left_alone
        assert "same weights" in alone.reason


def test_a_second_opinion_from_a_tree_counts_in_scoring_and_in_a_release(home, omentum, tmp_path):
    write_tree(tmp_path / "tree")
    project = tmp_path / "p"
    assert omentum("init", project, "--network", "tiny", "--organs", "liver,kidney_left").code == 0
    ran = omentum("-C", project, "add", tmp_path / "tree", "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["predictions"] == [f"{CASE}/swinunetr", f"{CASE}/unet"]
    assert told["revisions"] == [f"{CASE}/celiac_trunk", f"{CASE}/kidney_left"]
    settings = project / "omentum.toml"
    text = settings.read_text()
    assert '"tiny"' in text
    settings.write_text(text.replace('["tiny"]', '["tiny", "unet"]'))
    for words in (("predict",), ("score",), ("assemble", "--version", "V1", "--network", "unet")):
        ran = omentum("-C", project, *words)
        assert ran.code == 0, ran.err
    with opened(project) as workspace:
        assert workspace.networks == ("tiny", "unet")
        assert len(workspace.opinions()[CASE]) == 2
    organs = json.loads((project / "releases/V1" / CASE / "lineage.json").read_text())["organs"]
    assert {name: row["source"] for name, row in organs.items()} == {
        "liver": "original", "liver_tumor": "original", "kidney_left": "revised", "celiac_trunk": "revised",
    }  # fmt: skip


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
