"""A small AbdomenAtlas tree on any grid, an empty project, and projects with releases."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from omentum.assemble.stage import assemble_round
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

SHAPE = (20, 18, 16)
CASE = "04_LiTS_liver_7"
ORGANS = ("kidney_right", "kidney_left", "liver", "celiac_trunk", "gall_bladder")
RELEASED = ("spleen", "liver", "pancreas")
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
    moved = Volume(voxels, Geometry(voxels.shape, affine)).reoriented(grid)
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
    begin_project(root, Settings(organs=organs, networks=("synthetic",), held_out_share=0.0))
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


@pytest.fixture
def project_at(tmp_path, atlas, monkeypatch):
    """Function: a name to an empty project of that name."""
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))
    for where in ("exchange.label_files", "predict.predict_case"):  # boxes are no plausible organs
        monkeypatch.setattr(f"omentum.{where}.mask_findings", lambda *_: ())
    monkeypatch.setattr("omentum.review.hand_in.findings_of_new", lambda *_: {})
    with ExitStack() as stack:

        def make(name, network="made-up"):
            root = tmp_path / name
            settings = Settings(organs=RELEASED, networks=(network,), held_out_share=0.0, audit_share=0.0)
            begin_project(root, settings)
            return type(atlas)(tmp_path, stack.enter_context(opened(root)))

        yield make


@pytest.fixture
def masks(atlas):
    return {
        "liver": atlas.box((3, 10), (3, 10), (3, 10)),
        "spleen": atlas.box((12, 18), (3, 10), (3, 10)),
        "pancreas": atlas.box((3, 10), (12, 16), (3, 10)),
    }


@pytest.fixture
def north(project_at, masks):
    """A project with an original liver and no original spleen, a revised pancreas, and a predicted case."""
    made = project_at("north")
    made.add("n1", original={"liver": masks["liver"], "spleen": np.zeros_like(masks["spleen"])})
    made.add("n2")
    made.predict("n1", masks)
    made.predict("n2", {**masks, "pancreas": np.zeros_like(masks["pancreas"])})
    made.hand_in("n1", "pancreas", made.box((4, 11), (12, 16), (3, 10)), reader="anna")
    assemble_round(made.workspace, "V1")
    return made


@pytest.fixture
def south(project_at, masks):
    """A project whose reader accepted one mask and found another organ absent; its patient is held out."""
    made = project_at("south")
    made.add("s1")
    made.predict("s1", masks)
    made.hand_in("s1", "liver", masks["liver"], reader="ben")
    made.hand_in("s1", "spleen", np.zeros_like(masks["spleen"]), reader="anna")
    assemble_round(made.workspace, "V1")
    return made


def release_of(made, version="V1"):
    return made.workspace.folder.release_dir(version)
